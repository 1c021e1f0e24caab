"""The answer's words: lit as they sound, and left pale where the answer was cut."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.fake_session import Script
from tests.browser.harness import ParleyPage, parley_page

pytestmark = pytest.mark.browser


def said(page: ParleyPage) -> int:
    return page.page.locator("#answer .word:not(.to-come)").count()


def test_words_light_one_after_the_other(parley: ParleyPage) -> None:
    parley.ask("When?")
    parley.until_state("speaking")
    counts = []
    while parley.state() == "speaking":
        counts.append(said(parley))
        parley.page.wait_for_timeout(30)
    assert counts == sorted(counts)
    assert len(set(counts)) > 4
    parley.until_answered()
    assert said(parley) == len(" ".join(Script().sentences).split())
    assert parley.page.locator("#answer .sounding").count() == 0


def test_words_that_were_not_heard_stay_pale(browser: Browser) -> None:
    script = Script(seconds=6)
    with FakeServer(script) as server, parley_page(browser, server.base_url) as page:
        page.until_state("ready")
        page.ask("When?")
        page.until(lambda: said(page) >= 3)
        page.page.keyboard.press("Escape")
        page.until_state("ready")
        told = server.sessions[-1].events
        page.until(lambda: any(one["type"] == "conversation.item.truncate" for one in told))
        (cut,) = [one for one in told if one["type"] == "conversation.item.truncate"]
        sentence_ms = 1000 * script.seconds / len(script.sentences)
        words_heard = cut["audio_end_ms"] / sentence_ms * len(script.sentences[0].split())
        assert abs(said(page) - words_heard) <= 1
        assert page.page.locator("#answer .to-come").count() > 0

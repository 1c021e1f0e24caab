"""A page whose main thread stands still for a second loses neither the question nor the answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.fake_session import VOICE_HZ, Script
from tests.browser.harness import ParleyPage, parley_page
from tests.browser.signals import audible_spans_ms, find, sweep, to_rate

pytestmark = pytest.mark.browser

STALL = "() => { const end = performance.now() + 1000; while (performance.now() < end); }"


def test_frames_reach_the_server_while_the_page_stands_still(
    parley: ParleyPage, server: FakeServer
) -> None:
    parley.press_microphone()
    frames = server.sessions[-1].frame_sizes
    parley.until(lambda: len(frames) > 10)
    before = len(frames)
    parley.page.evaluate(STALL)
    # 50 are spoken in a second; frames that pass the page's thread would all come after the stall.
    assert len(frames) - before >= 25


def test_answer_goes_on_without_a_gap_while_the_page_stands_still(browser: Browser) -> None:
    script = Script(seconds=2.0)
    with FakeServer(script) as server, parley_page(browser, server.base_url) as page:
        page.until_state("ready")
        page.ask("When?")
        page.until_state("speaking")
        page.page.evaluate(STALL)
        page.until_answered()
        heard = page.heard()
        answer = to_rate(sweep(VOICE_HZ, script.seconds), VOICE_HZ, heard.rate_hz)
        assert len(audible_spans_ms(heard.samples, heard.rate_hz)) == 1
        assert find(answer, heard.samples).correlation > 0.9999

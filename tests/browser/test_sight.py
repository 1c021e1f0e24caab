"""What matters is in sight: the question asked, the word that sounds, what was said before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.fake_session import Script
from tests.browser.harness import ParleyPage, parley_page

pytestmark = pytest.mark.browser

LONG = ("one two three four five six seven eight nine ten " * 6).strip()

BELOW_THE_DOCK_PX = """(() => {
  const word = document.querySelector("#answer .sounding");
  if (word === null) return null;
  const dock = document.getElementById("dock").getBoundingClientRect();
  return word.getBoundingClientRect().bottom - dock.top;
})()"""


@contextmanager
def long_answer(browser: Browser, seconds: float) -> Iterator[ParleyPage]:
    """A small page that has begun to speak an answer longer than itself."""
    script = Script(sentences=(LONG, LONG), seconds=seconds)
    with (
        FakeServer(script) as server,
        parley_page(browser, server.base_url, width=320, height=640) as page,
    ):
        page.until_state("ready")
        page.ask("When?")
        page.until_state("speaking")
        yield page


def in_sight(page: ParleyPage, selector: str) -> bool:
    box = page.page.locator(selector).first.bounding_box()
    dock = page.page.locator("#dock").bounding_box()
    return bool(box and dock and box["y"] >= 0 and box["y"] + box["height"] <= dock["y"])


def test_word_that_sounds_is_brought_above_the_dock(browser: Browser) -> None:
    with long_answer(browser, seconds=8) as page:
        page.until(lambda: page.page.evaluate("scrollY") > 200)
        page.until(lambda: (page.page.evaluate(BELOW_THE_DOCK_PX) or 1) < 0)


def test_page_that_the_person_scrolls_is_left_alone(browser: Browser) -> None:
    with long_answer(browser, seconds=4) as page:
        page.page.mouse.move(100, 300)
        page.page.mouse.wheel(0, 30)
        page.until_answered()
        assert page.page.evaluate("scrollY") <= 30


def test_next_question_is_shown_wherever_the_person_was_reading(
    browser: Browser, server: FakeServer
) -> None:
    with parley_page(browser, server.base_url, width=320, height=640) as page:
        page.until_state("ready")
        page.ask("When?")
        page.until_answered()
        page.page.mouse.wheel(0, 2000)
        page.until(lambda: not in_sight(page, "#question"))
        page.ask("And then?")
        page.until(lambda: page.text("#question") == "And then?" and in_sight(page, "#question"))


def test_earlier_answers_can_be_read_without_opening_them(parley: ParleyPage) -> None:
    parley.ask("When?")
    parley.until_answered()
    parley.ask("And then?")
    parley.until_answered()
    assert Script().sentences[0] in parley.text(".past > summary")
    parley.page.locator(".past > summary").click()
    assert parley.page.locator(".past-excerpt").is_hidden()
    assert Script().sentences[0] in parley.text(".past-answer")

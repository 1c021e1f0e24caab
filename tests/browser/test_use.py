"""The page by keyboard, at any width, in light and dark, by ear, and without motion."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.fake_session import Script
from tests.browser.harness import ColourScheme, ParleyPage, parley_page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_nothing_scrolls_sideways(browser: Browser, server: FakeServer, width: int) -> None:
    with parley_page(browser, server.base_url, width=width) as page:
        page.until_state("ready")
        page.ask("Donaudampfschifffahrtsgesellschaftskapit\u00e4nsm\u00fctzenverordnung?" * 3)
        page.until(lambda: page.page.locator("#current .latency").count())
        page.page.locator("#current .source summary").first.click()
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_page_follows_the_colour_scheme_with_contrast_enough(
    browser: Browser, server: FakeServer, scheme: ColourScheme, is_dark: bool
) -> None:
    with parley_page(browser, server.base_url, colour_scheme=scheme) as page:
        ground = "getComputedStyle(document.documentElement).backgroundColor"
        channels = page.page.evaluate(f"{ground}.match(/\\d+/g).map(Number)")
        assert (sum(channels[:3]) < 200) is is_dark
        ratios = page.page.evaluate(CONTRASTS)
        assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}


CONTRASTS = """(() => {
  const style = getComputedStyle(document.documentElement);
  const channel = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const luminance = (name) => {
    const rgb = style.getPropertyValue(name).trim().slice(1).match(/../g);
    const [r, g, b] = rgb.map((pair) => channel(parseInt(pair, 16) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const result = {};
  const compare = (text, ground) => {
    const [low, high] = [luminance(text), luminance(ground)].sort((a, b) => a - b);
    result[`${text} on ${ground}`] = (high + 0.05) / (low + 0.05);
  };
  for (const ground of ["--page", "--surface", "--raised"]) {
    for (const text of ["--ink", "--soft", "--accent", "--warning"]) compare(text, ground);
  }
  compare("--on-accent", "--accent");
  return result;
})()"""


def test_space_switches_the_microphone_but_not_while_typing(parley: ParleyPage) -> None:
    parley.page.focus("#typed")
    parley.page.keyboard.type("a b")
    assert parley.page.input_value("#typed") == "a b"
    assert parley.state() == "ready"
    parley.page.evaluate("document.activeElement.blur()")
    parley.page.keyboard.press("Space")
    parley.until_state("listening")
    assert parley.page.get_attribute("#microphone", "aria-pressed") == "true"
    parley.page.keyboard.press("Space")
    parley.until_state("ready")


def test_everything_is_reached_by_tab_and_shows_its_focus(parley: ParleyPage) -> None:
    reached = []
    for _ in range(8):
        parley.page.keyboard.press("Tab")
        reached.append(
            parley.page.evaluate(
                "[document.activeElement.id || document.activeElement.textContent,"
                " getComputedStyle(document.activeElement).outlineStyle]"
            )
        )
    topics = [f"Tell me about {topic}" for topic in Script().topics]
    order = ("add", "microphone", "typed", "Ask", *topics, "speed")
    assert reached == [[name, "solid"] for name in order]


def test_level_meter_moves_with_the_microphone(parley: ParleyPage) -> None:
    parley.press_microphone()
    parley.until(lambda: int(parley.page.get_attribute("#meter", "aria-valuenow") or 0) > 50)
    parley.press_microphone()
    assert parley.page.get_attribute("#meter", "aria-valuenow") == "0"


def test_screen_readers_are_told_state_question_and_answer(parley: ParleyPage) -> None:
    for selector in ("#question", "#answer"):
        assert parley.page.get_attribute(selector, "aria-live") == "polite"
    assert parley.page.locator("[role=status] #state").count() == 1
    assert parley.page.get_attribute("#problem", "role") == "alert"
    assert parley.page.get_attribute("html", "lang") == "en"
    assert parley.page.title() == "Parley"


def test_reduced_motion_stops_every_animation(parley: ParleyPage) -> None:
    parley.page.emulate_media(reduced_motion="reduce")
    parley.ask("When?")
    parley.until_state("speaking")
    assert parley.page.evaluate("document.getAnimations().length") == 0

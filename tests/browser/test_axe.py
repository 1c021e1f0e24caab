"""The page in every state, light and dark, by axe: no violation at any level."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.fake_session import Script
from tests.browser.harness import ColourScheme, ParleyPage, parley_page

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
NO_MICROPHONE = """void (navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException("", "NotAllowedError"); })"""


def violations(page: ParleyPage) -> list[str]:
    """In words; axe is run by the debugger, so the page's policy stays as strict as it is."""
    page.page.evaluate(AXE)
    found: dict[str, Any] = page.page.evaluate("axe.run()")
    assert len(found["passes"]) > 20
    return [
        f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}"
        for each in found["violations"]
    ]


def fresh(page: ParleyPage) -> None:
    page.until_state("ready")


def speaking(page: ParleyPage) -> None:
    page.ask("When?")
    page.until(lambda: page.page.locator("#answer .to-come").count() > 1)


def answered(page: ParleyPage) -> None:
    page.page.keyboard.press("Escape")
    page.ask("And then?")
    page.until_state("speaking")
    page.page.keyboard.press("Escape")
    page.until(lambda: page.page.locator("#current .latency").count())
    for summary in page.page.locator("summary").all():
        summary.click()


def listening(page: ParleyPage) -> None:
    page.press_microphone()
    page.until_state("listening")
    page.page.keyboard.press("m")


def uploaded(page: ParleyPage) -> None:
    names = ("notes.md", "broken.md", "song.mp3")
    files: Any = [{"name": name, "mimeType": "", "buffer": b"x"} for name in names]
    page.page.set_input_files("#files", files)
    page.until(lambda: page.page.locator(".upload[data-state=failed]").count() == 2)


def blocked(page: ParleyPage) -> None:
    page.press_microphone()
    page.page.evaluate(NO_MICROPHONE)
    page.press_microphone()
    page.until_state("error")


STATES: tuple[Callable[[ParleyPage], None], ...] = (
    fresh,
    speaking,
    answered,
    listening,
    uploaded,
    blocked,
)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_no_state_of_the_page_has_a_violation(
    browser: Browser, scheme: ColourScheme, width: int
) -> None:
    script = Script(seconds=8, voices=("espeak-ng en-us", "espeak-ng en-gb"))
    with (
        FakeServer(script) as server,
        parley_page(browser, server.base_url, colour_scheme=scheme, width=width) as page,
    ):
        found = {}
        for reach in STATES:
            reach(page)
            found[reach.__name__] = violations(page)
        assert found == {reach.__name__: [] for reach in STATES}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_for_the_token_has_none(browser: Browser, scheme: ColourScheme) -> None:
    with (
        FakeServer(token="t") as server,
        parley_page(browser, server.base_url, colour_scheme=scheme) as page,
    ):
        page.page.locator("#token").wait_for(timeout=10_000)
        assert violations(page) == []

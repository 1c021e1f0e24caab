"""A server that asks for a token: the form, what it keeps, and what it says of a wrong one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.harness import ParleyPage, parley_page

pytestmark = pytest.mark.browser

TOKEN = "open-sesame"


@pytest.fixture
def locked(browser: Browser) -> Iterator[tuple[ParleyPage, FakeServer]]:
    with FakeServer(token=TOKEN) as server, parley_page(browser, server.base_url) as page:
        page.page.locator("#token").wait_for(timeout=10_000)
        yield page, server
        assert page.complaints == []


def enter(page: ParleyPage, token: str) -> None:
    page.page.fill("#token", token)
    page.page.press("#token", "Enter")


def stored(page: ParleyPage) -> str:
    return str(page.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])"))


def test_right_token_opens_and_is_kept_nowhere(locked: tuple[ParleyPage, FakeServer]) -> None:
    page, _ = locked
    assert page.text("#state") == "This Parley asks for a token"
    assert "PARLEY_TOKEN" in page.text("#hint")
    enter(page, TOKEN)
    page.until_state("ready")
    assert page.page.locator("#token").is_hidden()
    assert TOKEN not in stored(page)
    page.page.reload()
    page.page.locator("#token").wait_for(timeout=10_000)


def test_token_is_kept_in_the_tab_when_the_person_says_so(
    locked: tuple[ParleyPage, FakeServer],
) -> None:
    page, server = locked
    page.page.check("#keep-token")
    enter(page, TOKEN)
    page.until_state("ready")
    page.page.reload()
    page.until_state("ready")
    assert len(server.sessions) == 2
    assert page.page.evaluate("localStorage.length") == 0


@pytest.mark.parametrize(
    ("token", "told"), [("open-barley", "does not open"), ("a/b=", "cannot send that token")]
)
def test_wrong_token_is_said_and_another_may_be_tried(
    locked: tuple[ParleyPage, FakeServer], token: str, told: str
) -> None:
    page, _ = locked
    page.page.check("#keep-token")
    enter(page, token)
    page.until(lambda: told in page.text("#door-told"))
    assert token not in stored(page)
    enter(page, TOKEN)
    page.until_state("ready")

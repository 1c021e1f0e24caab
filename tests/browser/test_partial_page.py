"""A server that is silent, and a page that arrived in part."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.harness import parley_page

pytestmark = pytest.mark.browser


def test_server_that_accepts_and_says_nothing_is_given_up_and_tried_again(
    browser: Browser,
) -> None:
    """The deadline of 10 s is served shorter, so that the test need not wait for it."""
    with FakeServer() as server:
        server.is_silent, server.opening_ms = True, 300
        with parley_page(browser, server.base_url) as page:
            page.until(lambda: page.text("#state") == "Parley does not answer")
            assert "Trying again" in page.text("#hint")
            server.is_silent = False
            page.until_state("ready")


@pytest.mark.parametrize(
    ("missing", "title"),
    [
        ("socket-worker.js", "Not connected"),
        ("words.js", "This page could not be loaded"),
        ("app.js", "This page could not be loaded"),
    ],
)
def test_page_that_arrived_in_part_says_so(
    browser: Browser, server: FakeServer, missing: str, title: str
) -> None:
    """It once said "Connecting" for ever."""
    with parley_page(browser, server.base_url) as page:
        page.page.context.route(f"**/{missing}", lambda route: route.abort())
        page.page.reload()
        page.until(lambda: page.text("#state") == title)
        assert page.state() == "error"
        assert "Reload the page" in page.text("#hint")

"""The page before the first question: what is offered, what is missing, and nothing that jumps."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.fake_session import Script
from tests.browser.harness import ParleyPage, parley_page

pytestmark = pytest.mark.browser


def test_topic_that_is_tapped_is_asked_about(parley: ParleyPage, server: FakeServer) -> None:
    topics = parley.page.locator(".topic")
    assert topics.count() == len(Script().topics)
    topics.filter(has_text="the east quay").click()
    parley.until_answered()
    (asked,) = [event["item"] for event in server.sessions[-1].events if "item" in event]
    assert asked["content"][0]["text"] == "Tell me about the east quay"
    assert parley.text("#question") == "Tell me about the east quay"
    assert topics.first.is_hidden()


def test_server_without_documents_asks_for_some(browser: Browser) -> None:
    script = Script(documents=0, topics=())
    with FakeServer(script) as server, parley_page(browser, server.base_url) as page:
        page.until_state("ready")
        assert page.text("#lead") == "Give Parley something to read."
        assert page.page.locator("#topics").is_hidden()
        document: Any = {"name": "notes.md", "mimeType": "", "buffer": b"# One"}
        page.page.set_input_files("#files", [document])
        page.until(lambda: page.text("#lead") == "Ask your documents.")


def test_what_is_read_stays_where_it_is_when_the_session_begins(browser: Browser) -> None:
    """On a phone a line and a button are to come above it."""
    with FakeServer() as server:
        server.is_silent = True
        with parley_page(browser, server.base_url, width=320) as page:
            page.until(lambda: page.page.evaluate("document.body.dataset.link") == "connecting")
            before = page.page.evaluate(TOP_OF_LEAD)
            server.is_silent = False
            server.drop_connections(1012)
            page.until_state("ready")
            assert page.page.evaluate(TOP_OF_LEAD) == before


TOP_OF_LEAD = "document.getElementById('lead').getBoundingClientRect().top"


def test_focus_of_the_field_scrolls_nothing_where_all_is_in_sight(browser: Browser) -> None:
    with (
        FakeServer(Script(topics=())) as server,
        parley_page(browser, server.base_url, width=320, height=640) as page,
    ):
        page.until_state("ready")
        page.page.focus("#typed")
        assert page.page.evaluate("scrollY") == 0

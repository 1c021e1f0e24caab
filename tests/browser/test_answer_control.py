"""Typed questions, stopping an answer, interrupting it, and what stays on the page afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.fake_server import FakeServer
from tests.browser.fake_session import Script
from tests.browser.harness import ParleyPage, parley_page
from tests.browser.signals import audible_spans_ms

pytestmark = pytest.mark.browser


def event_of(server: FakeServer, kind: str) -> dict[str, Any] | None:
    return next((event for event in server.sessions[-1].events if event["type"] == kind), None)


def heard_ms(page: ParleyPage) -> int:
    heard = page.heard()
    return sum(end - start for start, end in audible_spans_ms(heard.samples, heard.rate_hz))


def test_typed_question_is_answered_aloud(parley: ParleyPage, server: FakeServer) -> None:
    parley.ask("When does it open?")
    parley.until_answered()
    assert parley.text("#question") == "When does it open?"
    assert Script().sentences[0] in parley.text("#answer")
    assert "from your question" in parley.text("#current .latency")
    assert heard_ms(parley) > 1000 * Script().seconds - 50
    created = event_of(server, "conversation.item.create")
    assert created is not None
    assert created["item"]["content"] == [{"type": "input_text", "text": "When does it open?"}]


def test_sentence_appears_when_it_is_heard_not_when_it_arrives(parley: ParleyPage) -> None:
    parley.ask("When does it open?")
    parley.until(lambda: parley.text("#answer").strip())
    assert Script().sentences[-1] not in parley.text("#answer")
    parley.until_answered()
    assert Script().sentences[-1] in parley.text("#answer")


def test_escape_silences_the_answer_and_tells_the_server_what_was_heard(
    parley: ParleyPage, server: FakeServer
) -> None:
    parley.ask("When does it open?")
    parley.until_state("speaking")
    parley.page.wait_for_timeout(300)
    parley.page.keyboard.press("Escape")
    truncated = parley.until(lambda: event_of(server, "conversation.item.truncate"))
    parley.until_state("ready")
    parley.page.wait_for_timeout(300)
    assert truncated["item_id"].endswith("_item")
    assert 0 < truncated["audio_end_ms"] < 1000 * Script().seconds
    assert heard_ms(parley) <= truncated["audio_end_ms"] + 20
    assert event_of(server, "response.cancel") is not None
    assert "Stopped" in parley.text("#note")


def test_stopped_answer_stays_silent_while_its_audio_still_arrives(browser: Browser) -> None:
    script = Script(is_deaf_to_cancel=True)
    with FakeServer(script) as server, parley_page(browser, server.base_url) as page:
        page.until_state("ready")
        page.ask("First?")
        page.until_state("speaking")
        page.page.keyboard.press("Escape")
        truncated = page.until(lambda: event_of(server, "conversation.item.truncate"))
        page.until(lambda: page.page.locator("#current .latency").count())
        page.page.wait_for_timeout(100)
        assert heard_ms(page) <= truncated["audio_end_ms"] + 20
        page.ask("Second?")
        page.until_answered()
        assert heard_ms(page) > 1000 * script.seconds


def test_question_after_a_stopped_answer_is_answered_whole(parley: ParleyPage) -> None:
    parley.ask("First?")
    parley.until_state("speaking")
    parley.ask("Second?")
    parley.until(lambda: parley.text("#question") == "Second?")
    parley.until_answered()
    assert Script().sentences[-1] in parley.text("#answer")
    assert parley.text("#note") == ""
    past = parley.page.locator(".past")
    past.locator("summary").first.click()
    assert "First?" in past.inner_text()
    assert "Stopped" in past.inner_text()


def test_past_turns_are_kept_newest_first(browser: Browser) -> None:
    with (
        FakeServer(Script(seconds=0.3)) as server,
        parley_page(browser, server.base_url) as page,
    ):
        page.until_state("ready")
        for question in ("One?", "Two?", "Three?"):
            page.ask(question)
            page.until_answered()
        assert page.page.locator(".past-question").all_inner_texts() == ["Two?", "One?"]


def test_speaking_into_the_answer_interrupts_it(browser: Browser) -> None:
    with (
        FakeServer(Script(seconds=6)) as server,
        parley_page(browser, server.base_url, raw_microphone=True) as page,
    ):
        page.until_state("ready")
        page.press_microphone()
        page.until_state("listening")
        page.ask("Typed while the microphone hears words?")
        page.until(lambda: page.page.locator(".past").count())
        truncated = event_of(server, "conversation.item.truncate")
        assert truncated is not None
        assert truncated["audio_end_ms"] < 5000
        page.page.locator(".past summary").first.click()
        assert "Stopped after" in page.text(".past")
        assert page.complaints == []


def test_closing_the_microphone_in_mid_sentence_commits_it(
    browser: Browser, server: FakeServer
) -> None:
    with parley_page(browser, server.base_url, raw_microphone=True) as page:
        page.until_state("ready")
        page.press_microphone()
        page.until(lambda: page.text("#hint") == "I hear you.")
        page.press_microphone()
        page.until_answered()
        assert event_of(server, "input_audio_buffer.commit") is not None
        assert page.state() == "ready"


def test_document_text_is_shown_inert(browser: Browser) -> None:
    markup = "<img src=x onerror=alert(1)><b>bold</b>"
    source = {"document": markup, "title": markup, "heading": markup, "passage": markup}
    script = Script(sentences=(markup,), sources=(source | {"score": 1, "sentence": markup},))
    with FakeServer(script) as server, parley_page(browser, server.base_url) as page:
        page.until_state("ready")
        page.ask(markup)
        page.until(lambda: page.text("#answer").strip() == markup)
        assert page.text("#question") == markup
        assert page.page.locator(".conversation img, .conversation b").count() == 0
        assert page.complaints == []


def test_empty_question_is_not_sent(parley: ParleyPage, server: FakeServer) -> None:
    parley.ask("   ")
    parley.ask("Real?")
    parley.until(lambda: event_of(server, "response.create"))
    kinds = [event["type"] for event in server.sessions[-1].events]
    assert kinds == ["conversation.item.create", "response.create"]

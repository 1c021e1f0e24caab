"""A question spoken into a real browser's microphone, and the answer at its loudspeakers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import MICROPHONE_HZ, WORDS_S
from tests.browser.fake_server import FakeServer
from tests.browser.fake_session import SEGMENTS, SOURCES, VOICE_HZ, FakeSession, Script
from tests.browser.harness import Heard, ParleyPage, parley_page
from tests.browser.signals import (
    audible_spans_ms,
    chirped_words,
    find,
    from_pcm16,
    sweep,
    to_rate,
)

pytestmark = pytest.mark.browser


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """One whole turn, still on the page."""

    page: ParleyPage
    session: FakeSession
    heard: Heard


@pytest.fixture(scope="module")
def turn(browser: Browser) -> Iterator[SpokenTurn]:
    with (
        FakeServer() as server,
        parley_page(browser, server.base_url, raw_microphone=True) as page,
    ):
        page.until_state("ready")
        page.press_microphone()
        page.until_answered()
        yield SpokenTurn(page, server.sessions[0], page.heard())


def test_microphone_arrives_as_16_khz_pcm_like_the_source(turn: SpokenTurn) -> None:
    spoken = to_rate(chirped_words(MICROPHONE_HZ, WORDS_S, count=3), MICROPHONE_HZ, 16000)
    match = find(spoken, from_pcm16(bytes(turn.session.pcm)))
    assert match.correlation > 0.99
    assert match.overlap_samples > 2 * 16000


def test_microphone_arrives_in_frames_of_20_ms(turn: SpokenTurn) -> None:
    assert set(turn.session.frame_sizes) == {640}


def test_browser_is_asked_to_clean_the_microphone(turn: SpokenTurn) -> None:
    assert turn.page.page.evaluate("__ears.constraints") == {
        "audio": {
            "echoCancellation": True,
            "noiseSuppression": True,
            "autoGainControl": True,
            "channelCount": 1,
        }
    }


def test_answer_is_heard_whole_and_without_a_gap(turn: SpokenTurn) -> None:
    heard = turn.heard
    answer = to_rate(sweep(VOICE_HZ, Script().seconds), VOICE_HZ, heard.rate_hz)
    match = find(answer, heard.samples)
    assert len(audible_spans_ms(heard.samples, heard.rate_hz)) == 1
    assert match.overlap_samples == len(answer)
    assert match.correlation > 0.9999


def test_question_and_answer_are_shown(turn: SpokenTurn) -> None:
    assert turn.page.text("#question") == Script().question
    assert turn.page.text("#answer").strip() == " ".join(Script().sentences)


def test_each_source_shows_document_heading_score_and_on_opening_the_passage(
    turn: SpokenTurn,
) -> None:
    sources = turn.page.page.locator("#current .source")
    assert sources.count() == len(SOURCES)
    first = sources.first
    assert "Opening hours" in first.inner_text()
    assert "0.83" in first.inner_text()
    assert str(SOURCES[0]["passage"]) not in first.inner_text()
    first.locator("summary").click()
    assert str(SOURCES[0]["passage"]) in first.inner_text()
    assert "harbour.md" in first.inner_text()


def test_latency_is_shown_by_segment_as_table_and_bar(turn: SpokenTurn) -> None:
    latency = turn.page.page.locator("#current .latency")
    assert latency.locator("tbody:not(.whole) tr").count() == len(SEGMENTS)
    assert latency.locator(".bar rect").count() == len(SEGMENTS)
    assert f"{sum(SEGMENTS.values()):.0f} ms" in latency.inner_text()
    assert "End of the question" in latency.inner_text()
    head = latency.locator("thead th").all_text_contents()
    assert head == ["Milliseconds", "last", "p50", "p95"]
    assert all(cell for cell in latency.locator("tbody td").all_text_contents())


def test_what_came_from_the_cache_is_said(turn: SpokenTurn) -> None:
    cached = turn.page.page.locator("#current .latency tr", has_text="cached")
    assert cached.count() == 1
    assert "Voice" in cached.inner_text()


def test_embedded_engines_are_announced_with_the_reason(turn: SpokenTurn) -> None:
    running = turn.page.text("#running")
    for text in (*Script().engines.values(), *Script().notes, "development"):
        assert text in running
    assert turn.page.text("#library") == "6 documents, 48 passages"


def test_browser_has_nothing_to_complain_about(turn: SpokenTurn) -> None:
    assert turn.page.complaints == []


def test_page_runs_under_the_strict_policy(turn: SpokenTurn) -> None:
    assert turn.page.response is not None
    policy = turn.page.response.header_value("content-security-policy") or ""
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy

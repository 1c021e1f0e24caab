"""Slow proofs against the real server: echo, barge-in, restart, full, token, documents, cuts.

Run by `make browser`. Each prints what it measured (`-s` or `-rP` shows it).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from websockets.sync.client import connect

from benchmarks.demo import read_demo_questions
from server.settings import Settings
from tests.browser.harness import ParleyPage, in_room, parley_page
from tests.server.running import RunningApp, running_app, settings_in

pytestmark = [pytest.mark.browser, pytest.mark.proof, pytest.mark.timeout(300)]

QUESTIONS = [question.wav for question in read_demo_questions()]
ECHO_GAIN = 0.25
ECHO_DELAY_MS = 80
ECHO_TURNS = 10
MOST_GAP_MS = 20
MOST_SILENCING_MS = 10


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_in(tmp_path_factory.mktemp("proofs"))


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[RunningApp]:
    with running_app(settings) as running:
        yield running


@contextmanager
def opened(browser: Browser, server: RunningApp, script: str = "") -> Iterator[ParleyPage]:
    with parley_page(browser, f"http://127.0.0.1:{server.port}", script=script) as page:
        page.until_state("ready")
        yield page


def turns(page: ParleyPage) -> int:
    return page.page.locator(".past").count() + page.page.locator("#current:visible").count()


def longest_gap_ms(page: ParleyPage) -> int:
    """As the playback worklet counted it, over the current answer."""
    return int(page.page.get_attribute("#current", "data-longest-gap-ms") or 0)


def ask_aloud(page: ParleyPage, wav: Path) -> None:
    before = turns(page)
    page.speak(wav)
    page.until(lambda: turns(page) == before + 1 and page.state() == "speaking", 20)


def test_page_that_hears_its_own_loudspeaker_never_answers_itself(
    browser: Browser, server: RunningApp
) -> None:
    """Ten spoken turns at a quarter of the loudness and 80 ms, with nothing that cancels it."""
    with opened(browser, server, in_room(ECHO_GAIN, ECHO_DELAY_MS)) as page:
        page.press_microphone()
        page.until_state("listening")
        gaps = []
        for turn in range(ECHO_TURNS):
            ask_aloud(page, QUESTIONS[turn % len(QUESTIONS)])
            page.until_state("listening", timeout_s=40)
            page.page.wait_for_timeout(1500)
            gaps.append(longest_gap_ms(page))
            assert page.text("#note") == ""
        print(f"{turns(page)} turns of {ECHO_TURNS} questions; longest gap {max(gaps)} ms")
        assert turns(page) == ECHO_TURNS
        assert page.page.get_by_text("Stopped").count() == 0
        assert max(gaps) <= MOST_GAP_MS
        assert page.complaints == []


def test_question_spoken_into_the_answer_ends_it_and_is_answered(
    browser: Browser, server: RunningApp
) -> None:
    with opened(browser, server, in_room(0, 0)) as page:
        page.press_microphone()
        page.until_state("listening")
        page.ask("What are the rules of the island, and where may I stay overnight?")
        page.until(lambda: page.page.locator("#answer .word:not(.to-come)").count() > 2, 20)
        page.speak(QUESTIONS[1])
        page.until(lambda: page.page.locator(".past").count() == 1, 20)
        page.until(lambda: "black ball" in page.text("#current"), 30)
        page.page.locator(".past summary").first.click()
        assert "Stopped after" in page.text(".past")
        silenced_ms = page.page.evaluate("document.body.dataset.silencedMs")
        print(f"silent {silenced_ms} ms after the server heard speech")
        assert page.complaints == []


def test_question_with_pauses_is_one_while_space_is_held(
    browser: Browser, server: RunningApp
) -> None:
    """Two questions with 1.5 s between them, longer than any endpoint waits: the key decides."""
    with opened(browser, server, in_room(0, 0)) as page:
        page.page.keyboard.down("Space")
        page.until(lambda: page.text("#hint") == "Let go of Space when you have asked.")
        for _ in range(2):
            page.speak(QUESTIONS[1])
            page.page.wait_for_timeout(4000)
        assert turns(page) == 0
        page.page.keyboard.up("Space")
        page.until_answered(40)
        assert turns(page) == 1
        assert "black ball" in page.text("#current")
        assert page.state() == "ready"
        assert page.complaints == []


def test_answers_that_are_stopped_fall_silent_at_once(browser: Browser, server: RunningApp) -> None:
    """The fade of 5 ms and the way to the audio thread and back are in the figure."""
    with opened(browser, server) as page:
        taken = []
        for turn in range(10):
            page.ask(f"What does a day ticket cost, question {turn}?")
            page.until_state("speaking")
            page.page.wait_for_timeout(150)
            page.page.evaluate("delete document.body.dataset.silencedMs")
            page.page.keyboard.press("Escape")
            figure = page.until(lambda: page.page.evaluate("document.body.dataset.silencedMs"))
            taken.append(float(figure))
            page.until_state("ready")
        print(f"silent after {statistics.median(taken):.1f} ms, at most {max(taken):.1f}")
        assert statistics.median(taken) <= MOST_SILENCING_MS


def test_added_document_answers_the_next_question(
    browser: Browser, server: RunningApp, tmp_path: Path
) -> None:
    document = tmp_path / "greenhouse.md"
    document.write_text(
        "# The greenhouse\n\n## Watering\n\nThe orchids in the greenhouse are watered by Magdalena"
        " every second Thursday at noon.\n"
    )
    with opened(browser, server) as page:
        page.page.set_input_files("#files", [document])
        page.until(lambda: page.page.locator(".upload[data-state=done]").count() == 1, 60)
        page.ask("Who waters the orchids in the greenhouse?")
        page.until(lambda: "Magdalena" in page.text("#answer"), 30)
        page.page.locator("#current .source summary").first.click()
        assert "greenhouse.md" in page.text("#current .sources")
        broken = tmp_path / "broken.pdf"
        broken.write_bytes(b"%PDF-1.7")
        page.page.set_input_files("#files", [broken])
        page.until(lambda: page.page.locator(".upload[data-state=failed]").count() == 1, 60)
        assert "broken.pdf" in page.text(".upload[data-state=failed]")
        assert page.complaints == []


def test_restarted_server_is_found_again(browser: Browser, settings: Settings) -> None:
    with running_app(settings) as first, opened(browser, first) as page:
        port = first.port
        first.app.stop_soon()
        page.until(lambda: page.text("#state") == "Parley is restarting")
        page.until(lambda: page.text("#state") == "Not connected")
        stopped_at_s = time.monotonic()
        with running_app(replace(settings, port=port)):
            page.until_state("ready", timeout_s=40)
            print(f"found again {time.monotonic() - stopped_at_s:.1f} s after it was gone")
            page.ask("Where is the accessible toilet?")
            page.until_answered(60)


LONG = "What are the rules of the island, and where may I stay overnight?"


def cut_connections(server: RunningApp) -> None:
    """As a network does that goes away: no close, no word."""
    loop = server.app._loop
    assert loop is not None
    for connection in list(server.app._reception.connections._made):
        loop.call_soon_threadsafe(connection.transport.abort)


def test_answer_goes_on_where_it_was_when_the_connection_was_lost(
    browser: Browser, server: RunningApp
) -> None:
    with opened(browser, server) as page:
        page.ask(LONG)
        page.until_answered(60)
        whole = page.text("#answer").split()
        page.ask(LONG)
        page.until(lambda: page.page.locator("#answer .word:not(.to-come)").count() > 4, 20)
        cut_connections(server)
        page.until(lambda: page.page.evaluate("document.body.dataset.link") == "waiting")
        page.until(lambda: page.page.evaluate("document.body.dataset.link") == "open")
        page.until_answered(60)
        words = page.text("#answer").split()
        print(f"{len(words)} words after the loss, {len(whole)} without one")
        assert words == whole
        assert page.text("#note") == ""
        assert page.page.locator("#answer .to-come").count() == 0


def test_full_server_lets_the_page_in_once_there_is_a_place(
    browser: Browser, settings: Settings
) -> None:
    with (
        running_app(replace(settings, sessions_maximum=1)) as server,
        connect(server.url) as other,
        parley_page(browser, f"http://127.0.0.1:{server.port}") as page,
    ):
        page.until(lambda: page.text("#state") == "Parley is full")
        assert "Trying again" in page.text("#hint")
        other.close()
        page.until_state("ready", timeout_s=40)
        assert page.text("#problem") == ""
        assert page.complaints == []


def test_page_opens_a_server_that_asks_for_a_token(browser: Browser, settings: Settings) -> None:
    with (
        running_app(replace(settings, token="open-sesame")) as server,
        parley_page(browser, f"http://127.0.0.1:{server.port}") as page,
    ):
        page.page.locator("#token").wait_for(timeout=10_000)
        page.page.fill("#token", "open-sesame")
        page.page.press("#token", "Enter")
        page.until_state("ready")
        page.ask("Where is the accessible toilet?")
        page.until_answered(60)
        assert page.complaints == []

"""What the page says and does when the microphone or the server is not to be had."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.fake_server import FakeServer
from tests.browser.harness import DENY, FAKE_DEVICE, GRANT, ParleyPage, chromium, parley_page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("flags", "title", "next_step"),
    [
        ((FAKE_DEVICE, DENY), "blocked", "allow the microphone"),
        ((GRANT,), "No microphone was found", "Plug one in"),
    ],
)
def test_microphone_that_is_not_to_be_had_names_the_next_step(
    playwright_driver: Playwright, flags: tuple[str, ...], title: str, next_step: str
) -> None:
    with (
        FakeServer() as server,
        chromium(playwright_driver, flags=flags) as browser,
        parley_page(browser, server.base_url) as page,
    ):
        page.until_state("ready")
        page.press_microphone()
        page.until_state("error")
        assert title in page.text("#state")
        assert next_step in page.text("#hint")
        page.ask("Then I type?")
        page.until_answered()
        assert page.complaints == []


def test_insecure_page_says_where_to_go_and_still_answers_in_words(
    playwright_driver: Playwright,
) -> None:
    rule = "--host-resolver-rules=MAP voice.test 127.0.0.1"
    with FakeServer() as server, chromium(playwright_driver, flags=(rule,)) as browser:
        base_url = server.base_url.replace("127.0.0.1", "voice.test")
        with parley_page(browser, base_url) as page:
            page.until_state("ready")
            page.press_microphone()
            page.until_state("error")
            assert "http://localhost:" in page.text("#hint")
            page.ask("Then I type?")
            page.until(lambda: page.page.locator("#current .latency").count())
            assert "harbour office" in page.text("#answer")
            assert page.complaints == []


def test_full_server_is_tried_again_no_sooner_than_it_asked(browser: Browser) -> None:
    with FakeServer(refusals=1) as server, parley_page(browser, server.base_url) as page:
        page.until(lambda: page.text("#state") == "Parley is full")
        assert "Trying again" in page.text("#hint")
        assert "All places are taken" in page.text("#hint")
        assert page.text("#problem") == ""
        page.until_state("ready")
        assert page.text("#problem") == ""


def test_restarted_server_is_found_again(parley: ParleyPage, server: FakeServer) -> None:
    server.drop_connections(1012)
    parley.until(lambda: parley.text("#state") == "Parley is restarting")
    parley.until_state("ready")
    parley.ask("Still there?")
    parley.until_answered()
    assert len(server.sessions) == 2


def test_idle_page_sleeps_until_something_is_asked(parley: ParleyPage, server: FakeServer) -> None:
    server.drop_connections(4408)
    parley.until(lambda: parley.page.evaluate("document.body.dataset.link") == "asleep")
    assert parley.state() == "ready"
    assert len(server.sessions) == 1
    parley.ask("Wake up?")
    parley.until_answered()
    assert len(server.sessions) == 2


def test_answer_cut_by_a_lost_connection_says_so(parley: ParleyPage, server: FakeServer) -> None:
    parley.ask("When?")
    parley.until_state("speaking")
    server.drop_connections(1011)
    parley.until_state("ready")
    assert "connection was lost" in parley.text("#note")

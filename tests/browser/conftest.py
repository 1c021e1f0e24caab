"""The browser, its microphone's WAV, the fake server and a page, for the tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.fake_server import FakeServer
from tests.browser.harness import ParleyPage, chromium, chromium_path, parley_page
from tests.browser.signals import chirped_words, write_microphone_wav

MICROPHONE_HZ = 44100
WORDS_S = 1.2


@pytest.fixture(scope="package")
def playwright_driver() -> Iterator[Playwright]:
    if chromium_path() is None:
        pytest.skip("no Chromium is installed; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def microphone_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("microphone") / "words.wav"
    words = chirped_words(MICROPHONE_HZ, WORDS_S, count=3)
    return write_microphone_wav(path, words, MICROPHONE_HZ)


@pytest.fixture(scope="package")
def browser(playwright_driver: Playwright, microphone_wav: Path) -> Iterator[Browser]:
    with chromium(playwright_driver, microphone_wav) as opened:
        yield opened


@pytest.fixture
def server(browser: Browser) -> Iterator[FakeServer]:
    """Asks for the browser first, so that without one nothing is started."""
    with FakeServer() as running:
        yield running


@pytest.fixture
def parley(browser: Browser, server: FakeServer) -> Iterator[ParleyPage]:
    """A connected page; afterwards it must have had nothing to complain about."""
    with parley_page(browser, server.base_url) as page:
        page.until_state("ready")
        yield page
        assert page.complaints == []

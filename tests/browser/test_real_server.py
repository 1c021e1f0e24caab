"""The same page against the real server: a recorded question in, right source and speech out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Playwright

from audio.wavfile import read_wav
from benchmarks.demo import read_demo_questions
from tests.browser.harness import ParleyPage, chromium, parley_page
from tests.browser.signals import audible_spans_ms, write_microphone_wav
from tests.server.running import running_app, settings_in

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(150)]

QUESTION = read_demo_questions()[0]


@pytest.fixture(scope="module")
def answered(
    playwright_driver: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ParleyPage]:
    folder = tmp_path_factory.mktemp("real")
    settings = replace(settings_in(folder), speech_speed=2.0)
    wav = recorded_question(folder / "question.wav")
    with (
        running_app(settings) as server,
        chromium(playwright_driver, wav) as browser,
        parley_page(browser, f"http://127.0.0.1:{server.port}") as page,
    ):
        page.until_state("ready")
        page.press_microphone()
        page.until_answered(60)
        yield page


def recorded_question(path: Path) -> Path:
    """The sample question with the silence round it that Chromium's microphone needs."""
    recording = read_wav(QUESTION.wav)
    silence = np.zeros(recording.rate_hz)
    samples = np.concatenate([silence, recording.samples, silence, silence])
    return write_microphone_wav(path, samples, recording.rate_hz)


def test_recorded_question_is_shown_and_answered_from_the_right_document(
    answered: ParleyPage,
) -> None:
    assert len(answered.text("#question").split()) > 3
    assert answered.text("#answer").strip()
    answered.page.locator("#current .source summary").first.click()
    assert QUESTION.document in answered.text("#current .sources")


def test_answer_of_the_real_voice_is_heard(answered: ParleyPage) -> None:
    heard = answered.heard()
    spans = audible_spans_ms(heard.samples, heard.rate_hz, floor=0.01)
    assert sum(end - start for start, end in spans) > 1000


def test_latency_and_engines_of_the_real_server_are_shown(answered: ParleyPage) -> None:
    latency = answered.text("#current .latency")
    for label in ("End of the question", "Recognition", "Search", "Voice"):
        assert label in latency
    assert "pocketsphinx" in answered.text("#engines")
    assert "espeak" in answered.text("#engines")
    assert "embedded" in answered.text("#notes")


def test_voice_of_the_real_server_can_be_chosen(answered: ParleyPage) -> None:
    assert answered.page.locator("#voice option").count() == 5
    answered.page.select_option("#voice", "espeak-ng en-gb-scotland")
    answered.until(lambda: "en-gb-scotland" in answered.text("#engines"))


def test_real_page_raises_no_complaint_and_carries_the_strict_policy(
    answered: ParleyPage,
) -> None:
    assert answered.complaints == []
    assert answered.response is not None
    policy = answered.response.header_value("content-security-policy") or ""
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_nothing_is_asked_of_anybody_else(answered: ParleyPage) -> None:
    """Not a font, not a script, not a picture: each address is the server's own, or none."""
    hosts = {urlsplit(url).netloc for url in answered.requested}
    assert len(answered.requested) > 20
    assert hosts <= {urlsplit(answered.base_url).netloc, ""}

"""The microphone as a person uses it: held by a key, muted, chosen, lost; the voice chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.fake_server import FakeServer
from tests.browser.fake_session import Script
from tests.browser.harness import ParleyPage, chromium, parley_page

pytestmark = pytest.mark.browser

BY_HAND = {"input": {"turn_detection": None}}
BY_ITSELF = {"input": {"turn_detection": {"type": "semantic_vad"}}}


def told(server: FakeServer) -> list[dict[str, Any]]:
    return server.sessions[-1].events


def kinds(server: FakeServer) -> list[str]:
    return [event["type"] for event in told(server)]


def hold_space(page: ParleyPage) -> None:
    page.page.keyboard.down("Space")
    page.until(lambda: page.text("#hint") == "Let go of Space when you have asked.")
    page.page.wait_for_timeout(400)


def test_space_held_is_one_question_that_ends_with_the_key(
    parley: ParleyPage, server: FakeServer
) -> None:
    hold_space(parley)
    parley.until(lambda: len(server.sessions[-1].frame_sizes) > 5)
    parley.page.keyboard.up("Space")
    parley.until_answered()
    audio = [event["session"]["audio"] for event in told(server) if "session" in event]
    assert audio == [BY_HAND, BY_ITSELF]
    assert kinds(server) == ["session.update", "input_audio_buffer.commit", "session.update"]
    assert parley.page.get_attribute("#microphone", "aria-pressed") == "false"


def test_space_held_stops_the_answer(parley: ParleyPage, server: FakeServer) -> None:
    parley.ask("When?")
    parley.until_state("speaking")
    parley.page.evaluate("document.activeElement.blur()")
    hold_space(parley)
    assert "response.cancel" in kinds(server)
    assert "Stopped" in parley.text("#note")
    parley.page.keyboard.up("Space")


def test_tapped_space_on_the_microphones_button_switches_it_once(
    parley: ParleyPage, server: FakeServer
) -> None:
    parley.page.focus("#microphone")
    parley.page.keyboard.press("Space")
    parley.until_state("listening")
    parley.page.wait_for_timeout(100)
    assert parley.state() == "listening"
    assert told(server)[-1]["session"]["audio"] == BY_ITSELF


def test_key_let_go_of_elsewhere_is_let_go_of(parley: ParleyPage) -> None:
    hold_space(parley)
    parley.page.evaluate("dispatchEvent(new Event('blur'))")
    parley.until(lambda: parley.page.get_attribute("#microphone", "aria-pressed") == "false")
    parley.page.keyboard.up("Space")


def test_m_mutes_and_the_server_hears_silence(
    playwright_driver: Playwright, server: FakeServer
) -> None:
    """With the browser's own fake microphone, which beeps once a second for ever."""
    with (
        chromium(playwright_driver) as beeping,
        parley_page(beeping, server.base_url, raw_microphone=True) as page,
    ):
        page.until_state("ready")
        page.page.keyboard.press("m")
        assert page.page.locator("#mute").is_hidden()
        page.press_microphone()
        pcm = server.sessions[-1].pcm
        page.until(lambda: any(pcm[-640:]))
        page.page.keyboard.press("m")
        page.until(lambda: page.text("#state") == "Muted")
        assert page.page.get_attribute("#mute", "aria-pressed") == "true"
        page.page.wait_for_timeout(300)
        before = len(pcm)
        page.until(lambda: len(pcm) > before + 2 * 16000 * 2)
        assert not any(pcm[before:])
        page.page.keyboard.press("m")
        page.until(lambda: any(pcm[-640:]))


WAKE_LOCK = """
  globalThis.__wake = [];
  Object.defineProperty(navigator, "wakeLock", { value: { request: async (kind) => {
    __wake.push(kind);
    return { release: async () => __wake.push("released") };
  } } });
"""


def test_screen_stays_awake_while_the_microphone_is_open(
    browser: Browser, server: FakeServer
) -> None:
    with parley_page(browser, server.base_url, script=WAKE_LOCK) as page:
        page.until_state("ready")
        assert page.page.evaluate("__wake") == []
        page.press_microphone()
        page.until_state("listening")
        assert page.page.evaluate("__wake") == ["screen"]
        page.press_microphone()
        page.until(lambda: page.page.evaluate("__wake") == ["screen", "released"])


def test_screen_stays_awake_while_an_answer_sounds(browser: Browser, server: FakeServer) -> None:
    """A browser lets go when the page is hidden: it is asked again when the page is back."""
    with parley_page(browser, server.base_url, script=WAKE_LOCK) as page:
        page.until_state("ready")
        page.ask("When?")
        page.until(lambda: page.page.evaluate("__wake") == ["screen"])
        page.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        assert page.page.evaluate("__wake") == ["screen", "screen"]
        page.until(lambda: page.page.evaluate("__wake")[2:] == ["released"])


DEVICES = """
  navigator.mediaDevices.enumerateDevices = async () => (globalThis.__labels ?? []).map(
    (label) => ({ kind: "audioinput", label, deviceId: `id-${label}` }));
"""
PLUG_IN = """(() => {
  globalThis.__labels = ["Desk", "Headset"];
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
})()"""


def test_another_microphone_can_be_chosen_once_it_is_there(
    browser: Browser, server: FakeServer
) -> None:
    """The chosen one is then gone: the browser's own OverconstrainedError, in words."""
    with parley_page(browser, server.base_url, script=DEVICES) as page:
        page.until_state("ready")
        page.press_microphone()
        page.until_state("listening")
        assert page.page.locator("#device-row").is_hidden()
        page.page.evaluate(PLUG_IN)
        page.page.locator("#device").wait_for()
        labels = page.page.locator("#device option").all_inner_texts()
        assert labels == ["The system's choice", "Desk", "Headset"]
        page.page.select_option("#device", label="Headset")
        page.until_state("error")
        assert page.text("#state") == "The chosen microphone is gone"
        assert page.page.evaluate("__ears.constraints.audio.deviceId") == {"exact": "id-Headset"}
        page.page.select_option("#device", index=0)
        page.press_microphone()
        page.until_state("listening")


def test_lost_microphone_is_replaced_by_the_one_that_is_left(parley: ParleyPage) -> None:
    parley.press_microphone()
    parley.until_state("listening")
    parley.page.evaluate("__ears.stream.getTracks()[0].dispatchEvent(new Event('ended'))")
    parley.until(lambda: parley.page.evaluate("__ears.opened") == 2)
    parley.until_state("listening")


def is_live(page: ParleyPage) -> bool:
    """Whether the microphone that was opened last hears anything."""
    return bool(page.page.evaluate("__ears.stream.getTracks()[0].enabled"))


def test_muted_microphone_stays_muted_when_another_takes_its_place(parley: ParleyPage) -> None:
    """The page once said "Muted" while the next device was live."""
    parley.press_microphone()
    parley.until_state("listening")
    parley.page.keyboard.press("m")
    parley.until(lambda: parley.text("#state") == "Muted")
    parley.page.evaluate("__ears.stream.getTracks()[0].dispatchEvent(new Event('ended'))")
    parley.until(lambda: parley.page.evaluate("__ears.opened") == 2)
    parley.until(lambda: parley.text("#state") == "Muted")
    assert not is_live(parley)
    parley.page.keyboard.press("m")
    parley.until(lambda: is_live(parley))


def test_muted_microphone_stays_muted_when_another_is_chosen(
    browser: Browser, server: FakeServer
) -> None:
    with parley_page(browser, server.base_url) as page:
        page.until_state("ready")
        page.press_microphone()
        page.page.locator("#device").wait_for()
        page.page.keyboard.press("m")
        page.page.select_option("#device", index=1)
        page.until(lambda: page.page.evaluate("__ears.opened") == 2)
        page.until(lambda: page.text("#state") == "Muted")
        assert not is_live(page)


def test_lost_microphone_without_another_is_told(parley: ParleyPage) -> None:
    parley.press_microphone()
    parley.until_state("listening")
    parley.page.evaluate(
        "navigator.mediaDevices.getUserMedia = async () => {"
        " throw new DOMException('', 'NotFoundError'); };"
        "__ears.stream.getTracks()[0].dispatchEvent(new Event('ended'))"
    )
    parley.until(lambda: parley.text("#state") == "The microphone was disconnected")
    assert "Plug it in again" in parley.text("#hint")


def test_browser_without_audio_worklets_says_so_and_answers_in_words(
    browser: Browser, server: FakeServer
) -> None:
    script = "delete globalThis.AudioWorkletNode"
    with parley_page(browser, server.base_url, script=script) as page:
        page.until_state("ready")
        page.press_microphone()
        page.until_state("error")
        assert "too old" in page.text("#state")
        assert "Update it" in page.text("#hint")
        page.ask("Then I type?")
        page.until(lambda: Script().sentences[-1] in page.text("#answer"))


@pytest.fixture
def offering(browser: Browser) -> Iterator[tuple[FakeServer, ParleyPage]]:
    script = Script(voices=("espeak-ng en-us", "espeak-ng en-gb"))
    with FakeServer(script) as server, parley_page(browser, server.base_url) as page:
        page.until_state("ready")
        yield server, page
        assert page.complaints == []


def test_voice_and_speed_that_are_offered_can_be_chosen_and_stay(
    offering: tuple[FakeServer, ParleyPage],
) -> None:
    server, page = offering
    assert page.page.locator("#voice option").all_inner_texts() == list(server.script.voices)
    page.page.select_option("#voice", "espeak-ng en-gb")
    page.page.fill("#speed", "1.5")
    page.until(lambda: server.sessions[-1].output["speed"] == 1.5)
    assert server.sessions[-1].output["voice"] == "espeak-ng en-gb"
    assert page.text("#speed-value") == "1.5\u00d7"
    page.page.reload()
    page.until(lambda: len(server.sessions) == 2)
    wanted = {"voice": "espeak-ng en-gb", "speed": 1.5}
    page.until(lambda: server.sessions[-1].output == wanted)


def test_one_voice_is_named_and_not_offered_for_choice(parley: ParleyPage) -> None:
    assert parley.page.locator("#voice").is_hidden()
    assert parley.text("#only-voice") == "espeak-ng en-us"

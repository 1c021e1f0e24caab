"""Drives a real Chromium, with a WAV as microphone, against any base URL. Asserts nothing."""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Response

from tests.browser.signals import Samples, from_pcm16

EARS = Path(__file__).with_name("ears.js").read_text(encoding="utf-8")
POLL_MS = 20
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FAKE_DEVICE = "--use-fake-device-for-media-stream"
GRANT = "--use-fake-ui-for-media-stream"
DENY = "--use-fake-ui-for-media-stream=deny"

ColourScheme = Literal["light", "dark"]


def chromium_path() -> str | None:
    """The installed Chromium; None where there is none. Nothing is ever downloaded."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def chromium(
    playwright: Playwright,
    microphone: Path | None = None,
    flags: tuple[str, ...] = (FAKE_DEVICE, GRANT),
) -> Iterator[Browser]:
    """A headless Chromium. The WAV is played once from the moment the page opens the microphone."""
    wav = (
        (f"--use-file-for-fake-audio-capture={microphone.resolve()}%noloop",) if microphone else ()
    )
    arguments = [*FLAGS, *flags, *wav]
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=arguments)
    try:
        yield browser
    finally:
        browser.close()


@dataclass(frozen=True, slots=True)
class Heard:
    """What has reached the loudspeakers since the page's first sound."""

    samples: Samples
    rate_hz: int


class ParleyPage:
    """One opened page, seen and operated as a person does, with ears at its loudspeakers."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self.base_url = base_url
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.response: Response | None = None
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def open(self) -> None:
        self.response = self.page.goto(self.base_url)

    def state(self) -> str:
        return str(self.page.evaluate("document.body.dataset.state"))

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def until(self, condition: Callable[[], Any], timeout_s: float = 15) -> Any:
        """Polls: the CSP forbids the eval that playwright's own waiting for functions rests on."""
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            if time.monotonic() > deadline:
                seen = f"state {self.state()!r}, {self.text('body')!r}, {self.complaints}"
                raise TimeoutError(f"the page did not get there in {timeout_s} s: {seen}")
            self.page.wait_for_timeout(POLL_MS)
        return value

    def until_state(self, *names: str, timeout_s: float = 15) -> None:
        self.until(lambda: self.state() in names, timeout_s)

    def press_microphone(self) -> None:
        self.page.click("#microphone")

    def ask(self, question: str) -> None:
        self.page.fill("#typed", question)
        self.page.press("#typed", "Enter")

    def until_answered(self, timeout_s: float = 20) -> None:
        """Latency is shown and the answer has been heard to its end."""
        self.until(lambda: self.page.locator("#current .latency").count(), timeout_s)
        self.until(lambda: self.state() in ("ready", "listening"), timeout_s)

    def heard(self) -> Heard:
        """What reached the loudspeakers; the last block, which comes some 10 ms late, is silent."""
        self.until(lambda: self.page.evaluate("__ears.isSilent()"))
        pcm = base64.b64decode(self.page.evaluate("__ears.base64()"))
        return Heard(from_pcm16(pcm), int(self.page.evaluate("__ears.rateHz")))

    def speak(self, wav: Path) -> None:
        """Lets a person speak into the microphone of a page opened with `in_room`."""
        content = base64.b64encode(wav.read_bytes()).decode()
        self.page.evaluate("(content) => __ears.room.speak(content)", content)

    def module(self, script: str) -> Any:
        """Runs the body of an async function in the page, which can import its modules."""
        return self.page.evaluate(f"(async () => {{ {script} }})()")


def in_room(gain: float, delay_ms: int) -> str:
    """The `script` of a page whose microphone hears its own loudspeaker, uncancelled."""
    return f"globalThis.__room = {{ gain: {gain}, delayS: {delay_ms / 1000} }}"


@contextmanager
def parley_page(
    browser: Browser,
    base_url: str,
    *,
    width: int = 1280,
    height: int = 900,
    colour_scheme: ColourScheme = "light",
    raw_microphone: bool = False,
    script: str = "",
) -> Iterator[ParleyPage]:
    """A fresh profile with the page open. `raw_microphone` turns the browser's processing off.

    `script` runs before any of the page's.
    """
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=colour_scheme
    )
    try:
        page = context.new_page()
        page.add_init_script(EARS)
        if raw_microphone:
            page.add_init_script("globalThis.__rawMicrophone = true")
        if script:
            page.add_init_script(script)
        parley = ParleyPage(page, base_url)
        parley.open()
        yield parley
    finally:
        context.close()

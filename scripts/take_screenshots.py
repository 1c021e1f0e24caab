"""Takes the page's screenshots: recorded questions through the real server in a real Chromium.

`python scripts/take_screenshots.py`, on a quiet machine, for the times shown are measured; writes
docs/screenshot-*.png. How busy the machine is changes those times and nothing else: the sound
stands still while pictures of a half spoken answer are taken.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.demo import read_demo_questions  # noqa: E402
from server.settings import Settings  # noqa: E402
from tests.browser.harness import (  # noqa: E402
    ColourScheme,
    ParleyPage,
    chromium,
    in_room,
    parley_page,
)
from tests.server.running import running_app  # noqa: E402

SCHEMES: tuple[ColourScheme, ...] = ("light", "dark")
FIRST, SECOND = (question.wav for question in read_demo_questions()[:2])
IN_SECOND = "black ball"
PATIENCE_S = 60

STOPPABLE_SOUND = """
  globalThis.__contexts = [];
  globalThis.AudioContext = class extends AudioContext {
    constructor(...options) { super(...options); __contexts.push(this); }
  };
"""
STOP_SOUND = "Promise.all(__contexts.map((context) => context.suspend()))"


def main() -> None:
    """Light and dark: the whole answer where there is room, else a half spoken one."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        settings = replace(Settings(), port=0, offline=True, data_dir=Path(folder) / "data")
        with running_app(settings) as server, chromium(driver) as browser:
            url = f"http://127.0.0.1:{server.port}"
            show(browser, url, "", (1280, 900), whole_answer)
            show(browser, url, "-320", (320, 640), half_spoken_answer)


def show(
    browser: Browser,
    url: str,
    suffix: str,
    size: tuple[int, int],
    reach: Callable[[ParleyPage], None],
) -> None:
    """Bring a page to where it is to be seen, and take it in both schemes."""
    width, height = size
    script = STOPPABLE_SOUND + in_room(gain=0, delay_ms=0)
    with parley_page(browser, url, width=width, height=height, script=script) as page:
        page.until_state("ready", timeout_s=PATIENCE_S)
        page.press_microphone()
        page.until_state("listening", timeout_s=PATIENCE_S)
        reach(page)
        for scheme in SCHEMES:
            page.page.emulate_media(color_scheme=scheme)
            take(page, ROOT / "docs" / f"screenshot-{scheme}{suffix}.png")


def whole_answer(page: ParleyPage) -> None:
    """The second of two: its times stand beside what they were before."""
    page.speak(FIRST)
    page.until(lambda: page.page.locator("#current .latency").count(), PATIENCE_S)
    page.page.keyboard.press("Escape")
    page.until_state("listening", timeout_s=PATIENCE_S)
    page.speak(SECOND)
    page.until(lambda: IN_SECOND in page.text("#current"), PATIENCE_S)
    page.until_answered(PATIENCE_S)


def half_spoken_answer(page: ParleyPage) -> None:
    """Some words lit, some to come, and it stays so."""
    page.speak(SECOND)
    page.until(lambda: page.page.locator("#answer .word:not(.to-come)").count() > 8, PATIENCE_S)
    page.page.evaluate(STOP_SOUND)
    if IN_SECOND not in page.text("#current") or not page.page.locator("#answer .to-come").count():
        raise RuntimeError(f"not the half of the answer: {page.text('#current')!r}")


def take(page: ParleyPage, path: Path) -> None:
    """In 128 colours: a fifth of the size, and nobody sees it."""
    page.page.evaluate("document.activeElement.blur()")
    page.page.screenshot(path=str(path), animations="disabled")
    with Image.open(path) as image:
        image.convert("RGB").quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()

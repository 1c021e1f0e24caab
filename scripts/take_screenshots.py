"""Takes the page's screenshots: a recorded question through the real server in a real Chromium.

`python scripts/take_screenshots.py`, on a quiet machine; writes docs/screenshot-*.png.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from audio.wavfile import read_wav  # noqa: E402
from benchmarks.demo import read_demo_questions  # noqa: E402
from server.settings import Settings  # noqa: E402
from tests.browser.harness import ColourScheme, ParleyPage, chromium, parley_page  # noqa: E402
from tests.browser.signals import write_microphone_wav  # noqa: E402
from tests.server.running import running_app  # noqa: E402

SIZES = {"": (1280, 900), "-320": (320, 640)}
SCHEMES: tuple[ColourScheme, ...] = ("light", "dark")


def main() -> None:
    """Each size in light and dark: the words half spoken where it is small, else the answer."""
    recording = read_wav(read_demo_questions()[1].wav)
    silence = np.zeros(recording.rate_hz)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        samples = np.concatenate([silence, recording.samples, silence, silence])
        wav = write_microphone_wav(Path(folder) / "question.wav", samples, recording.rate_hz)
        settings = replace(Settings(), port=0, offline=True, data_dir=Path(folder) / "data")
        with running_app(settings) as server:
            url = f"http://127.0.0.1:{server.port}"
            for suffix, (width, height) in SIZES.items():
                for scheme in SCHEMES:
                    with (
                        chromium(driver, wav) as browser,
                        parley_page(
                            browser, url, width=width, height=height, colour_scheme=scheme
                        ) as page,
                    ):
                        show_turns(page, is_small=bool(suffix))
                        take(page, ROOT / "docs" / f"screenshot-{scheme}{suffix}.png")


def show_turns(page: ParleyPage, *, is_small: bool) -> None:
    """Ask by typing, so that the page has a past, then aloud."""
    page.until_state("ready")
    page.ask("Where is the accessible toilet?")
    page.until_answered(60)
    page.press_microphone()
    page.until(lambda: "black ball" in page.text("#current"), 30)
    page.until(is_half_spoken(page) if is_small else lambda: has_latency(page), 60)


def is_half_spoken(page: ParleyPage) -> Callable[[], bool]:
    """Some words lit, some to come."""
    return lambda: (
        page.page.locator("#answer .word:not(.to-come)").count() > 8
        and page.page.locator("#answer .to-come").count() > 2
    )


def has_latency(page: ParleyPage) -> bool:
    """The answer was spoken and its times are shown."""
    return page.state() == "listening" and page.page.locator("#current .latency").count() > 0


def take(page: ParleyPage, path: Path) -> None:
    """In 128 colours: a fifth of the size, and nobody sees it."""
    page.page.evaluate("scrollTo(0, 0)")
    page.page.screenshot(path=str(path))
    with Image.open(path) as image:
        image.convert("RGB").quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()

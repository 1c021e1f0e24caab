"""Takes the README's screenshots: a recorded question through the real server in a real Chromium.

`python scripts/take_screenshots.py`, on a quiet machine; writes docs/screenshot-*.png.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from audio.wavfile import read_wav  # noqa: E402
from benchmarks.demo import read_demo_questions  # noqa: E402
from server.settings import Settings  # noqa: E402
from tests.browser.harness import chromium, parley_page  # noqa: E402
from tests.browser.signals import write_microphone_wav  # noqa: E402
from tests.server.running import running_app  # noqa: E402


def main() -> None:
    """Ask once by typing, so that the page has a past, then aloud."""
    recording = read_wav(read_demo_questions()[1].wav)
    silence = np.zeros(recording.rate_hz)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        samples = np.concatenate([silence, recording.samples, silence, silence])
        wav = write_microphone_wav(Path(folder) / "question.wav", samples, recording.rate_hz)
        settings = replace(
            Settings(), port=0, offline=True, data_dir=Path(folder) / "data", speech_speed=2.0
        )
        with running_app(settings) as server:
            for scheme in ("light", "dark"):
                with (
                    chromium(driver, wav) as browser,
                    parley_page(
                        browser, f"http://127.0.0.1:{server.port}", colour_scheme=scheme
                    ) as page,
                ):
                    page.until_state("ready")
                    page.ask("Where is the accessible toilet?")
                    page.until_answered(60)
                    page.press_microphone()
                    page.until(lambda page=page: "black ball" in page.text("#current"), 30)
                    page.until_answered(60)
                    page.page.screenshot(path=str(ROOT / "docs" / f"screenshot-{scheme}.png"))


if __name__ == "__main__":
    main()

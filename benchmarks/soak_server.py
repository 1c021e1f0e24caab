"""A Parley server for soaks: scripted ears, a voice that hums, and time that runs faster.

`python -m benchmarks.soak_server SPEED --port 0`; SPEED 1 is real time. Everything else is the
product: sockets, voice activity, endpoints, search, answers, caches. It is no server for people.
"""

import asyncio
import os
import sys
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.fast_clock import hasten

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

CHARACTER_MS = 40
"""Short speech: a soak is about turns."""
RATE_HZ = 16_000
TONE_HZ = 220
TRIM_EVERY_S = 1.0


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM."""
    speed = float(arguments[0])
    make_loop = hasten(speed) if speed != 1 else asyncio.new_event_loop
    _serve(make_loop)
    return 0


def _keep_trimming() -> None:
    """What the C library keeps of freed memory comes and goes by tens of MB and hides a leak."""
    from server.watching.machine import trim_memory

    while True:
        trim_memory()
        threading.Event().wait(TRIM_EVERY_S)


def _serve(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """The imports stand here: much of what they bring keeps time.monotonic."""
    import numpy as np

    from audio.pcm import Samples
    from benchmarks.corpora import sample_questions
    from models.espeak import EspeakLibrary
    from models.language_model import LanguageModelFiles
    from models.stt import Transcript
    from models.tts import Speech
    from server.app import App
    from server.engines.loading import SpeechEngines
    from server.settings import Settings, load_settings
    from server.watching.watchdog import Watchdog, end_process

    questions = [question.text for question in sample_questions()]

    class ScriptedEars:
        """Hears one of the sample questions in any sound, always the same one in the same."""

        name = fingerprint = "scripted"

        def recognise(self, speech: Samples) -> Transcript:
            """See models.stt.Recognizer."""
            words = questions[zlib.crc32(speech.tobytes()) % len(questions)]
            return Transcript(words, self.name, 1.0, len(speech) // 16, {})

    class HummingVoice:
        """Hums as long as the sentence is."""

        name = fingerprint = "humming"
        rate_hz = RATE_HZ
        is_aligned = False

        def synthesise(self, sentence: str, speed: float = 1.0) -> Speech:
            """See models.tts.Synthesizer."""
            times = np.arange(len(sentence) * CHARACTER_MS * RATE_HZ // 1000) / RATE_HZ
            hum = np.sin(2 * np.pi * TONE_HZ * times) * 8000
            return Speech(hum.astype(np.int16), RATE_HZ, self.name)

    def load(
        settings: Settings, files: LanguageModelFiles | None, library: EspeakLibrary
    ) -> SpeechEngines:
        return SpeechEngines(ScriptedEars(), HummingVoice(), ())

    settings = replace(load_settings().settings, port=0)
    threading.Thread(target=_keep_trimming, daemon=True).start()
    app = App(settings, print, True, load, watchdog=Watchdog())
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(app.run(lambda port: print(f"Open http://127.0.0.1:{port}", flush=True)))
    end_process(0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

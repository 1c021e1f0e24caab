"""Is a speaker cut off, and how long is the wait? Recordings of people, and pauses made on purpose.

`python -m benchmarks.endpoints [--recordings DIR] [--recognition-ms 120] [--json]`

Time is simulated sample by sample, so that the figures do not depend on the machine: the words
of a pause are known `--recognition-ms` after it (120: a cropped base.en on one core). They are
those that the embedded recogniser hears.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audio.endpoint import (
    Endpointer,
    EndpointEvent,
    EndpointSettings,
    SpeechPaused,
    SpeechResumed,
    UtteranceEnded,
)
from audio.pcm import Samples
from audio.vad import VadModel, VadStream
from benchmarks.results import percentiles, table, write_result
from benchmarks.speech_edges import speech_end_sample
from benchmarks.spoken_sets import DEFAULT_RECORDINGS, read_audio, sample_language_model
from benchmarks.voices import find_program, parse_voices, speak
from models.sphinx import SphinxRecognizer
from models.stt import RATE_HZ, Recognizer
from server.endpointing import WaitLimits, wait_for
from server.settings import load_settings

TAIL_S = 2.0
NOISE_BELOW_SPEECH_DB = 15.0
CUT_TOLERANCE_S = 0.1
"""An end this much before the last sound of speech is no cut: last sounds fade."""
PAUSE_S = 0.6

OPENINGS = (
    "the price of",
    "how much is the",
    "where can i buy a",
    "what time does the",
    "i want to",
)
CLOSINGS = (
    "annual plan",
    "boat on sunday",
    "ticket for two children",
    "family card",
    "room with a view",
    "guided tour",
    "evening meal",
    "last bus home",
)


@dataclass(frozen=True, slots=True)
class Clip:
    """Speech with silence or noise after it; `end_sample` is where the speech truly ends."""

    group: str
    speech: Samples
    end_sample: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one clip."""

    group: str
    is_premature: bool
    is_missed: bool
    wait_ms: float


def recorded_clips(folder: Path) -> Iterator[Clip]:
    """Each order alone, and under the kitchen's noise."""
    noise = read_audio(folder / "kitchen-noise.flac")
    for path in sorted((folder / "orders").glob("*.flac")):
        speech = read_audio(path)
        end = speech_end_sample(speech, RATE_HZ)
        padded = np.concatenate([speech, np.zeros(int(TAIL_S * RATE_HZ), np.float32)])
        yield Clip("orders", padded, end)
        yield Clip("orders in noise", padded + _at_level(noise, speech, len(padded)), end)


def made_clips() -> Iterator[Clip]:
    """Forty questions with a pause of 600 ms after a function word."""
    (voice,) = parse_voices("flite:slt")
    flite = find_program(voice.program)
    pause = np.zeros(int(PAUSE_S * RATE_HZ), np.float32)
    for opening in OPENINGS:
        first = speak(flite, voice, opening)
        first = first[: speech_end_sample(first, RATE_HZ)]
        for closing in CLOSINGS:
            rest = speak(flite, voice, closing)
            loud = np.flatnonzero(np.abs(rest) > 0.01)
            rest = rest[loud[0] : speech_end_sample(rest, RATE_HZ)]
            speech = np.concatenate([pause, first, pause, rest])
            tail = np.zeros(int(TAIL_S * RATE_HZ), np.float32)
            yield Clip("pause after a function word", np.concatenate([speech, tail]), len(speech))


def _at_level(noise: Samples, speech: Samples, count: int) -> Samples:
    looped = np.resize(noise, count)
    ratio = np.sqrt(np.mean(speech**2) / np.mean(looped**2)) * 10 ** (-NOISE_BELOW_SPEECH_DB / 20)
    scaled: Samples = (looped * ratio).astype(np.float32)
    return scaled


class Simulation:
    """Runs clips through voice activity, endpointing and the words' own wait."""

    def __init__(self, recognizer: Recognizer, recognition_ms: int) -> None:
        settings = load_settings().settings
        self._recognizer = recognizer
        self._delay_samples = recognition_ms * RATE_HZ // 1000
        self._limits = WaitLimits(settings.endpoint_shortest_ms, settings.endpoint_longest_ms)
        self._fixed_ms = settings.endpoint_silence_ms
        self._model = VadModel()
        self._known: list[tuple[int, int]] = []
        """At most one: the sample from which a wait in milliseconds is known."""

    def judge(self, clip: Clip) -> Judged:
        """Return where the first utterance that reaches the end of the speech was ended."""
        ends = list(self._ends(clip.speech))
        tolerance = int(CUT_TOLERANCE_S * RATE_HZ)
        early = [end for end in ends if end < clip.end_sample - tolerance]
        final = [end for end in ends if end >= clip.end_sample - tolerance]
        wait_ms = (final[0] - clip.end_sample) * 1000 / RATE_HZ if final else 0.0
        return Judged(clip.group, bool(early), not final, wait_ms)

    def _ends(self, speech: Samples) -> Iterator[int]:
        stream = VadStream(self._model)
        endpointer = Endpointer(EndpointSettings(silence_ms=self._fixed_ms))
        self._known.clear()
        for window in stream.push(speech):
            for known_sample, silence_ms in self._known:
                if window.end_sample >= known_sample:
                    endpointer.silence_ms = silence_ms
            for event in endpointer.push(window):
                if isinstance(event, UtteranceEnded):
                    yield event.end_sample
                self._follow(event, endpointer, window.end_sample)

    def _follow(self, event: EndpointEvent, endpointer: Endpointer, now_sample: int) -> None:
        if isinstance(event, SpeechPaused):
            endpointer.silence_ms = self._limits.longest_ms
            heard = self._recognizer.recognise(event.samples).text
            wait = wait_for(heard, 0.0, self._limits)
            self._known = [(now_sample + self._delay_samples, wait.silence_ms)]
        elif isinstance(event, SpeechResumed | UtteranceEnded):
            self._known.clear()
            endpointer.silence_ms = self._fixed_ms


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write benchmarks/results/endpoints.json."""
    parser = argparse.ArgumentParser(prog="benchmarks.endpoints", description=__doc__)
    parser.add_argument("--recordings", type=Path, default=DEFAULT_RECORDINGS)
    parser.add_argument("--recognition-ms", type=int, default=120)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parsed = parser.parse_args(arguments)
    clips = list(made_clips())
    if (parsed.recordings / "orders").is_dir():
        clips += recorded_clips(parsed.recordings)
    else:
        print(f"Skipped: no recordings of people in {parsed.recordings}", file=sys.stderr)
    simulation = Simulation(SphinxRecognizer(sample_language_model()), parsed.recognition_ms)
    judged = [simulation.judge(clip) for clip in clips]
    figures = {name: summarise(judged, name) for name in dict.fromkeys(one.group for one in judged)}
    rows = [(name, *told.values()) for name, told in figures.items()]
    print(table([("", "clips", "premature %", "missed %", "wait p50", "wait p95"), *rows]))
    write_result("endpoints", figures)
    if parsed.json:
        print(json.dumps(figures))
    return 0


def summarise(judged: Sequence[Judged], group: str) -> dict[str, Any]:
    """Return shares in percent and the wait after the true end of speech in milliseconds."""
    chosen = [one for one in judged if one.group == group]
    waits = percentiles(one.wait_ms for one in chosen if not one.is_missed)
    return {
        "clips": len(chosen),
        "premature_percent": round(100 * np.mean([one.is_premature for one in chosen]), 1),
        "missed_percent": round(100 * np.mean([one.is_missed for one in chosen]), 1),
        "wait_ms_p50": waits["p50"],
        "wait_ms_p95": waits["p95"],
    }


if __name__ == "__main__":
    raise SystemExit(main())

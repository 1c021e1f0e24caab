"""Is a speaker cut off, and how long is the wait? Recordings of people, and pauses made on purpose.

`python -m benchmarks.endpoints [--recordings DIR] [--recognition-ms 120] [--json]`

Time is simulated sample by sample, so that the figures do not depend on the machine: the words
of a pause are known `--recognition-ms` after it (120: a cropped base.en on one core). They are
those that the embedded recogniser hears; no retrieval is asked, which would shorten the waits of
questions that the documents answer.
"""

import argparse
import functools
import itertools
import json
import sys
from collections import Counter
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
from benchmarks.voices import Voice, find_program, parse_voices, speak
from models.sphinx import SphinxRecognizer
from models.stt import RATE_HZ, Recognizer
from server.hearing.endpointing import Heard, Reason, Wait, WaitLimits, wait_for
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


OTHER_VOICES = "flite:rms,flite:awb,flite:kal16,flite:slt,espeak:en-us,espeak:en-gb"
OTHER_OPENINGS = (
    "what is the cost of the",
    "do you have any",
    "can i book a table for",
    "is there a bus to",
    "tell me about the",
    "who do i ask about",
    "could you send me the",
    "we are looking for",
    "how do i get to the",
    "please show me your",
)
QUESTIONS = (
    "where does the boat to the island leave",
    "what time does the last boat come back",
    "how much is a ticket",
    "are dogs allowed on the beach",
    "when was the lighthouse built",
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
    reason: str


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
    for opening in OPENINGS:
        for closing in CLOSINGS:
            yield _paused("pause after a function word", voice, (opening, closing))


def other_voices_clips() -> Iterator[Clip]:
    """Other words in six voices, one of them that of `made_clips`; then questions without pause."""
    voices = parse_voices(OTHER_VOICES)
    turns = itertools.cycle(voices)
    for number, opening in enumerate(OTHER_OPENINGS * 4):
        parts = (opening, CLOSINGS[number % len(CLOSINGS)])
        yield _paused("the same, other words and voices", next(turns), parts)
    for voice in voices:
        for question in QUESTIONS:
            yield _paused("whole short questions", voice, (question,))


def _paused(group: str, voice: Voice, parts: Sequence[str]) -> Clip:
    pause = np.zeros(int(PAUSE_S * RATE_HZ), np.float32)
    spoken = [_words_alone(voice, part) for part in parts]
    speech = np.concatenate([part for words in spoken for part in (pause, words)])
    tail = np.zeros(int(TAIL_S * RATE_HZ), np.float32)
    return Clip(group, np.concatenate([speech, tail]), len(speech))


@functools.cache
def _words_alone(voice: Voice, text: str) -> Samples:
    speech = speak(find_program(voice.program), voice, text)
    loud = np.flatnonzero(np.abs(speech) > 0.01)
    return speech[loud[0] : speech_end_sample(speech, RATE_HZ)]


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
        self._wait = Wait(self._fixed_ms, Reason.FIXED)
        self._known: list[tuple[int, Wait]] = []
        """At most one: the sample from which a wait is known."""

    def judge(self, clip: Clip) -> Judged:
        """Return where the first utterance that reaches the end of the speech was ended."""
        ends = list(self._ends(clip.speech))
        due = clip.end_sample - int(CUT_TOLERANCE_S * RATE_HZ)
        final = [(end - clip.end_sample, reason) for end, reason in ends if end >= due]
        late_samples, reason = final[0] if final else (0, "")
        wait_ms = late_samples * 1000 / RATE_HZ
        return Judged(clip.group, any(end < due for end, _ in ends), not final, wait_ms, reason)

    def _ends(self, speech: Samples) -> Iterator[tuple[int, str]]:
        """Where each utterance ends, and why the wait was what it was."""
        stream = VadStream(self._model)
        endpointer = Endpointer(EndpointSettings(silence_ms=self._fixed_ms))
        self._set(endpointer, Wait(self._fixed_ms, Reason.FIXED))
        for window in stream.push(speech):
            for known_sample, wait in list(self._known):
                if window.end_sample >= known_sample:
                    self._set(endpointer, wait)
            for event in endpointer.push(window):
                if isinstance(event, UtteranceEnded):
                    yield event.end_sample, str(self._wait.reason)
                self._follow(event, endpointer, window.end_sample)

    def _set(self, endpointer: Endpointer, wait: Wait) -> None:
        self._known.clear()
        self._wait = wait
        endpointer.silence_ms = wait.silence_ms

    def _follow(self, event: EndpointEvent, endpointer: Endpointer, now_sample: int) -> None:
        """As server/hearing/ahead.py when idle: recognise at a pause's first report."""
        if isinstance(event, SpeechPaused) and not event.is_long:
            self._set(endpointer, self._limits.at(1.0, Reason.UNHEARD))
            transcript = self._recognizer.recognise(event.samples)
            heard = Heard(transcript.text, transcript.unfinished)
            wait = wait_for(heard, event.delivery, self._limits)
            self._known = [(now_sample + self._delay_samples, wait)]
        elif isinstance(event, SpeechResumed | UtteranceEnded):
            self._set(endpointer, Wait(self._fixed_ms, Reason.FIXED))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write benchmarks/results/endpoints.json."""
    parser = argparse.ArgumentParser(prog="benchmarks.endpoints", description=__doc__)
    parser.add_argument("--recordings", type=Path, default=DEFAULT_RECORDINGS)
    parser.add_argument("--recognition-ms", type=int, default=120)
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parsed = parser.parse_args(arguments)
    clips = [*made_clips(), *other_voices_clips()]
    if (parsed.recordings / "orders").is_dir():
        clips += recorded_clips(parsed.recordings)
    else:
        print(f"Skipped: no recordings of people in {parsed.recordings}", file=sys.stderr)
    simulation = Simulation(SphinxRecognizer(sample_language_model()), parsed.recognition_ms)
    judged = [simulation.judge(clip) for clip in clips]
    figures = {name: summarise(judged, name) for name in dict.fromkeys(one.group for one in judged)}
    rows = [(name, *list(told.values())[:5]) for name, told in figures.items()]
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
        "reasons": dict(Counter(one.reason for one in chosen if not one.is_missed).most_common()),
    }


if __name__ == "__main__":
    raise SystemExit(main())

"""Speech into answers: how soon they stop, what is kept of them, and what stops them wrongly.

A real server process with its embedded engines, a real-time client over the real WebSocket.
`python -m benchmarks.interruptions [--count N] [--json]`
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from audio.pcm import Samples, to_mono
from audio.resample import resample
from benchmarks.interrupter import RATE_HZ, Heard, Interrupter
from benchmarks.question_file import SAMPLE_QUESTIONS, read_questions
from benchmarks.results import percentiles, table, write_result
from benchmarks.server_process import running_server
from benchmarks.voices import FLITE_VOICES, Program, Voice, find_program, speak
from models.espeak import EspeakLibrary, EspeakSynthesizer
from models.speakable import speakable
from models.tts import pause_after_ms
from models.word_times import carried_over
from server.speaking.heard import HeardWords

KITCHEN = Path(__file__).resolve().parents[2] / "shared" / "speech" / "kitchen-noise.flac"
ECHO_GAIN = 0.1
"""-20 dB."""
QUESTIONS = (
    "Where is the car park?",
    "How much is a ticket for children?",
    "When does the last boat leave?",
    "Can I bring my dog?",
    "No, what about the museum?",
)
AGREEMENTS = ("uh-huh", "yeah", "okay", "right", "I see")
NOISE_S = 4.0
ONSET_BELOW_PEAK_DB = 30.0
LOUD_BELOW_PEAK_DB = 12.0
ONSET_GAP_S = 0.12
"""Longer than the closure before a stop consonant."""
BEGIN_AFTER_S = (0.6, 1.1, 1.7)
"""Of the answer, in turn: within words as much as between them."""
SHORTEST_ANSWER_CHARACTERS = 90
REST_S = 1.4


class Kind(StrEnum):
    """What is sounded into the answer; only questions shall end it."""

    QUESTION = "question"
    TRUNCATED = "question, client truncates"
    AGREEMENT = "agreement"
    NOISE = "kitchen noise"
    ECHO = "echo at -20 dB"


ENDING = (Kind.QUESTION, Kind.TRUNCATED)


@dataclass(frozen=True, slots=True)
class Trial:
    """One answer that was spoken into."""

    kind: Kind
    is_held: bool
    is_ended: bool
    stop_ms: float | None
    """From the onset of speech to the arrival of the last audio; None when nothing stopped it."""
    words_off: int | None
    """Kept words against those that the client had played; None when the answer went on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(prog="benchmarks.interruptions", description=__doc__)
    parser.add_argument("--count", type=int, default=12, help="interruptions of each kind")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parsed = parser.parse_args(arguments)
    if not KITCHEN.is_file():
        print(f"interruptions: no {KITCHEN.name} here, so made noise is used", file=sys.stderr)
    with running_server() as server:
        trials, engines = asyncio.run(_measure(server.url, parsed.count))
    figures = summarise(trials) | {"engines": engines, "noise": noise_name()}
    _show(figures)
    write_result("interruptions", figures)
    if parsed.json:
        print(json.dumps(figures))
    return 0


async def _measure(url: str, count: int) -> tuple[list[Trial], dict[str, str]]:
    """Two clients at once: one asks into answers, one sounds what is no question."""
    kinds = ((Kind.QUESTION, Kind.TRUNCATED), (Kind.AGREEMENT, Kind.NOISE, Kind.ECHO))
    async with await Interrupter.open(url) as asking, await Interrupter.open(url) as sounding:
        both = await asyncio.gather(
            *(
                _run(client, client_kinds, count)
                for client, client_kinds in zip((asking, sounding), kinds, strict=True)
            )
        )
        return [trial for trials in both for trial in trials], dict(asking.engines)


async def _run(client: Interrupter, kinds: Sequence[Kind], count: int) -> list[Trial]:
    trials = []
    questions = cycle([question.text for question in read_questions(SAMPLE_QUESTIONS)])
    for kind in kinds:
        sounds = sounds_of(kind)
        for number in range(count):
            trials.append(await _try(client, kind, sounds, questions, number))
            print(f"  {kind}: {number + 1} of {count}", file=sys.stderr)
    return trials


async def _try(
    client: Interrupter,
    kind: Kind,
    sounds: Iterator[Samples],
    questions: Iterator[str],
    number: int,
) -> Trial:
    begin_s = BEGIN_AFTER_S[number % len(BEGIN_AFTER_S)]
    while True:
        client.echo_gain = ECHO_GAIN if kind is Kind.ECHO else 0.0
        heard = await client.ask(next(questions))
        await client.wait_for("parley.sources")
        sources = heard.event("parley.sources")["sources"]
        if sum(len(source["sentence"]) for source in sources) >= SHORTEST_ANSWER_CHARACTERS:
            break
        await _rest(client)
    await client.wait_for_sound(begin_s)
    sound = next(sounds)
    onset_s = client.say(sound) + onset_sample(sound) / RATE_HZ
    heard_until_s = await _follow(client, heard, kind)
    trial = await _judge(client, heard, kind, onset_s, heard_until_s)
    await _rest(client)
    return trial


async def _follow(client: Interrupter, heard: Heard, kind: Kind) -> float:
    """Wait for the answer's end; return until when the client listened to it."""
    if kind is Kind.TRUNCATED:
        event = await client.wait_for("input_audio_buffer.speech_started", "response.done")
        now_s = time.monotonic()
        if event == "input_audio_buffer.speech_started":
            played_ms = heard.played_samples(now_s) * 1000 // heard.rate_hz
            truncation = {"item_id": heard.item_id, "content_index": 0, "audio_end_ms": played_ms}
            await client.send({"type": "conversation.item.truncate", **truncation})
            await client.wait_for("response.done")
            return now_s
    await client.wait_for("response.done")
    return time.monotonic()


async def _judge(
    client: Interrupter, heard: Heard, kind: Kind, onset_s: float, heard_until_s: float
) -> Trial:
    await client.send({"type": "conversation.item.retrieve", "item_id": heard.item_id})
    await client.wait_for("conversation.item.retrieved")
    kept = heard.event("conversation.item.retrieved")["item"]["content"][0]["transcript"].split()
    held_s = heard.at("input_audio_buffer.speech_started")
    is_ended = heard.status == "cancelled"
    stop_ms = None
    if held_s is not None and kind is not Kind.ECHO:
        last_s = max(at_s for at_s, _ in heard.arrivals if at_s <= held_s)
        stop_ms = (last_s - onset_s) * 1000
    truth = true_words(heard).text(heard.played_samples(heard_until_s)).split()
    return Trial(
        kind,
        held_s is not None,
        is_ended,
        stop_ms,
        abs(len(kept) - len(truth)) if is_ended else None,
    )


async def _rest(client: Interrupter) -> None:
    """Stop what plays, and be quiet until nothing of it can be taken for an echo."""
    client.echo_gain = 0.0
    await client.send({"type": "response.cancel"})
    await asyncio.sleep(REST_S)


def true_words(heard: Heard) -> HeardWords:
    """Return the words' times as espeak-ng itself tells them, made here again."""
    voice = EspeakSynthesizer(EspeakLibrary())
    words = HeardWords()
    for sentence in heard.sentences:
        spoken = speakable(sentence)
        speech = voice.synthesise(spoken)
        pause = pause_after_ms(spoken) * speech.rate_hz // 1000
        ends = carried_over(spoken, sentence, speech.word_ends)
        words.add(sentence, len(speech.samples) + pause, ends)
    return words


def sounds_of(kind: Kind) -> Iterator[Samples]:
    """Return what is sounded, again and again; echo needs no sound of its own."""
    if kind is Kind.NOISE:
        noise = kitchen_noise()
        size = int(NOISE_S * RATE_HZ)
        return cycle([noise[at : at + size] for at in range(0, len(noise) - size, size)])
    if kind is Kind.ECHO:
        return cycle([np.zeros(0, np.float32)])
    flite = find_program(Program.FLITE)
    texts = QUESTIONS if kind in ENDING else AGREEMENTS
    return cycle(
        [
            speak(flite, Voice(Program.FLITE, voice), text)
            for text, voice in zip(texts * 4, sorted(FLITE_VOICES * 5), strict=True)
        ]
    )


def noise_name() -> str:
    """Return what stands for noise here."""
    return KITCHEN.name if KITCHEN.is_file() else "made noise"


def kitchen_noise() -> Samples:
    """Return the recording at 16 kHz; where it is absent, noise whose level wanders."""
    if KITCHEN.is_file():
        samples, rate_hz = soundfile.read(KITCHEN, dtype="float32")
        return resample(to_mono(samples), rate_hz, RATE_HZ)
    random = np.random.default_rng(3)
    white = random.standard_normal(60 * RATE_HZ)
    level = 0.02 + 0.05 * np.abs(np.sin(np.arange(len(white)) / RATE_HZ))
    return np.clip(white * level, -1, 1).astype(np.float32)


def onset_sample(sound: Samples) -> int:
    """Return where the sound begins that leads up to the first loud one: within
    ONSET_BELOW_PEAK_DB of the loudest, with no gap longer than ONSET_GAP_S.

    One flite voice begins with a breath, 180 ms before its words and cut off from them.
    """
    size = RATE_HZ // 100
    count = len(sound) // size
    if not count:
        return 0
    level = np.sqrt(np.mean(sound[: count * size].reshape(count, size) ** 2, axis=1))
    loud = int(np.argmax(level > level.max() * 10 ** (-LOUD_BELOW_PEAK_DB / 20)))
    onset = loud
    for at in np.flatnonzero(level[:loud] > level.max() * 10 ** (-ONSET_BELOW_PEAK_DB / 20))[::-1]:
        if (onset - at) * size > ONSET_GAP_S * RATE_HZ:
            break
        onset = int(at)
    return onset * size


def summarise(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the figures of each kind, and what the promise is about."""
    by_kind = {str(kind): _summary([t for t in trials if t.kind is kind]) for kind in Kind}
    asked = [trial for trial in trials if trial.kind in ENDING]
    others = [trial for trial in trials if trial.kind not in ENDING]
    return {
        "stop_ms": percentiles(t.stop_ms for t in asked if t.stop_ms is not None),
        "missed": sum(not trial.is_ended for trial in asked),
        "false": sum(trial.is_ended for trial in others),
        "kinds": by_kind,
    }


def _summary(trials: Sequence[Trial]) -> dict[str, Any]:
    off = [float(trial.words_off) for trial in trials if trial.words_off is not None]
    return {
        "count": len(trials),
        "held": sum(trial.is_held for trial in trials),
        "ended": sum(trial.is_ended for trial in trials),
        "stop_ms": percentiles(t.stop_ms for t in trials if t.stop_ms is not None),
        "words_off": percentiles(off) | {"maximum": max(off, default=0.0)},
    }


def _show(figures: dict[str, Any]) -> None:
    heads = ("into the answer", "count", "held", "ended", "stop p50", "p95", "p99", "words off p95")
    rows = [
        (
            kind,
            told["count"],
            told["held"],
            told["ended"],
            *(told["stop_ms"][key] for key in ("p50", "p95", "p99")),
            f"{told['words_off']['p95']:g} (most {told['words_off']['maximum']:g})",
        )
        for kind, told in figures["kinds"].items()
    ]
    print(table([heads, *rows]))
    print(f"missed {figures['missed']}, ended wrongly {figures['false']}")


if __name__ == "__main__":
    raise SystemExit(main())

"""Long stretches in which nobody speaks: silence, a kitchen, the assistant's own voice.

Faster than real time: the real voice activity, endpointing, recogniser and judgement, without a
socket. `python -m benchmarks.silence [--minutes N] [--json]`
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from audio.endpoint import SpeechStarted, UtteranceEnded
from audio.pcm import Samples, encode_pcm16, to_float
from audio.resample import resample
from audio.vad import VadModel
from benchmarks.interruptions import ECHO_GAIN, kitchen_noise, noise_name
from benchmarks.question_file import SAMPLE_QUESTIONS, read_questions
from benchmarks.results import table, write_result
from models.espeak import EspeakLibrary, EspeakSynthesizer
from models.sphinx import SphinxRecognizer
from models.stt import Recognizer
from server.engines.preparation import load_embedder, open_store, prepare_language_model
from server.hearing.ears import RATE_HZ, Ears
from server.hearing.echo_guard import EchoGuard
from server.hearing.interruption import Interruption, classify
from server.hearing.judging import AFTER_ANSWER_S
from server.session_settings import ear_settings
from server.settings import Settings, load_settings

FRAME_S = 0.04
LEAD_S = 0.4
PLAYED_AFTER_S = 0.1 + 0.15
"""A client's buffer, and the way from the loudspeaker through the room back to the server."""
GAP_S = 8.0
"""Between two answers."""
REVERBERATION_S = 0.3


@dataclass(slots=True)
class Counts:
    """What came of one stretch."""

    minutes: float
    withheld: int = 0
    """Utterances that were known by their sound as the assistant's own."""
    begun: int = 0
    """Utterances that were noticed: while the assistant speaks each of them holds the answer."""
    judged: dict[str, int] = field(default_factory=dict)
    turns: int = 0
    """Those that would be answered."""


@dataclass(slots=True)
class _Room:
    """A session's hearing beside its own voice, on a clock that only the audio moves."""

    recognizer: Recognizer
    ears: Ears
    voice_hz: int
    counts: Counts
    now_s: float = 0.0
    said: str = ""
    said_until_s: float = -10.0
    guard: EchoGuard = field(init=False)

    def __post_init__(self) -> None:
        self.guard = EchoGuard(self.ears, self.voice_hz, self._count_echo, lambda: self.now_s)

    async def hear(self, frame: Samples) -> None:
        self.now_s += len(frame) / RATE_HZ
        events = self.ears.hear(encode_pcm16(frame), self.now_s)
        for event in await self.guard.pass_on(events):
            if isinstance(event, SpeechStarted):
                self.counts.begun += 1
            elif isinstance(event, UtteranceEnded):
                self._judge(event)

    def _count_echo(self) -> None:
        self.counts.withheld += 1

    def _judge(self, utterance: UtteranceEnded) -> None:
        text = self.recognizer.recognise(utterance.spoken).text
        began_s = self.ears.arrived_at_s(utterance.start_sample)
        is_near = began_s < self.said_until_s + AFTER_ANSWER_S
        kind = classify(text, self.said if is_near else "")
        is_turn = kind is Interruption.QUESTION or (
            kind is not Interruption.NOTHING and not is_near
        )
        self.counts.judged[kind] = self.counts.judged.get(kind, 0) + 1
        self.counts.turns += is_turn


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the result."""
    parser = argparse.ArgumentParser(prog="benchmarks.silence", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of each stretch")
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parsed = parser.parse_args(arguments)
    stretches = asyncio.run(_measure(parsed.minutes))
    figures = {
        "noise": noise_name(),
        "stretches": {
            name: {
                "minutes": counts.minutes,
                "known_echoes": counts.withheld,
                "noticed": counts.begun,
                "judged": counts.judged,
                "turns": counts.turns,
            }
            for name, counts in stretches.items()
        },
    }
    rows = [(name, *told.values()) for name, told in figures["stretches"].items()]  # type: ignore[attr-defined]
    print(
        table([("nobody speaks", "minutes", "known echoes", "noticed", "judged", "turns"), *rows])
    )
    write_result("silence", figures)
    if parsed.json:
        print(json.dumps(figures))
    return 0


async def _measure(minutes: float) -> Mapping[str, Counts]:
    settings = load_settings().settings
    library = EspeakLibrary()
    voice = EspeakSynthesizer(library)
    recognizer = _recognizer(settings, library)
    model = VadModel()
    noise = kitchen_noise()
    kitchen = np.resize(noise, int(minutes * 60 * RATE_HZ))
    found: dict[str, Counts] = {}

    def room(name: str) -> _Room:
        print(f"  {name}", file=sys.stderr)
        found[name] = Counts(minutes)
        return _Room(recognizer, Ears(model, ear_settings(settings)), voice.rate_hz, found[name])

    await _listen(room("digital silence"), np.zeros_like(kitchen))
    await _listen(room("noise"), kitchen)
    await _echo(room("own voice, dry"), voice, minutes, np.ones(1, np.float32))
    await _echo(room("own voice, in a room"), voice, minutes, _room_response())
    return found


async def _listen(room: _Room, sound: Samples) -> None:
    for frame in _frames(sound):
        await room.hear(frame)


async def _echo(room: _Room, voice: EspeakSynthesizer, minutes: float, response: Samples) -> None:
    """Answers with gaps between them; each comes back at -20 dB while it is sent and after."""
    for text in _texts():
        if room.now_s >= minutes * 60:
            return
        speech = voice.synthesise(text).samples
        back = np.convolve(resample(to_float(speech), voice.rate_hz, RATE_HZ), response)
        silence = np.zeros(int(PLAYED_AFTER_S * RATE_HZ), np.float32)
        gap = np.zeros(int(GAP_S * RATE_HZ), np.float32)
        heard = np.concatenate([silence, ECHO_GAIN * back, gap]).astype(np.float32)
        room.said, begins_s, sent = text, room.now_s, 0
        room.said_until_s = begins_s + len(speech) / voice.rate_hz
        for frame in _frames(heard):
            due = int((room.now_s - begins_s + LEAD_S) * voice.rate_hz)
            if chunk := speech[sent:due].tobytes():
                room.guard.sent(chunk, voice.rate_hz)
            sent = max(sent, due)
            await room.hear(frame)


def _texts() -> Iterator[str]:
    """Sentences of the sample documents' length: the questions, said as statements."""
    texts = [question.text for question in read_questions(SAMPLE_QUESTIONS)]
    while True:
        for first, second, third in zip(texts, texts[1:], texts[2:], strict=False):
            yield f"{first}, {second}, and {third}."


def _room_response() -> Samples:
    """A direct sound and a decaying tail, made from noise that is the same every time."""
    random = np.random.default_rng(4)
    count = int(REVERBERATION_S * RATE_HZ)
    tail = random.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail[0] = np.sqrt(np.sum(tail**2))
    response: Samples = (tail / np.sqrt(np.sum(tail**2))).astype(np.float32)
    return response


def _frames(sound: Samples) -> Iterator[Samples]:
    size = int(FRAME_S * RATE_HZ)
    for start in range(0, len(sound) - size + 1, size):
        yield sound[start : start + size]


def _recognizer(settings: Settings, library: EspeakLibrary) -> SphinxRecognizer:
    embedder = load_embedder(settings, lambda text: None)
    with open_store(settings, embedder) as store:
        recognizer = SphinxRecognizer(prepare_language_model(settings, store, library))
    recognizer.wait_until_ready()
    return recognizer


if __name__ == "__main__":
    raise SystemExit(main())

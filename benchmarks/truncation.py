"""Whether a truncated answer holds the words that were heard: 20 random points of 20 answers.

Each answer is taken from /v1/realtime with its sound. When a word has been heard is reckoned here:
each sentence begins where its first sound stands in what was received, and espeak-ng tells again
when each of its words ends. After conversation.item.truncate the item that is retrieved must hold
as many words as that, one more or less.
`python -m benchmarks.truncation [--answers N] [--points N] [--json]`
"""

import argparse
import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.question_file import SAMPLE_QUESTIONS, read_questions
from benchmarks.results import write_result
from benchmarks.server_process import running_server
from benchmarks.stock_client import RATE_HZ, StockClient, sound_of
from models.espeak import EspeakLibrary, EspeakSynthesizer
from models.speakable import speakable
from models.word_times import carried_over

SEED = 20
FASTEST_SPEED = 2.0
"""Answers are spoken at this speed, so that the run is short: pacing is real time."""


@dataclass(slots=True)
class Spoken:
    """One answer as it was received."""

    item_id: str
    sentences: list[tuple[str, int]] = field(default_factory=list)
    """Each with the samples that had been received before it."""
    samples: int = 0

    @property
    def words(self) -> list[str]:
        """All of it."""
        return [word for sentence, _ in self.sentences for word in sentence.split()]


@dataclass(frozen=True, slots=True)
class Trial:
    """One truncation."""

    audio_end_ms: int
    heard_words: int
    kept_words: int
    is_beginning: bool
    """Whether what was kept are the answer's own first words."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; exit code 1 when a truncation is more than one word off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=20)
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with running_server({"PARLEY_OFFLINE": "1"}) as server:
        trials = asyncio.run(_measure(server.port, options.answers, options.points))
    figures = summarise(trials)
    write_result("truncation", figures)
    print(json.dumps(figures) if options.json else _line(figures))
    return 0 if figures["within_one_word"] == len(trials) else 1


async def _measure(port: int, answers: int, points: int) -> list[Trial]:
    chance, trials = random.Random(SEED), []
    client = await StockClient.open(port)
    session = {"type": "realtime", "audio": {"output": {"speed": FASTEST_SPEED}}}
    await client.send({"type": "session.update", "session": session})
    for question in read_questions(SAMPLE_QUESTIONS)[:answers]:
        spoken = await _listen(client, question.text)
        ends = word_ends(spoken)
        whole_ms = spoken.samples * 1000 // RATE_HZ
        # From the end backwards: what was cut off once is not heard again.
        for end_ms in sorted((chance.randint(0, whole_ms) for _ in range(points)), reverse=True):
            kept = await _truncate(client, spoken.item_id, end_ms)
            heard = sum(end <= end_ms * RATE_HZ / 1000 for end in ends)
            is_beginning = spoken.words[: len(kept)] == kept
            trials.append(Trial(end_ms, heard, len(kept), is_beginning))
    await client.close()
    return trials


async def _listen(client: StockClient, question: str) -> Spoken:
    first = len(client.events)
    await client.ask(question)
    done = await client.until("response.done")
    spoken = Spoken(done["response"]["output"][0]["id"])
    for _, event in client.events[first:]:
        if event["type"] == "response.output_audio_transcript.delta":
            spoken.sentences.append((event["delta"].strip(), spoken.samples))
        elif event["type"] == "response.output_audio.delta":
            spoken.samples += len(sound_of(event))
    return spoken


async def _truncate(client: StockClient, item_id: str, end_ms: int) -> list[str]:
    truncate = {"item_id": item_id, "content_index": 0, "audio_end_ms": end_ms}
    await client.send({"type": "conversation.item.truncate", **truncate})
    await client.until("conversation.item.truncated")
    await client.send({"type": "conversation.item.retrieve", "item_id": item_id})
    item = (await client.until("conversation.item.retrieved"))["item"]
    transcript: str = item["content"][0]["transcript"]
    return transcript.split()


def word_ends(spoken: Spoken) -> list[float]:
    """Return when each word has been said, in samples of what was received."""
    voice, ends = EspeakSynthesizer(EspeakLibrary()), []
    for sentence, begins in spoken.sentences:
        written = sentence.rstrip().rstrip(",;:")
        is_clause = len(written) < len(sentence.rstrip())
        said = speakable(written) + "," * is_clause
        speech = voice.synthesise(said, FASTEST_SPEED)
        told = carried_over(said, written, speech.word_ends)
        ends += [begins + end * RATE_HZ / speech.rate_hz for end in told]
    return ends


def summarise(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the figures that are told and kept."""
    off = Counter(trial.kept_words - trial.heard_words for trial in trials)
    within = sum(abs(t.kept_words - t.heard_words) <= 1 and t.is_beginning for t in trials)
    return {
        "truncations": len(trials),
        "within_one_word": within,
        "exact": off[0],
        "words_off": {str(words): count for words, count in sorted(off.items())},
    }


def _line(figures: Mapping[str, Any]) -> str:
    return "{within_one_word} of {truncations} within one word, {exact} exact".format(**figures)


if __name__ == "__main__":
    raise SystemExit(main())

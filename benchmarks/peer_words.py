"""Tells a peer's bot which scripted question a stretch of speech is of, and the answer to it.

Runs in the peer's own environment too, so it needs numpy alone. It recognises nothing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK_SAMPLES = 160
KEY_REACH = 8
"""A key is the 16 samples round the loudest one of a block; a client sends them unchanged."""


@dataclass(frozen=True, slots=True)
class ScriptedQuestion:
    """`pcm` is PCM16 mono at 16 kHz, as the client sends it."""

    text: str
    answer: str
    pcm: bytes


class PeerWords:
    """Any part of a question counts as all of it: a peer is never charged for a cut question."""

    def __init__(self, questions: Sequence[ScriptedQuestion]) -> None:
        self._questions = questions
        self._known = {
            key: question for question in questions for key in keys_of(_samples(question.pcm))
        }

    def text_of(self, pcm: bytes) -> str:
        """Return the words of the question that this speech is from; "" for unknown speech.

        The loudest samples are asked for first: of a part, they are the question's own loudest.
        """
        samples = _samples(pcm)
        found = (self._known.get(key) for key in _loudest_first(samples))
        return next((question.text for question in found if question is not None), "")

    def answer_to(self, text: str) -> str:
        """Return the answer to the question that was heard last in `text`, else ""."""
        heard = [(text.rfind(each.text), each.answer) for each in self._questions]
        place, answer = max(heard, default=(-1, ""))
        return answer if place >= 0 else ""


def keys_of(samples: NDArray[np.int16]) -> Iterable[bytes]:
    """Yield a key for each block of 10 ms that has room for one and is not silent."""
    for begin in range(0, len(samples), BLOCK_SAMPLES):
        block = samples[begin : begin + BLOCK_SAMPLES].astype(np.int32)
        yield from _key(samples, begin + int(np.abs(block).argmax()))


def _loudest_first(samples: NDArray[np.int16]) -> Iterable[bytes]:
    """Yield keys at the loudest samples; a few are enough, since one nearly always is."""
    loudness = np.abs(samples.astype(np.int32))
    for peak in np.argsort(-loudness, kind="stable")[:64]:
        yield from _key(samples, int(peak))


def _key(samples: NDArray[np.int16], peak: int) -> Iterable[bytes]:
    has_room = KEY_REACH <= peak <= len(samples) - KEY_REACH
    if has_room and samples[peak] != 0:
        yield samples[peak - KEY_REACH : peak + KEY_REACH].tobytes()


def _samples(pcm: bytes) -> NDArray[np.int16]:
    return np.frombuffer(pcm, "<i2")


def write_words(questions: Sequence[ScriptedQuestion], folder: Path) -> Path:
    """Write what `read_words` reads: one table and the questions' sound, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, question in enumerate(questions):
        (folder / f"{number}.pcm").write_bytes(question.pcm)
        rows.append({"text": question.text, "answer": question.answer, "pcm": f"{number}.pcm"})
    path = folder / "words.json"
    path.write_text(json.dumps(rows, indent=1) + "\n")
    return path


def read_words(path: Path) -> PeerWords:
    """Read a table of `write_words`."""
    return PeerWords(
        [
            ScriptedQuestion(row["text"], row["answer"], (path.parent / row["pcm"]).read_bytes())
            for row in json.loads(path.read_text())
        ]
    )

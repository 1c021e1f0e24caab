"""The questions that Parley and its peer are both asked, with the answer that both speak."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audio.pcm import encode_pcm16
from benchmarks.corpora import ingest_samples, load_embedder, make_retriever
from benchmarks.load_session import Question
from benchmarks.peer_words import ScriptedQuestion
from benchmarks.script import ScriptLine, as_sent
from benchmarks.speech_edges import speech_end_sample
from models.stt import RATE_HZ
from rag.answer import Answerer
from rag.store import Store


@dataclass(frozen=True, slots=True)
class PeerQuestion:
    """A recording, and what Parley's own answerer says to its words."""

    line: ScriptLine
    answer: str
    is_refused: bool


def answered(lines: Sequence[ScriptLine]) -> list[PeerQuestion]:
    """Answer each question from the sample documents, as the server does."""
    embedder = load_embedder()
    with (
        tempfile.TemporaryDirectory() as folder,
        Store(Path(folder) / "s.sqlite3", embedder.fingerprint, embedder.dimension) as store,
    ):
        ingest_samples(store, embedder)
        retriever = make_retriever(store)
        answerer = Answerer(embedder, retriever)
        answers = [
            answerer.answer(retriever.search(line.text, embedder.embed([line.text])[0]))
            for line in lines
        ]
    return [
        PeerQuestion(line, answer.text, answer.refused)
        for line, answer in zip(lines, answers, strict=True)
    ]


def shortest_answered(questions: Sequence[PeerQuestion], count: int) -> list[PeerQuestion]:
    """Return up to `count` questions in their order: those whose answers have the fewest words.

    So that few questions are asked into an answer: interruptions are another measurement. No
    answer comes twice, since Parley would have the second one's sound in its cache.
    """
    once = {each.answer: each for each in reversed(questions) if not each.is_refused}
    shortest = sorted(once.values(), key=lambda each: len(each.answer.split()))[:count]
    return [each for each in questions if each in shortest]


def as_asked(question: PeerQuestion) -> Question:
    """Return what the client plays."""
    samples = as_sent(question.line.wav)
    ends_s = speech_end_sample(samples, RATE_HZ) / RATE_HZ
    return Question(question.line.wav.name, encode_pcm16(samples), ends_s, question.line.text)


def as_scripted(question: PeerQuestion) -> ScriptedQuestion:
    """Return what the peer's bot knows."""
    pcm = encode_pcm16(as_sent(question.line.wav))
    return ScriptedQuestion(question.line.text, question.answer, pcm)

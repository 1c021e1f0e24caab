"""The four stages bound to the engines of one turn: what is cached under which key, and its size.

It keeps no order between stages; server/turn.py does.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from audio.pcm import Samples
from models.speakable import speakable
from models.stt import Recognizer, Transcript
from models.tts import Speech, pause_after_ms
from models.word_times import carried_over, estimated_ends
from rag.answer import Answer
from rag.filter import EVERYTHING, Filter
from rag.follow_up import Earlier, margins_of
from rag.hit import Retrieval
from server.answering.conversation import EMPTY, Subject, Window
from server.cache.canonical import canonical_question
from server.cache.key import cache_key, code_digest
from server.cache.ladder import Ladder
from server.cache.memory_tier import MemoryCache
from server.cache.question_vectors import NAME as VECTORS
from server.cache.question_vectors import QuestionVectors
from server.deadline import Deadline
from server.engines.room import Engines
from server.governor import Step
from server.permits import Cores
from server.settings import Settings
from server.speaking.rate import at_rate
from server.stage import Stage, StageLimits, StageResult
from server.watching.machine import usable_cores
from server.watching.metrics import Metrics

Value = TypeVar("Value")

FIRST_SENTENCE = "first_sentence"
"""Key in `Pipeline.ahead` of the sentence that was spoken ahead."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the search stage gives: the passages, and how long the embedding took."""

    retrieval: Retrieval
    embed_ms: float
    readings: tuple[str, ...] = ()
    """The canonical questions that were searched; `retrieval.question` is one as it was asked."""
    leans_on: Subject | None = None
    """What was searched along with them."""
    is_going_on: bool = False
    """The passage that answered the question before stands first, against its score."""

    @property
    def is_following(self) -> bool:
        """Whether what was asked before has a part in it."""
        return self.leans_on is not None or self.is_going_on


@dataclass(frozen=True, slots=True)
class Stages:
    """The four stages of the process, shared by all sessions."""

    cores: Cores
    """What recognition and synthesis share: each call of theirs keeps one core busy."""
    stt: Stage[Transcript]
    search: Stage[Found]
    answer: Stage[Answer]
    tts: Stage[Speech]
    vectors: QuestionVectors
    """What questions mean, for the search."""
    ladder: Ladder | None = None
    """What runs and stops the tiers below memory; None without them."""

    @classmethod
    def build(cls, settings: Settings, metrics: Metrics, ladder: Ladder | None = None) -> "Stages":
        """Make each stage with its permits, queue and cache, over the ladder's lower tiers."""
        limit_bytes = _memory_limit_of(settings)
        cores = Cores(_cores_of(settings))

        def make(
            name: str,
            permits: int,
            kind: type[Value],
            size_of: Callable[[Value], int],
            cores: Cores | None = None,
        ) -> Stage[Value]:
            cache = MemoryCache[Value](limit_bytes, settings.cache_ttl_s, size_of)
            limits = StageLimits(permits, settings.stage_queue_limit)
            lower = ladder.join(name, kind, cache) if ladder is not None else None
            return Stage(name, limits, cache, metrics, cores, lower)

        code_digest()
        vectors = QuestionVectors(limit_bytes, settings.cache_ttl_s, metrics.cache)
        if ladder is not None:
            ladder.know(VECTORS, vectors.cache)

        return cls(
            cores=cores,
            stt=make("stt", settings.stt_permits, Transcript, _transcript_bytes, cores),
            search=make("search", settings.search_permits, Found, _found_bytes),
            answer=make("answer", settings.answer_permits, Answer, _answer_bytes),
            tts=make("tts", settings.tts_permits, Speech, _speech_bytes, cores),
            vectors=vectors,
            ladder=ladder,
        )

    def apply(self, settings: Settings) -> None:
        """Change permits, lines and caches to what the settings say now; nothing running is cut."""
        self.cores.limit = _cores_of(settings)
        permits = (
            settings.stt_permits,
            settings.search_permits,
            settings.answer_permits,
            settings.tts_permits,
        )
        stages: tuple[Stage[Any], ...] = self.all()
        for stage, count in zip(stages, permits, strict=True):
            stage.resize(StageLimits(count, settings.stage_queue_limit))
        for cache in self.caches():
            cache.resize(_memory_limit_of(settings))
            cache.ttl_s = settings.cache_ttl_s
        if self.ladder is not None and self.ladder.disk is not None:
            self.ladder.disk.limit_bytes = settings.cache_disk_bytes

    def caches(self) -> tuple[MemoryCache[Any], ...]:
        """Return the memory of each, and of the questions' vectors."""
        return (*(stage.cache for stage in self.all()), self.vectors.cache)

    def all(self) -> tuple[Stage[Transcript], Stage[Found], Stage[Answer], Stage[Speech]]:
        """Return them in the order of a turn."""
        return self.stt, self.search, self.answer, self.tts


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages as one turn sees them."""

    stages: Stages
    engines: Engines
    search_hits: int
    needed: Deadline | None = None
    """When the answer's first sound is wanted: orders the lines of the stages."""
    steps: tuple[Step, ...] = ()
    """What is given up for this turn, because too much stands in line."""
    ahead: Mapping[str, str] = field(default_factory=dict)
    """Stages whose caches were looked up ahead, for the same question, and counted then."""
    narrowing: Filter = EVERYTHING
    """Which documents may answer."""
    window: Window = EMPTY
    """What was asked and heard before."""
    maximum_characters: int = 1200
    """Of an answer that is spoken."""

    async def transcribe(self, samples: Samples, deadline: Deadline) -> StageResult[Transcript]:
        """Recognise one utterance of float32 at 16 kHz; the same audio is recognised once."""
        recognizer = self.recognizer
        heard = np.ascontiguousarray(samples).tobytes()
        key = cache_key("stt", (recognizer.fingerprint,), heard)
        return await self.stages.stt.run(
            key,
            lambda: recognizer.recognise(samples),
            deadline,
            needed=self.needed,
            is_counted="stt" not in self.ahead,
        )

    async def search(
        self, question: str, deadline: Deadline, other: str = ""
    ) -> StageResult[Found]:
        """Embed the question and find its passages, under the index's generation.

        `other` is a second reading of a spoken question; `retrieval.question` tells which one the
        documents fit better. What is searched is each one's canonical form, so that wordings which
        differ in nothing share a result; `retrieval.question` is the caller's own wording. What was
        asked before is searched along where all readings lean on it.
        """
        asked = (question, other) if other else (question,)
        wordings = {canonical_question(each): each for each in reversed(asked)}
        readings = tuple(reversed(wordings))
        subject = self.window.subject_of(readings)
        generation = self.engines.knowledge.retriever.index.generation
        result = await self.stages.search.run(
            self.knowledge_key("search", generation, (str(self.search_hits),), (readings, subject)),
            lambda: self._find(readings, subject),
            deadline,
            needed=self.needed,
            is_counted="search" not in self.ahead,
        )
        result = await self._going_on(result, deadline)
        found = result.value
        wording = wordings.get(found.retrieval.question, question)
        worded = replace(found, retrieval=replace(found.retrieval, question=wording))
        return replace(result, value=worded)

    async def _going_on(self, result: StageResult[Found], deadline: Deadline) -> StageResult[Found]:
        """Beside what all conversations share for a question that stands alone.

        Only for a short one is the passage that answered before read again.
        """
        found, passage_id = result.value, self.window.last_passage_id
        retrieval = found.retrieval
        is_short = margins_of(retrieval.question) is not None
        is_first = any(hit.passage_id == passage_id for hit in retrieval.hits[:1])
        if found.leans_on is not None or not passage_id or not is_short or is_first:
            return result
        parts = (str(self.search_hits), "going on")
        content = (found.readings, retrieval.question, passage_id)
        went = await self.stages.search.run(
            self.knowledge_key("search", retrieval.generation, parts, content),
            lambda: self._read_again(found, passage_id),
            deadline,
            needed=self.needed,
            is_counted=False,
        )
        queue_ms, run_ms = result.queue_ms + went.queue_ms, result.run_ms + went.run_ms
        return replace(result, value=went.value, queue_ms=queue_ms, run_ms=run_ms)

    def _read_again(self, found: Found, passage_id: int) -> Found:
        knowledge, retrieval = self.engines.knowledge, found.retrieval
        earlier = knowledge.retriever.look_again(retrieval, passage_id, self.narrowing)
        if earlier is None:
            return found
        went = knowledge.answerer.going_on(retrieval, earlier)
        return replace(found, retrieval=went, is_going_on=went is not retrieval)

    async def answer(self, found: Found, deadline: Deadline) -> StageResult[Answer]:
        """Compose the answer from what was found."""
        answerer = self.engines.knowledge.answerer
        is_brief = Step.BRIEF_ANSWERS in self.steps
        question = canonical_question(found.retrieval.question)
        retrieval = replace(found.retrieval, question=question)
        parts = (str(self.search_hits), f"brief={is_brief:d}")
        basis = retrieval.hits[0].passage_id if found.is_going_on else found.leans_on
        return await self.stages.answer.run(
            self.knowledge_key("answer", retrieval.generation, parts, (question, basis)),
            lambda: answerer.answer(retrieval, is_brief),
            deadline,
            needed=self.needed,
            is_counted="answer" not in self.ahead,
        )

    async def synthesise(
        self,
        sentence: str,
        speed: float,
        rate_hz: int,
        deadline: Deadline,
        needed: Deadline | None = None,
        is_counted: bool = True,
    ) -> StageResult[Speech]:
        """Speak what may be spoken of one sentence at `rate_hz`, with the pause that follows it."""
        synthesizer = self.engines.synthesizer

        written, is_clause = _without_clause_mark(sentence)

        def speak() -> Speech:
            spoken = speakable(written) + "," * is_clause
            made = synthesizer.synthesise(spoken, speed)
            ends = carried_over(spoken, written, made.word_ends)
            known = ends or estimated_ends(written, len(made.samples))
            return _with_pause(replace(made, word_ends=known), rate_hz, spoken)

        parts = (synthesizer.fingerprint, f"{speed:g}", str(rate_hz), str(int(is_clause)))
        key = cache_key("tts", parts, written.encode("utf-8", "surrogatepass"))
        is_first_counted = self.ahead.get(FIRST_SENTENCE) == sentence
        return await self.stages.tts.run(
            key,
            speak,
            deadline,
            needed=needed or self.needed,
            is_counted=is_counted and not is_first_counted,
        )

    @property
    def recognizer(self) -> Recognizer:
        """The one that hears this turn."""
        wanted = self.engines.small_recognizer if Step.SMALL_RECOGNIZER in self.steps else None
        return wanted or self.engines.recognizer

    def engine_names(self) -> dict[str, str]:
        """Return job to the engine of this turn."""
        return {**self.engines.names(), "stt": self.recognizer.name}

    def knowledge_key(
        self, stage: str, generation: int, parts: tuple[str, ...], content: object
    ) -> str:
        """Return the key of what depends on the documents too.

        `content` is what is asked and what it leans on: text, numbers, lists and dataclasses.
        """
        knowledge = self.engines.knowledge
        made_of = (
            self.engines.embedder.fingerprint,
            knowledge.retriever.index.kind,
            f"g{generation}-{knowledge.fingerprint}",
        )
        # The filter is in the digest, for it names people's documents.
        text = json.dumps([content, repr(self.narrowing)], default=asdict)
        return cache_key(stage, (*made_of, *parts), text.encode())

    def _find(self, readings: Sequence[str], subject: Subject | None) -> Found:
        started_at_s = time.monotonic()
        texts = [*readings, *([subject.question] if subject else [])]
        vectors = list(self.stages.vectors.of(self.engines.embedder, texts))
        embed_ms = (time.monotonic() - started_at_s) * 1000
        retriever = self.engines.knowledge.retriever
        hits = self.search_hits
        earlier = Earlier(subject.question, vectors.pop(), subject.document) if subject else None
        retrieval = retriever.search_readings(readings, vectors, hits, self.narrowing, earlier)
        return Found(retrieval, embed_ms, tuple(readings), subject)


def _memory_limit_of(settings: Settings) -> int:
    return settings.cache_bytes if settings.cache_enabled else 0


def _cores_of(settings: Settings) -> int:
    return settings.core_permits or usable_cores()


def _without_clause_mark(sentence: str) -> tuple[str, bool]:
    """The sentence without a comma, colon or semicolon at its end, and whether it had one.

    All three are spoken as a comma: the voice stays up, for more is to come.
    """
    written = sentence.rstrip().rstrip(",;:")
    return written, len(written) < len(sentence.rstrip())


def _with_pause(speech: Speech, rate_hz: int, sentence: str) -> Speech:
    told = at_rate(speech, rate_hz)
    has_sound = len(told.samples) > 0
    pause = np.zeros(pause_after_ms(sentence) * rate_hz // 1000 if has_sound else 0, np.int16)
    return replace(told, samples=np.concatenate([told.samples, pause]))


def _transcript_bytes(transcript: Transcript) -> int:
    return 256 + len(transcript.text) + len(transcript.other) + len(transcript.unfinished)


def _found_bytes(found: Found) -> int:
    return 256 + sum(256 + 2 * len(hit.passage.text) for hit in found.retrieval.hits)


def _answer_bytes(answer: Answer) -> int:
    return 256 + len(answer.text) + sum(256 + len(source.passage) for source in answer.sources)


def _speech_bytes(speech: Speech) -> int:
    return 64 + int(speech.samples.nbytes) + 40 * len(speech.word_ends)

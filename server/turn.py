"""THE HEART: one question to its spoken answer, with every millisecond accounted for.

It reads no socket and keeps no state between turns; server/session.py does both.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from audio.pcm import Samples
from models.tts import Speech
from rag.answer import Answer
from server.answering.conversation import exchange_of
from server.answering.functions import functions_for
from server.answering.reply import Reply, compose, rest_reply, said_reply
from server.deadline import Deadline
from server.errors import ParleyError, StageError
from server.hearing.ears import RATE_HZ as HEARD_RATE_HZ
from server.hearing.interruption import is_order_to_stop
from server.items import Answer as AnswerItem
from server.items import Items
from server.pipeline import Found, Pipeline
from server.question import Question, TurnLimits
from server.speaking.ending import STATUS, Outcome, describe_wait
from server.speaking.first_audio import FirstAudio
from server.speaking.player import Player
from server.speaking.rate import converted
from server.speaking.response import Cause, Listener, Response, Status
from server.speaking.script import Script
from server.speaking.track import Track
from server.speaking.unheard import CutAnswer
from server.stage import StageResult
from server.timeline import Segment, Timeline
from server.watching.metrics import Metrics
from server.wire import response_events as told
from server.wire.session_config import Modality
from server.wire.usage import Usage

Value = TypeVar("Value")


class Turn:
    """One question's way through the stages. Run it once."""

    def __init__(
        self,
        question: Question,
        response_id: str,
        pipeline: Pipeline,
        listener: Listener,
        items: Items,
        limits: TurnLimits,
        metrics: Metrics,
        on_first_audio: Callable[[], None],
    ) -> None:
        self.question = question
        self.cause: Cause | ParleyError = Cause.CLIENT_CANCELLED
        """Why it ends, should it be cut; whoever cancels it says so before."""
        self._items = items
        config = question.wish.config
        self._rate_hz = config.output_format.rate_hz
        self._is_spoken = config.modality is Modality.AUDIO
        self._track = Track(self._rate_hz)
        self._answer_item = AnswerItem(
            f"item_{response_id}", self._track, written=None if self._is_spoken else ""
        )
        self._response = Response(response_id, self._answer_item, question.wish, items, listener)
        self._pipeline = pipeline
        self._listener = listener
        self._limits = limits
        self._metrics = metrics
        self._timeline = Timeline(question.asked_at_s)
        self._note_first_audio = FirstAudio(self._timeline, on_first_audio)
        self.player = Player(self._track, self._response, limits.lead_ms, self._note_first_audio)
        self._deadline = Deadline.after(limits.timeout_s)
        self._cache: dict[str, str] = {}
        self._transcript = question.text
        self._other_reading = ""
        self._root = ""
        self._script: Script | None = None
        self.telling = asyncio.Lock()  # A `done` belongs to its `added`: cut it when this is free.
        self.is_ending = False  # It tells how it ended: too late to cut it.
        self._is_cut = False

    @property
    def response_id(self) -> str:
        """The id of its response, whether the client knows of it already or not."""
        return self._response.id

    @property
    def has_answered(self) -> bool:
        """Whether anything was said or written."""
        return bool(self._said)

    async def run(self) -> None:
        """Answer. A failed stage is told and ends this turn only; a cancel is told and raised."""
        outcome = Outcome.CANCELLED
        self._is_cut = True
        try:
            async with self.telling:
                await self._response.announce()
            outcome = await self._answer()
            self._is_cut = False
        except StageError as error:
            outcome, self.cause = Outcome.FAILED, error
            await self._listener.error(error)
        finally:
            self.is_ending = True
            await self._finish(outcome)

    async def _answer(self) -> Outcome:
        self._timeline.mark(Segment.ENDPOINT_WAIT, time.monotonic())
        if self.question.rest is not None:
            return await self._give(rest_reply(self.question.rest))
        if self.question.samples is not None:
            await self._hear(self.question.samples)
        if not self._transcript:
            await self._tell_transcript()
            return Outcome.EMPTY
        common = (self._transcript, self._response, self._pipeline, self._deadline)
        decided = await functions_for(self.question, *common)
        if decided.calls or decided.text:
            await self._tell_transcript()
        if decided.calls:
            async with self.telling:
                await self._response.call(decided.calls)
            return Outcome.CALLED
        if decided.text:
            return await self._give(said_reply(decided.text, decided.engine))
        if self._is_order_to_stop():
            await self._tell_transcript()
            self.cause = Cause.TURN_DETECTED
            return Outcome.CANCELLED
        found = await self._find()
        async with compose(self._pipeline, found, self._deadline) as reply:
            self._mark(Segment.ANSWER_FIRST, "answer", reply.quoted, is_hit=reply.is_hit)
            script = Script(reply, self._response, self._listener)
            await script.tell_trouble()
            self._remember(reply.basis)
            await self._say(script)
        return Outcome.REFUSED if reply.answer.refused else Outcome.ANSWERED

    def _is_order_to_stop(self) -> bool:
        """Whether nobody asked for an answer: "stop" was said, and what it meant has ended."""
        is_unasked = self.question.samples is not None and not self.question.is_told
        return is_unasked and is_order_to_stop(self._transcript)

    async def _give(self, reply: Reply) -> Outcome:
        """Say what was not searched for: what an answer left, or what functions gave."""
        await self._say(Script(reply, self._response, self._listener))
        return Outcome.ANSWERED

    async def _say(self, script: Script) -> None:
        self._script = script
        async with self.telling:
            await self._response.begin()
            await script.tell_progress()
        if self._is_spoken:
            await self.player.play(script, self._synthesise)
            await self._let_it_be_heard()
        else:
            await self._write(script)
        await script.tell_progress()

    def cut(self) -> CutAnswer | Question | None:
        """What is left after the connection was lost: of the answer, or the whole question."""
        script = self._script
        if self._is_cut and (script is None or not script.pieces):
            return self.question.again(self._transcript)
        if script is None or not (self._is_cut and self._is_spoken):
            return None
        heard, sources = self._answer_item.heard_sample or 0, script.reply.answer.sources
        return CutAnswer(self._answer_item.id, self._track, script.pieces, heard, sources)

    async def _hear(self, samples: Samples) -> None:
        try:
            result = await self._pipeline.transcribe(samples, self._deadline)
        except StageError as error:
            if not self.question.is_told:
                await self._items.tell_not_understood(self.question.item_id, error)
            raise
        self._mark(Segment.STT_FINAL, "stt", result, is_hit=result.is_hit)
        self._transcript, self._other_reading = result.value.text, result.value.other

    async def _tell_transcript(self) -> None:
        if self.question.samples is not None and not self.question.is_told:
            item_id = self.question.item_id
            await self._items.tell_understood(item_id, self._transcript, self._heard_s)

    async def _search(self) -> StageResult[Found]:
        """The documents choose between two readings, so the transcript is told only then."""
        try:
            found = await self._pipeline.search(
                self._transcript, self._deadline, self._other_reading
            )
            self._transcript = found.value.retrieval.question
            self._root = self._pipeline.window.root_of(
                self._transcript, is_following=found.value.is_following
            )
        finally:
            await self._tell_transcript()
        return found

    async def _find(self) -> Found:
        found = await self._search()
        self._mark(Segment.SEARCH, "search", found, is_hit=found.is_hit)
        self._timeline.move(
            Segment.SEARCH, Segment.EMBED, 0.0 if found.is_hit else found.value.embed_ms
        )
        return found.value

    def _remember(self, basis: Answer) -> None:
        """Later questions may lean on this one."""
        if not self.question.wish.is_out_of_band:
            item = self._answer_item
            ids = (self.question.item_id, item.id)
            exchange = exchange_of(self._transcript, basis, self._root, ids)
            # Of the item alone: the turn would keep the question's sound, and engines gone since.
            self._items.conversation.add(exchange, lambda: item.transcript)

    async def _write(self, script: Script) -> None:
        """Tell the answer as text."""
        while (piece := await script.piece()) is not None:
            await script.tell_progress()
            words = f" {piece}" if self._answer_item.written else piece
            self._answer_item.written = f"{self._answer_item.written}{words}"
            await self._response.words(words)
            self._note_first_audio()

    async def _synthesise(self, sentence: str, position: int) -> Speech:
        slack_s = self.player.unplayed_s
        # The first piece is wanted as early as the turn; a later one when what is there is played.
        needed = None if position == 0 else Deadline.after(slack_s)
        deadline = (
            self._deadline if position == 0 else Deadline.after(self._limits.timeout_s + slack_s)
        )
        rest = self.question.rest
        if rest is not None and rest.sound is not None and position == 0:
            return await converted(rest.sound, self._rate_hz)
        result = await self._pipeline.synthesise(
            sentence, self._limits.speed, self._limits.rate_hz, deadline, needed
        )
        if position == 0:
            self._mark(Segment.TTS_FIRST, "tts", result, is_hit=result.is_hit)
        return await converted(result.value, self._rate_hz)

    async def _let_it_be_heard(self) -> None:
        """The answer can be interrupted until its last word was heard, not only sent."""
        await self.player.send_rest()
        async with self.telling:
            await self._response.sound_done()
        await self.player.be_heard()

    async def _finish(self, outcome: Outcome) -> None:
        await self._end_response(outcome)
        segments, total_ms = self._timeline.segments_ms(), self._timeline.voice_to_voice_ms
        self._metrics.observe_turn(outcome, segments, total_ms, self.question.asked_at_s)
        await self._listener.event(
            told.TurnReport(
                response_id=self._response.id if self._response.is_created else None,
                item_id=self.question.item_id,
                outcome=outcome,
                transcript=self._transcript,
                answer=self._said,
                segments=segments,
                voice_to_voice_ms=None if total_ms is None else round(total_ms, 3),
                engines=self._engine_names(),
                cache=self._cache,
                endpoint=describe_wait(self.question.wait),
                speculation="none" if self.question.ahead is None else "used",
                degraded=list(self._pipeline.steps),
            )
        )

    def _engine_names(self) -> dict[str, str]:
        names = self._pipeline.engine_names()
        script = self._script
        engine = "" if script is None else script.reply.engine
        return {**names, "answer": engine} if engine else names

    async def _end_response(self, outcome: Outcome) -> None:
        if self._is_cut and self._is_spoken:
            self._answer_item.heard_sample = self.player.heard_sample
            self._answer_item.status = "incomplete"
            await self.player.fade_out()
        spoken_s = self._track.position / self._rate_hz
        usage = Usage(self._transcript, self._heard_s, self._said, spoken_s)
        status = STATUS[outcome]
        if status is Status.COMPLETED and self._script is not None and self._script.is_limited:
            await self._response.end(Status.INCOMPLETE, usage, Cause.MAX_OUTPUT_TOKENS)
        else:
            await self._response.end(status, usage, self.cause)

    def _mark(
        self, segment: Segment, stage: str, result: StageResult[Value], *, is_hit: bool
    ) -> None:
        was_miss = (self.question.ahead or {}).get(stage) == "miss"
        self._cache[stage] = "hit" if is_hit and not was_miss else "miss"
        self._timeline.mark(segment, time.monotonic(), result.queue_ms, stage)

    @property
    def _said(self) -> str:
        """What the person can have heard: all of it, or the words up to where it was cut."""
        return self._answer_item.transcript

    @property
    def _heard_s(self) -> float:
        samples = self.question.samples
        return 0.0 if samples is None else len(samples) / HEARD_RATE_HZ

"""One connection: hears, follows the state table, runs one turn at most, cleans up after itself.

It recognises, finds and speaks nothing itself: server/turn.py does.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterable
from dataclasses import replace

import numpy as np

from audio.endpoint import (
    EndpointEvent,
    EndReason,
    SpeechContinued,
    SpeechDropped,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    UtteranceEnded,
)
from audio.pcm import Samples
from rag.filter import EVERYTHING
from server.deadline import Deadline
from server.errors import Idle, InvalidEvent, ParleyError, first_cause
from server.hearing.ahead import Ahead
from server.hearing.ears import RATE_HZ, Ears
from server.hearing.echo_guard import DOUBT_S, EchoGuard
from server.hearing.intake import Intake
from server.hearing.interruption import Interruption
from server.hearing.judging import ECHO_REACH_S, LATELY_S, LatelySaid, judge
from server.hearing.partials import Partials
from server.hearing.rest import Rest, Tap
from server.hearing.speculation import Fate, OnUnderstood, Speculation
from server.items import Items
from server.news import EngineNews
from server.pipeline import Pipeline
from server.session_settings import changed, describe_session, ear_settings
from server.state import TABLE, Action, Signal, State
from server.surroundings import Surroundings
from server.turn import Question, Turn, TurnLimits
from server.typed import TypedQuestion
from server.wire import client_events as asked
from server.wire import server_events as told
from server.wire.goodbye import leave_after
from server.wire.outbox import Outbox

log = logging.getLogger(__name__)


class Session:
    """One person at one socket. Call `run` once; it ends when the messages end."""

    def __init__(
        self, session_id: str, outbox: Outbox, shared: Surroundings, tap: Tap | None = None
    ) -> None:
        settings = shared.settings
        self.id = session_id
        self.state = State.IDLE
        self._outbox = outbox
        self._shared = shared
        self._ears = Ears(shared.vad_model, ear_settings(settings))
        self._news = EngineNews(shared.engine_room, outbox)
        self._speed, self._idle_timeout_s = settings.speech_speed, settings.idle_timeout_s
        self._narrowing = EVERYTHING
        self._rate_hz = shared.engine_room.current.synthesizer.rate_hz
        self._items = Items(session_id, outbox)
        guard = EchoGuard(self._ears, self._rate_hz, shared.metrics.count_echo)
        guard.on_doubt = self._stand_still
        outbox.on_audio = guard.sent
        self._intake = Intake(self._ears, guard, outbox, settings.ahead_maximum_s, rest=Rest(tap))
        self._turn: Turn | None = None
        self._turn_task: asyncio.Task[None] | None = None
        self._carried: Samples = np.zeros(0, np.float32)
        self._cut_sample: int | None = None
        self._lately = LatelySaid()
        self._typed = TypedQuestion(self._items)
        self._judging: asyncio.Task[None] | None = None
        self._last_activity_s = time.monotonic()

    async def run(self, messages: AsyncIterable[str | bytes]) -> None:
        """Serve until the messages end. Raises SessionError or ClientError to have it closed."""
        self._news.subscribe()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._ahead = self._make_ahead(group)
                await self._outbox.event(told.SessionCreated(self._describe()))
                news = group.create_task(self._news.run())
                async for message in messages:
                    await self._take(message)
                news.cancel()
                self._ahead.stop()
                await self._stop_turn()
        except BaseExceptionGroup as errors:
            raise first_cause(errors) from errors
        finally:
            self._news.unsubscribe()

    def leave(self, patience_s: float) -> None:
        """End the session as Leaving, after the answer that is being given or that time."""
        self._group.create_task(leave_after(self._turn_task, patience_s))

    async def _take(self, message: str | bytes) -> None:
        self._check_idle()
        try:
            if isinstance(message, bytes):
                await self._take_audio(message)
            else:
                await self._take_event(asked.parse_client_event(message))
        except InvalidEvent as error:
            await self._outbox.error(error)

    def _check_idle(self) -> None:
        if self.state is not State.IDLE:
            self._last_activity_s = time.monotonic()
        if (quiet_s := time.monotonic() - self._last_activity_s) > self._idle_timeout_s:
            raise Idle(f"Nothing was said for {quiet_s:.0f} s.")

    async def _take_audio(self, frame: bytes) -> None:
        for event in await self._intake.take(frame, may_rest=self.state is State.IDLE):
            await self._take_endpoint(event)

    async def _take_endpoint(self, event: EndpointEvent) -> None:
        match event:
            case SpeechStarted():
                is_new = event.start_sample != self._cut_sample
                signal = Signal.SPEECH_STARTED if is_new else Signal.SPEECH_WENT_ON
                await self._signal(signal, speech=event)
            case SpeechPaused():
                self._ahead.begin(np.concatenate([self._carried, event.samples]), event)
            case SpeechContinued() if self.state is State.HEARING:
                self._ahead.partials.hear(np.concatenate([self._carried, event.samples]))
            case SpeechResumed():
                self._ahead.give_up(Fate.RESUMED)
            case UtteranceEnded():
                self._ahead.partials.stop()
                is_cut = event.reason is EndReason.LIMIT
                self._cut_sample = event.end_sample if is_cut else None
                signal = Signal.DOUBTED if self._is_doubtful(event) else Signal.UTTERANCE_ENDED
                await self._signal(signal, utterance=event)
            case SpeechDropped() if self._judging is None or self._judging.done():
                await self._signal(Signal.SPEECH_DROPPED)

    async def _take_event(self, event: asked.ClientEvent) -> None:
        match event:
            case asked.AppendAudio(pcm):
                await self._take_audio(pcm)
            case asked.CommitAudio():
                await self._commit()
            case asked.ClearAudio():
                await self._signal(Signal.CLEAR)
            case asked.CancelResponse():
                await self._signal(Signal.CANCEL)
            case asked.UpdateSession():
                await self._update(event)
            case asked.CreateItem():
                await self._typed.add(event.text)
            case asked.CreateResponse():
                await self._answer_typed()
            case asked.TruncateItem():
                await self._items.truncate(event.item_id, event.audio_end_ms)
            case asked.RetrieveItem():
                await self._outbox.event(told.ItemRetrieved(self._items.find(event.item_id)))

    async def _commit(self) -> None:
        events = self._intake.commit()
        if not events:
            await self._signal(Signal.COMMIT)
        for event in events:
            await self._take_endpoint(event)

    async def _signal(
        self,
        signal: Signal,
        speech: SpeechStarted | None = None,
        utterance: UtteranceEnded | None = None,
        question: Question | None = None,
    ) -> None:
        """Look the signal up in the table, act, and stand in the new state."""
        self.state, action = TABLE[self.state, signal]
        match action:
            case Action.ANNOUNCE_SPEECH | Action.TAKE_BACK | Action.HOLD if speech:
                await self._begin_hearing(action, speech)
            case Action.JUDGE if utterance:
                self._judging = self._group.create_task(self._judge(utterance))
            case Action.STOP_AND_CARRY if utterance:
                await self._stop_turn()
                self._carried = np.concatenate([self._carried, utterance.spoken])
            case Action.RELEASE | Action.RELEASE_AND_CLEAR:
                await self._go_on_speaking()
            case Action.START_TURN | Action.REPLACE_TURN:
                self._drop_judgement()
                await self._stop_turn()
                if utterance is not None:
                    question = await self._commit_utterance(utterance)
                if question is not None:
                    self._start_turn(question)
            case Action.CANCEL_TURN:
                await self._stop_turn()
            case Action.CLEAR_AUDIO:
                self._forget_audio()
                await self._outbox.event(told.AudioCleared())
            case Action.REFUSE_EMPTY_COMMIT:
                raise InvalidEvent(
                    "Nothing was said since the last commit.",
                    code="input_audio_buffer_commit_empty",
                )
            case Action.REFUSE_CANCEL:
                raise InvalidEvent("No answer is being given.", code="response_cancel_not_active")

    async def _begin_hearing(self, action: Action, speech: SpeechStarted) -> None:
        if action is Action.HOLD and self._turn:
            await self._turn.hold()
        elif action is Action.TAKE_BACK:
            if self._turn and self._turn.question.samples is not None:
                self._carried = self._turn.question.samples
            await self._stop_turn()
        started_ms = speech.start_sample * 1000 // RATE_HZ
        await self._outbox.event(told.SpeechStarted(started_ms, self._items.next_id))
        self._ahead.listen(self._items.next_id)

    async def _judge(self, utterance: UtteranceEnded) -> None:
        """Recognise what was said into the answer; only a question ends it."""
        being_said = self._being_said(utterance)
        shared = self._shared
        deadline = Deadline.after(shared.settings.turn_timeout_s)
        kind = await judge(
            utterance, being_said, self._pipeline(), deadline, self._outbox, shared.metrics
        )
        is_more_coming = self._ears.is_hearing_speech
        if kind is Interruption.QUESTION:
            signal = Signal.INTERRUPTED_MIDWAY if is_more_coming else Signal.INTERRUPTED
            await self._signal(signal, utterance=utterance)
        elif not is_more_coming:
            await self._signal(Signal.DISMISSED)

    def _stand_still(self) -> None:
        if self._turn is not None:
            self._turn.pause(DOUBT_S)

    def _being_said(self, utterance: UtteranceEnded) -> str:
        """What was said aloud while this was heard, or just before."""
        reach_s = utterance.duration_s + ECHO_REACH_S
        return self._lately.text if self._turn is None else self._turn.said_since(reach_s)

    def _is_doubtful(self, utterance: UtteranceEnded) -> bool:
        began_at_s = self._ears.arrived_at_s(utterance.start_sample)
        return self._turn is None and self._lately.may_echo_in(began_at_s)

    async def _go_on_speaking(self) -> None:
        """The answer was only held: the client may forget what it was told of the speech."""
        self._forget_audio()
        await self._outbox.event(told.AudioCleared())
        if self._turn is not None:
            self._turn.release()

    def _make_ahead(self, group: asyncio.TaskGroup) -> Ahead:
        shared, permits = self._shared, self._shared.stages.stt.permits
        common = (group, permits, shared.metrics)
        partials = Partials(shared.settings, *common, self._partial_pipeline, self._tell_partial)
        return Ahead(shared.settings, self._ears, *common, self._speculate, partials)

    def _drop_judgement(self) -> None:
        """What was said before a clear or another question ends nothing any more."""
        if self._judging is not None and self._judging is not asyncio.current_task():
            self._judging.cancel()

    def _forget_audio(self) -> None:
        self._drop_judgement()
        self._ahead.give_up(Fate.CHANGED)
        self._ears.clear()
        self._carried = self._carried[:0]

    async def _commit_utterance(self, utterance: UtteranceEnded) -> Question:
        ended_ms = utterance.end_sample * 1000 // RATE_HZ
        item_id = await self._items.add_speech(ended_ms)
        samples = np.concatenate([self._carried, utterance.spoken])
        self._carried = self._carried[:0]
        wait, guess = self._ahead.wait, self._ahead.take(samples)
        return Question(
            item_id,
            self._ears.arrived_at_s(utterance.speech_end_sample),
            samples[-self._shared.settings.utterance_maximum_s * RATE_HZ :],
            wait=wait,
            ahead=None if guess is None else guess.cache,
            steps=self._shared.governor.steps if guess is None else guess.pipeline.steps,
        )

    async def _answer_typed(self) -> None:
        question = self._typed.take(self._shared.governor.steps)
        await self._signal(Signal.QUESTION_TYPED, question=question)

    def _start_turn(self, question: Question) -> None:
        pipeline = replace(
            self._pipeline(question.asked_at_s),
            steps=question.steps,
            ahead=question.ahead or {},
        )
        self._turn = Turn(
            question,
            self._items.new_id("resp"),
            pipeline,
            self._outbox,
            self._items,
            self._limits(),
            self._shared.metrics,
            self._note_first_audio,
        )
        self._turn_task = self._group.create_task(self._run_turn(self._turn))
        # Cancelled after the turn's task was made: the turn joins what is in flight first.
        self._ahead.stop()

    def _pipeline(self, asked_at_s: float | None = None) -> Pipeline:
        return replace(self._shared.pipeline(asked_at_s), narrowing=self._narrowing)

    def _speculate(self, samples: Samples, on_understood: OnUnderstood) -> Speculation:
        is_question = self.state is not State.HELD
        return Speculation(samples, self._pipeline(), self._limits(), on_understood, is_question)

    def _partial_pipeline(self) -> Pipeline:
        """Last in every line, and its lookups are nobody's."""
        needed = Deadline.after(self._shared.settings.turn_timeout_s)
        return replace(self._pipeline(), needed=needed, ahead={"stt": "miss", "search": "miss"})

    async def _tell_partial(self, item_id: str, words: str) -> None:
        await self._outbox.event(told.TranscriptionDelta(item_id, words))

    def _limits(self) -> TurnLimits:
        settings = self._shared.settings
        return TurnLimits(
            settings.turn_timeout_s,
            settings.lead_ms,
            settings.answer_maximum_characters,
            self._rate_hz,
            self._speed,
        )

    async def _run_turn(self, turn: Turn) -> None:
        try:
            await turn.run()
        except ParleyError:
            raise
        except Exception as error:
            log.exception("turn failed in session %s", self.id)
            await self._outbox.error(ParleyError(f"The turn failed: {type(error).__name__}."))
        if self._turn is turn:
            self._lately.remember(turn.said_since(LATELY_S), time.monotonic())
            self._turn = self._turn_task = None
            self.state, _ = TABLE[self.state, Signal.TURN_ENDED]

    def _note_first_audio(self) -> None:
        self.state, _ = TABLE[self.state, Signal.FIRST_AUDIO]

    async def _stop_turn(self) -> None:
        task, turn = self._turn_task, self._turn
        self._turn = self._turn_task = None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if turn is not None:
            self._lately.remember(turn.said_since(LATELY_S), time.monotonic())

    async def _update(self, event: asked.UpdateSession) -> None:
        now = self._ears.settings
        wanted = changed(now, event)
        self._speed = event.speed or self._speed
        self._narrowing = self._narrowing if event.narrowing is None else event.narrowing
        if wanted != now:
            self._ears.change(wanted)
            if self.state is State.HEARING:
                self.state = State.IDLE
        await self._outbox.event(told.SessionUpdated(self._describe()))

    def _describe(self) -> dict[str, object]:
        voice = (self._rate_hz, self._speed)
        return describe_session(self.id, self._ears.settings, self._shared, self._narrowing, voice)

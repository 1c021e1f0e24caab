"""One connection: hears, follows the state table, runs one turn at most, cleans up after itself.

It recognises, finds and speaks nothing itself: server/turn.py does.
"""

import asyncio
import logging
from collections.abc import AsyncIterable, Awaitable

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
from server.actions import Actions
from server.asides import Asides
from server.asked import Asked
from server.errors import InvalidEvent, ParleyError, first_cause
from server.hearing.ahead import Ahead
from server.hearing.ears import Ears
from server.hearing.echo_guard import EchoGuard
from server.hearing.intake import AUDIO_PIECE_BYTES, Intake
from server.hearing.interruption import Interruption
from server.hearing.judging import Judging
from server.hearing.partials import Partials
from server.hearing.rest import Rest, Tap
from server.hearing.speculation import Fate, OnUnderstood, Speculation
from server.hearing.utterances import Utterances
from server.idleness import Idleness
from server.news import EngineNews
from server.parking import Parked, Place
from server.question import Question
from server.responses import Responses
from server.running_answer import RunningAnswer
from server.session_settings import Setup, ear_settings, items_of, wait_limits
from server.speaking.response import Wish
from server.state import TABLE, Signal, State
from server.surroundings import Surroundings
from server.turn import Turn
from server.turn_making import TurnMaker
from server.turn_taking import end_signal, judged_signal, onset_signal
from server.wire import client_events as asked
from server.wire import server_events as told
from server.wire.goodbye import give_way, leave_soon
from server.wire.outbox import Outbox
from server.wire.parse_message import event_id_of, parse_message
from server.wire.session_config import SessionConfig

log = logging.getLogger(__name__)


class Session:
    """One person at one socket. Call `run` once; it ends when the messages end."""

    def __init__(
        self,
        session_id: str,
        outbox: Outbox,
        shared: Surroundings,
        tap: Tap | None = None,
        place: Place | None = None,
    ) -> None:
        settings = shared.settings
        self._place = place or Place()
        self._place.left = self._left
        self.id = session_id
        self.state = State.IDLE
        self._outbox = outbox
        self._shared = shared
        self._setup = Setup.first(session_id, shared, outbox.dialect, self._place)
        self._ears = Ears(shared.vad_model, ear_settings(settings, self._setup.config))
        self._news = EngineNews(shared.engine_room, outbox)
        self._items = items_of(self._place, session_id, outbox, settings)
        rate_hz = shared.engine_room.current.synthesizer.rate_hz
        self._maker = TurnMaker(self._setup, outbox, self._items, rate_hz)
        self._answering = RunningAnswer(
            self._maker, self._run_turn, self._note_first_audio, self._note_ended
        )
        guard = EchoGuard(self._ears, rate_hz, shared.metrics.count_echo)
        guard.on_doubt = self._answering.stand_still
        outbox.on_audio = guard.sent
        outbox.tells_transcripts = self._setup.config.transcription is not None
        ahead_s = max(settings.ahead_maximum_s, outbox.dialect.ahead_s)
        self._intake = Intake(self._ears, guard, outbox, ahead_s, rest=Rest(tap))
        self._cut_sample: int | None = None
        self._parting: Turn | None = None
        """What was being answered when the connection ended."""
        self._floor = asyncio.Lock()  # What one message or judgement does is told whole.
        pipeline = self._maker.pipeline
        self._judging = Judging(settings, outbox, shared.metrics, pipeline, self._judged)
        self._idleness = Idleness(
            settings.idle_timeout_s, lambda: outbox.told_at_s, lambda: self.state
        )

    async def run(self, messages: AsyncIterable[str | bytes]) -> None:
        """Serve until the messages end. Raises SessionError or ClientError to have it closed."""
        self._news.subscribe()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._ahead = self._make_ahead(group)
                longest_s = self._shared.settings.utterance_maximum_s
                common = (self._items, self._outbox)
                self._said = Utterances(*common, self._ears, self._ahead, longest_s)
                self._asked = Asked(*common, self._maker, group)
                self._actions = self._make_actions(group)
                asides = Asides(self._maker, self._run_aside, group)
                signal = self._signal_of_response
                self._responses = Responses(self._asked, asides, self._answering, signal)
                await self._begin()
                leaving = give_way(self._place.is_wanted)
                watching = (self._news.run(), leaving, self._idleness.watch())
                watches = [group.create_task(each) for each in watching]
                async for message in messages:
                    await self._take(message)
                for watch in watches:
                    watch.cancel()
                self._ahead.stop()
                self._judging.drop()
                await self._responses.stop()
                self._parting = self._answering.turn
                await self._answering.stop()
        except BaseExceptionGroup as errors:
            raise first_cause(errors) from errors
        finally:
            self._news.unsubscribe()

    async def _begin(self) -> None:
        """Tell of the session, and go on where a lost connection left it."""
        await self._outbox.event(told.SessionCreated(self._setup.describe()))
        try:
            self._place.check()
        except InvalidEvent as error:
            await self._outbox.error(error)
        question = self._place.question(self._setup.config)
        if question is not None:
            await self._signal(Signal.QUESTION_TYPED, question=question)

    def _left(self) -> Parked:
        turn = self._parting or self._answering.turn
        left = None if turn is None else turn.cut()
        return Parked(self._outbox.dialect.path, self._setup.config, self._items, left)

    def leave(self, patience_s: float) -> None:
        """End the session as Leaving, after the answer that is being given or that time."""
        leave_soon(self._group, self._answering.task, patience_s)

    async def _take(self, message: str | bytes) -> None:
        try:
            async with self._floor:
                if isinstance(message, bytes):
                    await self._take_audio(message)
                else:
                    await self._take_event(await parse_message(message, self._setup.around()))
        except InvalidEvent as error:
            error.event_id = error.event_id or await event_id_of(message)
            await self._outbox.error(error)

    async def _take_audio(self, coded: bytes) -> None:
        """Piece by piece: other sessions get their turn within a long one."""
        self._idleness.note_audio()
        form = self._setup.config.input_format
        for start in range(0, max(1, len(coded)), AUDIO_PIECE_BYTES):
            pcm = form.decode(coded[start : start + AUDIO_PIECE_BYTES])
            for event in await self._intake.take(pcm, may_rest=self.state is State.IDLE):
                await self._take_endpoint(event)
        if self.state is State.IDLE:
            config = self._setup.config
            if question := await self._said.prompt(config.detection, Wish(config)):
                await self._signal(Signal.QUESTION_TYPED, question=question)

    async def _take_endpoint(self, event: EndpointEvent) -> None:
        match event:
            case SpeechStarted():
                goes_on = event.start_sample == self._cut_sample
                signal = onset_signal(self._setup.config, self._outbox.dialect, goes_on=goes_on)
                await self._signal(signal, speech=event)
            case SpeechPaused():
                self._ahead.begin(self._said.with_carried(event.samples), event)
            case SpeechContinued() if self.state is State.HEARING:
                self._ahead.partials.hear(self._said.with_carried(event.samples))
            case SpeechResumed():
                self._ahead.give_up(Fate.RESUMED)
            case UtteranceEnded():
                self._ahead.partials.stop()
                is_cut = event.reason is EndReason.LIMIT
                self._cut_sample = event.end_sample if is_cut else None
                await self._signal(self._signal_of_end(event), utterance=event)
            case SpeechDropped() if not self._judging.is_under_way:
                await self._signal(Signal.SPEECH_DROPPED)

    def _signal_of_end(self, utterance: UtteranceEnded) -> Signal:
        began_at_s = self._ears.arrived_at_s(utterance.start_sample)
        return end_signal(
            self._setup.config,
            self._outbox.dialect,
            utterance.reason,
            is_answering=self._answering.turn is not None,
            is_doubtful=self._answering.may_echo_in(began_at_s),
        )

    async def _take_event(self, event: asked.ClientEvent) -> None:
        match event:
            case asked.AppendAudio(coded):
                await self._take_audio(coded)
            case asked.CommitAudio():
                await self._commit()
            case asked.ClearAudio():
                await self._signal(Signal.CLEAR)
            case asked.CancelResponse():
                await self._responses.cancel(event.response_id)
            case asked.ClearOutput():
                await self._responses.silence()
            case asked.UpdateSession():
                await self._update(event.config)
            case asked.CreateItem():
                await self._asked.add(event, self._setup.config.input_format.rate_hz)
            case asked.CreateResponse():
                await self._responses.create(event)
            case asked.DeleteItem():
                await self._items.delete(event.item_id)
            case asked.TruncateItem():
                await self._items.truncate(event.item_id, event.audio_end_ms)
            case asked.RetrieveItem():
                await self._outbox.event(told.ItemRetrieved(self._items.find(event.item_id)))

    def _make_actions(self, group: asyncio.TaskGroup) -> Actions:
        return Actions(
            group,
            self._setup,
            self._outbox,
            self._items,
            self._ears,
            self._ahead,
            self._said,
            self._asked,
            self._judging,
            self._answering,
            self._shared.governor,
        )

    async def _signal_of_response(self, signal: Signal, question: Question | None) -> None:
        await self._signal(signal, question=question)

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
        await self._actions.act(action, speech, utterance, question)

    async def _judged(self, kind: Interruption, utterance: UtteranceEnded) -> None:
        """Only a question, or an order to stop, ends the answer."""
        async with self._floor:
            is_more_coming = self._ears.is_hearing_speech or self._judging.has_more
            is_end = self._said.is_end_of_question and kind is not Interruption.STOP
            asked_kind = Interruption.QUESTION if is_end else kind
            signal = judged_signal(asked_kind, is_more_coming=is_more_coming)
            if signal is not None:
                await self._signal(signal, utterance=utterance)

    def _make_ahead(self, group: asyncio.TaskGroup) -> Ahead:
        shared, permits = self._shared, self._shared.stages.stt.permits
        common = (group, permits, shared.metrics)
        pipeline = self._maker.partial_pipeline
        partials = Partials(shared.settings, *common, pipeline, self._items.understood_so_far)
        return Ahead(shared.settings, self._ears, *common, self._speculate, partials)

    def _speculate(self, samples: Samples, on_understood: OnUnderstood) -> Speculation:
        is_question = self.state is not State.HELD
        return self._maker.speculation(samples, on_understood, is_question=is_question)

    async def _run_turn(self, turn: Turn) -> None:
        async def run_and_remember() -> None:
            await turn.run()
            await self._place.remember(self._items.conversation.window())

        await self._telling_if_it_fails(run_and_remember())

    async def _run_aside(self, turn: Turn) -> None:
        await self._telling_if_it_fails(turn.run())

    async def _telling_if_it_fails(self, work: Awaitable[None]) -> None:
        """What nobody foresaw ends this answer; the session goes on."""
        try:
            await work
        except ParleyError:
            raise
        except Exception as error:
            log.exception("turn failed in session %s", self.id)
            await self._outbox.error(ParleyError(f"The turn failed: {type(error).__name__}."))

    def _note_first_audio(self) -> None:
        self.state, _ = TABLE[self.state, Signal.FIRST_AUDIO]

    def _note_ended(self, turn: Turn) -> None:
        self.state, _ = TABLE[self.state, Signal.TURN_ENDED]
        if turn.has_answered:
            self._said.note_answered()

    async def _update(self, config: SessionConfig) -> None:
        settings = self._shared.settings
        wanted = ear_settings(settings, config)
        self._setup.config = config
        self._outbox.tells_transcripts = config.transcription is not None
        self._ahead.limits = wait_limits(settings, config)
        if wanted != self._ears.settings:
            is_forgotten = self._ears.is_hearing_speech or self.state in (State.HEARING, State.HELD)
            self._ears.change(wanted)
            if is_forgotten:
                await self._signal(Signal.CLEAR)
        await self._outbox.event(told.SessionUpdated(self._setup.describe()))

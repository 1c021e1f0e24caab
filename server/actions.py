"""Does what the session's table says (server/state.py): hears, holds, releases, answers, stops.

It knows no state, and looks nothing up in the table.
"""

import asyncio
from dataclasses import dataclass

from audio.endpoint import SpeechStarted, UtteranceEnded
from server.asked import Asked
from server.governor import Governor
from server.hearing.ahead import Ahead
from server.hearing.ears import Ears
from server.hearing.judging import Judging
from server.hearing.speculation import Fate
from server.hearing.utterances import Utterances
from server.items import Items
from server.question import Question
from server.running_answer import RunningAnswer
from server.session_settings import Setup
from server.speaking.response import Cause, Wish
from server.state import Action
from server.turn_taking import refusal
from server.wire import server_events as told
from server.wire.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Actions:
    """One session's: its parts, moved as one."""

    group: asyncio.TaskGroup
    setup: Setup
    outbox: Outbox
    items: Items
    ears: Ears
    ahead: Ahead
    said: Utterances
    asked: Asked
    judging: Judging
    answering: RunningAnswer
    governor: Governor

    async def act(
        self,
        action: Action,
        speech: SpeechStarted | None = None,
        utterance: UtteranceEnded | None = None,
        question: Question | None = None,
    ) -> None:
        """Act on what started, ended or is asked. Raises InvalidEvent where the table refuses."""
        match action:
            case Action.ANNOUNCE_SPEECH | Action.TAKE_BACK | Action.HOLD if speech:
                await self._begin_hearing(action, speech)
            case Action.INTERRUPT if speech:
                await self.said.tell(speech)
                await self.answering.stop(Cause.TURN_DETECTED)
            case Action.KEEP if utterance:
                await self._keep_utterance(utterance)
            case Action.JUDGE if utterance:
                being_said = self.answering.being_said(utterance)
                self.judging.begin(self.group, utterance, being_said)
            case Action.STOP_AND_CARRY if utterance:
                await self.said.tell_untold()
                await self.answering.stop(Cause.TURN_DETECTED)
                self.said.carried = self.said.with_carried(utterance.spoken)
            case Action.HUSH | Action.HUSH_AND_HEAR:
                await self._hush(is_more_coming=action is Action.HUSH_AND_HEAR)
            case Action.RELEASE | Action.RELEASE_AND_CLEAR:
                await self._go_on_speaking()
            case Action.START_TURN | Action.REPLACE_TURN:
                is_dropped = self.judging.drop() and not self.ears.is_hearing_speech
                if utterance is not None:
                    await self.said.tell_untold()
                elif is_dropped and self.said.forget():
                    await self.outbox.event(told.AudioCleared())
                await self.answering.stop(Cause.TURN_DETECTED if utterance else None)
                if utterance is not None:
                    wish, steps = Wish(self.setup.config), self.governor.steps
                    question = await self.said.make_question(utterance, wish, steps)
                if question is not None:
                    self.answering.start(question, self.group)
                    # Cancelled after the turn's task was made: it joins what is in flight first.
                    self.ahead.stop()
            case Action.CANCEL_TURN:
                await self.answering.stop()
            case Action.CLEAR_AUDIO:
                self._forget_audio()
                await self.outbox.event(told.AudioCleared())
            case Action.REFUSE_EMPTY_COMMIT | Action.REFUSE_CANCEL:
                raise refusal(action)

    async def _begin_hearing(self, action: Action, speech: SpeechStarted) -> None:
        is_stock = self.outbox.dialect.is_stock
        if action is Action.HOLD and self.answering.turn:
            await self.answering.turn.player.hold()
            if is_stock:
                self.said.untold = speech
                return
        if action is Action.TAKE_BACK and not is_stock:
            await self._take_back()
        await self.said.tell(speech)
        if action is Action.TAKE_BACK and is_stock:
            await self._take_back()

    async def _take_back(self) -> None:
        """The question goes on: its sound becomes part of the next item.

        On /v1/realtime its own item goes: what is said in it is in the next one.
        """
        turn = self.answering.turn
        await self.answering.stop(Cause.TURN_DETECTED)
        if turn is None or turn.question.samples is None or turn.question.is_told:
            return
        self.said.carried = turn.question.samples
        if self.outbox.dialect.is_stock:
            await self.items.delete(turn.question.item_id)

    async def _hush(self, *, is_more_coming: bool) -> None:
        """A client drops what it has not played when it is told that somebody spoke."""
        await self.said.tell_untold()
        await self.answering.stop(Cause.TURN_DETECTED)
        if not is_more_coming and self._forget_audio():
            await self.outbox.event(told.AudioCleared())

    async def _go_on_speaking(self) -> None:
        """The answer was only held: the client may forget what it was told of the speech."""
        if self._forget_audio():
            await self.outbox.event(told.AudioCleared())
        self.answering.release()

    def _forget_audio(self) -> bool:
        """Forget what was said and is no item; return whether the client was told of it."""
        self.judging.drop()
        self.ahead.give_up(Fate.CHANGED)
        self.ears.clear()
        return self.said.forget()

    async def _keep_utterance(self, utterance: UtteranceEnded) -> None:
        item_id, samples = await self.said.make_item(utterance)
        self.ahead.give_up(Fate.CHANGED)
        self.asked.keep(item_id, samples)
        self.answering.release()

"""Any sequence of client events yields only the sequences that server/wire/orders.py documents."""

import asyncio
import base64
import json
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from audio.pcm import Samples
from audio.resample import resample
from audio.vad import VadModel
from models.llm import LlmFault, TextDelta
from models.tts import Speech
from rag.ingest import ingest
from rag.store import Store
from server.answering.configured import build_answers
from server.engines.knowledge import load_knowledge
from server.engines.room import EngineRoom, Engines
from server.governor import Governor, offered_by
from server.pipeline import Stages
from server.session import Session
from server.settings import Settings
from server.state import State
from server.surroundings import Surroundings
from server.watching.metrics import Metrics
from server.wire.dialect import OWN, STOCK_PATH, Dialect
from server.wire.outbox import Outbox
from tests.fake_chat import FakeChat, Played, fault, text
from tests.fakes import FakeEmbedder, FakeMessages, FakeRecognizer, FakeSynthesizer
from tests.orders import Told, check_orders
from tests.sdk_types import check_types
from tests.server.conftest import PRICES, MakeStand, frames, language_model
from tests.server.test_session import ask

Result = TypeVar("Result")
SETTLED_S = 10
CITES_LATER = text("It costs ", "twelve. [P1] It is so. [P1] Children ", "travel free. [P2] Yes. ")
CITES_NOTHING = text("It costs twelve euros. ", "Children travel free.")
REFUSED: Played = [fault(LlmFault.REFUSED)]
BREAKS_OFF: Played = [TextDelta("It costs twelve euros. [P1] The "), fault(LlmFault.CUT)]
STOCK = Dialect(STOCK_PATH, tells_ours=False)


def input_settings(**turn_detection: Any) -> dict[str, Any]:
    detection = turn_detection or None
    return {
        "type": "session.update",
        "session": {"audio": {"input": {"turn_detection": detection}}},
    }


def item_of(**item: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": item}


EVENTS: list[dict[str, Any]] = [
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {"type": "response.cancel"},
    {"type": "response.create"},
    {"type": "session.update", "session": {}},
    input_settings(),
    input_settings(type="server_vad"),
    input_settings(type="semantic_vad"),
    {"type": "nonsense"},
    {"type": "conversation.item.truncate"},
    {"type": "conversation.item.retrieve", "item_id": "of_nobody"},
    {"type": "input_audio_buffer.append", "audio": "AAAAAAAA"},
    item_of(type="message", role="assistant", content=[{"type": "output_text", "text": "Hello."}]),
    item_of(type="function_call", name="look_up", call_id="call_1", arguments="{}"),
    item_of(type="function_call_output", call_id="call_1", output="sunny"),
]
STOCK_EVENTS: list[dict[str, Any]] = [
    input_settings(type="server_vad", interrupt_response=False),
    input_settings(type="server_vad", create_response=False),
    {"type": "response.create", "response": {"conversation": "none"}},
    {"type": "response.create", "response": {"output_modalities": ["text"]}},
    {"type": "output_audio_buffer.clear"},
    {
        "type": "session.update",
        "session": {"audio": {"input": {"transcription": {"model": "whisper-1"}}}},
    },
]


class QuickSynthesizer(FakeSynthesizer):
    """Speaks 1 ms a character, so that an answer is over soon."""

    def synthesise(self, sentence: str, speed: float = 1.0) -> Speech:
        made = super().synthesise(sentence, speed)
        return replace(made, samples=made.samples[::10])


@dataclass(slots=True)
class OrderedWire:
    """Keeps all that is sent in order; lets others run `turns` times before each is taken."""

    turns: int = 0
    sent: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, message: str | bytes) -> None:
        for _ in range(self.turns):
            await asyncio.sleep(0)
        if isinstance(message, str):
            self.sent.append(json.loads(message))


@dataclass(slots=True)
class World:
    """What is made once: it costs more than a session does."""

    vad_model: VadModel
    store: Store
    spoken: list[bytes]
    """At 16 kHz."""
    at_24_khz: list[bytes]


class Conversation(RuleBasedStateMachine):
    """A client that does anything, to one session on an event loop that the rules drive."""

    world: World
    dialect: Dialect = OWN

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.wire, self.messages = OrderedWire(), FakeMessages()
        self.told = Told(self.dialect.is_stock)
        self.recognizer, self.synthesizer = FakeRecognizer(), QuickSynthesizer()
        self.chat = FakeChat(usual=CITES_LATER)
        self.checked = 0

    @initialize(turns=st.integers(0, 3), has_model=st.booleans())
    def connect(self, turns: int, has_model: bool) -> None:
        self.wire.turns = turns
        self.do(self.open([self.chat] if has_model else []))

    async def open(self, chats: list[FakeChat]) -> None:
        options = replace(Settings(), refusal_confidence=0.0, lead_ms=5000, ahead_maximum_s=600)
        metrics, embedder = Metrics(), FakeEmbedder()
        knowledge = load_knowledge(self.world.store, embedder, 0.0)
        model = language_model(options, metrics, chats)
        self.answers = build_answers(options, model, metrics, None)
        engines = Engines(
            self.recognizer,
            self.synthesizer,
            embedder,
            knowledge,
            chat=model,
            answers=self.answers,
        )
        self.stages = Stages.build(options, metrics)
        governor = Governor(self.stages.cores, metrics, offered=offered_by(engines))
        self.room = EngineRoom(engines)
        shared = Surroundings(
            options, self.stages, self.room, self.world.vad_model, metrics, governor, "0"
        )
        outbox = Outbox(self.wire, "test", options.send_timeout_s, self.dialect)
        self.session = Session("test", outbox, shared)
        self.running = self.loop.create_task(self.session.run(self.messages))

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(asyncio.wait_for(work, 3 * SETTLED_S))

    async def read(self) -> None:
        """Until the session has done with all that was sent."""
        while not self.messages.is_read and not self.running.done():
            await asyncio.sleep(0)

    def names(self, subject: str) -> list[str]:
        return [name for kind, name in self.told.last if kind == subject]

    @property
    def spoken(self) -> list[bytes]:
        return self.world.at_24_khz if self.dialect.is_stock else self.world.spoken

    def say(self, sound: list[bytes]) -> None:
        """As the dialect carries it."""
        if not self.dialect.is_stock:
            self.messages.send(*sound)
            return
        coded = base64.b64encode(b"".join(sound)).decode()
        self.messages.send({"type": "input_audio_buffer.append", "audio": coded})

    @rule(begin=st.integers(0, 150), count=st.integers(1, 120))
    def speak(self, begin: int, count: int) -> None:
        self.say(self.spoken[begin : begin + count])

    @rule()
    def ask_aloud(self) -> None:
        self.say(self.spoken)

    @rule()
    def be_silent(self) -> None:
        self.say(list(frames(np.zeros(24_000, np.float32))))

    @rule(event=st.sampled_from(EVENTS))
    def send(self, event: dict[str, Any]) -> None:
        self.messages.send(event)

    @precondition(lambda self: self.dialect.is_stock)
    @rule(event=st.sampled_from(STOCK_EVENTS))
    def send_stock(self, event: dict[str, Any]) -> None:
        self.messages.send(event)

    @precondition(lambda self: self.dialect.is_stock)
    @rule()
    def delete(self) -> None:
        for item in self.names("item")[-1:]:
            self.messages.send({"type": "conversation.item.delete", "item_id": item})

    @rule(text=st.sampled_from(["what does a ticket cost", "where is the car park", "hello"]))
    def ask_in_writing(self, text: str) -> None:
        self.messages.send(*ask(text))

    @rule(milliseconds=st.integers(0, 300))
    def truncate(self, milliseconds: int) -> None:
        for answer in self.names("response")[-1:]:
            self.messages.send(
                {
                    "type": "conversation.item.truncate",
                    "item_id": f"item_{answer}",
                    "audio_end_ms": milliseconds,
                }
            )

    @rule(words=st.sampled_from(["", "uh-huh", "what does it cost", "what does a ticket cost"]))
    def mean(self, words: str) -> None:
        self.recognizer.text = words

    @rule(part=st.sampled_from(["recognizer", "synthesizer"]), is_held=st.booleans())
    def hold(self, part: str, is_held: bool) -> None:
        go = getattr(self, part).go
        go.clear() if is_held else go.set()

    @rule(part=st.sampled_from(["recognizer", "synthesizer"]), is_broken=st.booleans())
    def break_down(self, part: str, is_broken: bool) -> None:
        getattr(self, part).error = RuntimeError("broken") if is_broken else None

    @rule(played=st.sampled_from([CITES_NOTHING, BREAKS_OFF, REFUSED, text("NOT_FOUND")]))
    def play(self, played: Played) -> None:
        self.chat.plays.append(played)

    @rule(count=st.sampled_from([1, 2, 3, 5, 8, 13, 21, 200]))
    def pass_turns(self, count: int) -> None:
        async def pass_them() -> None:
            for _ in range(count):
                await asyncio.sleep(0)

        self.do(pass_them())

    @rule()
    def settle(self) -> None:
        self.do(self.read())

    @rule()
    def wait_a_little(self) -> None:
        self.do(asyncio.sleep(0.01))

    @rule()
    def change_engines(self) -> None:
        self.room.change(notes=("changed",))

    @invariant()
    def events_are_in_order(self) -> None:
        fresh = self.wire.sent[self.checked :]
        self.checked += len(fresh)
        for event in fresh:
            self.told.take(event)
        if self.dialect.is_stock:
            check_types(fresh)

    def teardown(self) -> None:
        try:
            if hasattr(self, "session"):
                self.do(self.close())
                self.events_are_in_order()
                self.told.check_ended()
        finally:
            for stage in self.stages.all():
                stage.close()
                assert stage.join(10)
            self.loop.close()

    async def close(self) -> None:
        """Let every turn end by itself, then leave."""
        self.recognizer.go.set()
        self.synthesizer.go.set()
        await self.read()
        self.messages.send({"type": "input_audio_buffer.clear"})
        await self.read()
        try:
            async with asyncio.timeout(SETTLED_S):
                while self.session.state not in (State.IDLE, State.HEARING):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{self.session.state} for ever") from None
        self.messages.end()
        await self.running
        if self.answers is not None:
            await self.answers.stop()


@pytest.fixture(scope="module")
def world(vad_model: VadModel, spoken: Samples) -> World:
    folder = Path(tempfile.mkdtemp())
    (folder / "prices.md").write_text(PRICES)
    embedder = FakeEmbedder()
    store = Store(folder / "store.sqlite3", embedder.fingerprint, embedder.dimension)
    ingest([folder / "prices.md"], store, embedder)
    at_24_khz = resample(spoken, 16_000, 24_000)
    return World(vad_model, store, list(frames(spoken)), list(frames(at_24_khz)))


@pytest.mark.parametrize("dialect", [OWN, STOCK], ids=["ws", "realtime"])
def test_any_events_yield_only_documented_sequences(
    world: World, dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Speech, typing, cuts, failures and slow engines at any moment, over a wire that yields."""
    monkeypatch.setattr("server.pipeline.pause_after_ms", lambda sentence: 0)
    Conversation.world, Conversation.dialect = world, dialect
    run_state_machine_as_test(
        Conversation,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            phases=[Phase.generate],
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("modality", ["audio", "text"])
@pytest.mark.parametrize("played", [CITES_LATER, CITES_NOTHING, BREAKS_OFF])
async def test_sources_that_are_known_later_are_told_anew(
    make_stand: MakeStand, played: Played, modality: str
) -> None:
    """While the model speaks, behind all of it, and when the documents take over: all in order."""
    stand = make_stand(chats=[FakeChat(usual=played)])
    stand.messages.send({"type": "session.update", "session": {"output_modalities": [modality]}})
    stand.messages.send(*ask("what does a day ticket cost"))
    await stand.wire.wait_for("parley.turn")
    assert stand.wire.types().count("parley.sources") == 2
    await stand.end()
    check_orders(stand.wire.events, is_stock=False)


CREATED = {"type": "session.created"}
BEGUN = {"type": "response.created", "response": {"id": "a"}}
SPEECH = {"type": "input_audio_buffer.speech_started", "item_id": "i"}


@pytest.mark.parametrize(
    "events",
    [
        [BEGUN],
        [CREATED, CREATED],
        [CREATED, BEGUN, BEGUN],
        [CREATED, BEGUN, {"type": "response.created", "response": {"id": "b"}}],
        [CREATED, BEGUN, {"type": "response.content_part.done", "response_id": "a"}],
        [CREATED, BEGUN, {"type": "conversation.item.done", "item": {"id": "item_a"}}],
        [CREATED, SPEECH, SPEECH],
        [CREATED, SPEECH, {"type": "conversation.item.added", "item": {"id": "i"}}],
    ],
)
def test_an_undocumented_sequence_is_found(events: list[dict[str, Any]]) -> None:
    """The judge itself: everything before the last event is in order, that is not."""
    told = Told(is_stock=True)
    for event in events[:-1]:
        told.take(event)
    with pytest.raises(AssertionError):
        told.take(events[-1])


@pytest.mark.parametrize(
    ("dialect", "told"), [(OWN, ["parley.turn"]), (STOCK, ["response.created", "response.done"])]
)
async def test_an_answer_that_is_cancelled_at_once_is_told(
    make_stand: MakeStand, dialect: Dialect, told: list[str]
) -> None:
    """Before its first step: a client that asked hears of it, and how it ended."""
    stand = make_stand(dialect=dialect)
    question, response = ask("what does a ticket cost")
    stand.messages.send(question, response, {"type": "response.cancel"})
    await stand.wire.wait_for(told[-1])
    assert [kind for kind in stand.wire.types() if kind in told] == told
    await stand.end()


async def test_speech_that_other_ears_forget_is_told_as_cleared(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """A change of the turn detection in mid-speech: the same item may then be spoken anew."""
    stand = make_stand()
    stand.say(spoken[:24_000])
    await stand.wire.wait_for("input_audio_buffer.speech_started")
    stand.messages.send(input_settings(type="server_vad", threshold=0.7))
    await stand.wire.wait_for("session.updated")
    assert stand.wire.types()[-2:] == ["input_audio_buffer.cleared", "session.updated"]
    await stand.end()


async def test_an_answer_is_not_held_by_speech_that_other_ears_forget(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """It goes on to its end: nobody would ever judge what was said."""
    stand = make_stand()
    stand.messages.send(*ask("what does a ticket cost"))
    await stand.wire.wait_for("response.output_audio_transcript.delta")
    while not stand.wire.audio_bytes:
        await asyncio.sleep(0.01)
    stand.say(spoken[:24_000])
    await stand.wire.wait_for("input_audio_buffer.speech_started")
    assert stand.session.state is State.HELD
    stand.messages.send(input_settings(type="server_vad", threshold=0.7))
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "answered"
    assert "input_audio_buffer.cleared" in stand.wire.types()
    await stand.end()


async def test_a_typed_question_clears_speech_that_was_not_judged_yet(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """What was said into the answer before it comes to nothing, and the client is told so."""
    stand = make_stand()
    stand.messages.send(*ask("what does a ticket cost"))
    while not stand.wire.audio_bytes:
        await asyncio.sleep(0.01)
    stand.recognizer.go.clear()
    stand.say(spoken)
    while not stand.recognizer.started.is_set() or not stand.messages.is_read:
        await asyncio.sleep(0.01)
    assert stand.session.state is State.HELD
    stand.messages.send(*ask("where is the car park"))
    await stand.wire.wait_for("input_audio_buffer.cleared")
    await stand.wire.wait_for("parley.turn", 2)
    stand.recognizer.go.set()
    await stand.end()

"""One Wyoming connection and the port: wrong input, leaving clients, bounds, and the stop."""

import asyncio

import pytest
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event, Eventable
from wyoming.info import Describe, SelectProgram
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop

from audio.pcm import Samples
from models.llm import ChatDeadlines
from models.llm_client import LlmClient
from server.errors import AtCapacity
from tests.llm_server import Play, llm_server, says
from tests.server.conftest import MakeStand, Stand
from tests.server.wyoming.calling import called, open_board, recording

START = AudioStart(16_000, 2, 1)


async def until_quiet(stand: Stand) -> None:
    """Wait until no permit is taken."""
    async with asyncio.timeout(10):
        while any(stage.permits.in_use for stage in stand.shared.stages.all()):
            await asyncio.sleep(0.01)


def counted(stand: Stand, request: str, end: str) -> float | None:
    return stand.shared.metrics.registry.get_sample_value(
        "parley_wyoming_requests_total", {"request": request, "end": end}
    )


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([AudioChunk(16_000, 2, 1, bytes(4))], "wrong_order"),
        ([AudioStop()], "wrong_order"),
        ([START, START], "wrong_order"),
        ([START, Transcript("a question in between")], "wrong_order"),
        ([START, AudioChunk(8000, 2, 1, bytes(4))], "invalid_value"),
        ([START, AudioChunk(16_000, 2, 1, bytes(3))], "bad_frame"),
        ([AudioStart(1, 2, 1)], "invalid_value"),
        ([SynthesizeChunk("no start")], "wrong_order"),
        ([SynthesizeStop()], "wrong_order"),
        ([SynthesizeStart(), SynthesizeStart()], "wrong_order"),
        ([SynthesizeStart(), *[SynthesizeChunk("word " * 1000)] * 3], "too_large"),
        ([Synthesize("<speak/>", text_format="ssml")], "invalid_value"),
    ],
)
async def test_what_is_wrong_is_told_and_ends_the_call(
    make_stand: MakeStand, events: list[Eventable], code: str
) -> None:
    """An `error` event with its code, then the end; the next call is served."""
    stand = make_stand()
    async with open_board(stand.shared) as board:
        async with called(board.port) as line:
            await line.say(*events)
            assert (await line.error()).code == code
        async with called(board.port) as line:
            await line.say(Describe())
            await line.heard_until("info")
    await stand.end()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: parley\r\n\r\n", "invalid_json"),
        (b'{"type": "audio-chunk", "payload_length": 1000000000}\n' + bytes(100), "too_large"),
        (b"x" * 200_000, "too_large"),
    ],
)
async def test_what_is_no_event_is_told_behind_what_came_before(
    make_stand: MakeStand, raw: bytes, code: str
) -> None:
    """Garbage, a giant payload and an endless line: the answer before them is still given."""
    stand = make_stand()
    async with open_board(stand.shared) as board, called(board.port) as line:
        await line.say(Describe())
        await line.write(raw)
        assert [event.type for event in await line.heard_until("error")] == ["info", "error"]
    async with open_board(stand.shared) as board, called(board.port) as line:
        await line.write(raw)
        assert (await line.error()).code == code
    await stand.end()


async def test_an_error_reaches_a_client_that_is_still_sending(make_stand: MakeStand) -> None:
    """What it sends behind the mistake is read and dropped, or its system would drop the error."""
    stand = make_stand()
    async with open_board(stand.shared) as board, called(board.port) as line:
        await line.write(b"garbage\n" + bytes(8 << 20))
        assert (await line.error()).code == "invalid_json"
    await stand.end()


async def test_a_follow_up_leans_on_its_conversation(make_stand: MakeStand) -> None:
    """Over connections, by the id that Home Assistant sends; not on that of somebody else."""
    stand = make_stand()
    found: list[str] = []
    async with open_board(stand.shared) as board:
        for text, name in (
            ("what does the car park cost", "kitchen"),
            ("and when does it close", "kitchen"),
            ("and when does it close", "study"),
        ):
            async with called(board.port) as line:
                await line.say(Transcript(text, context={"conversation_id": name}))
                events = await line.heard_until("handled", "not-handled")
                found.append(events[-1].data["text"])
    assert "four euros" in found[0]
    assert "ten in the evening" in found[1]
    kept = board._conversations
    assert len(kept.of("kitchen").window().exchanges) == 2
    assert kept.of("kitchen").window().exchanges[1].root == "what does the car park cost"
    assert kept.of("study").window().exchanges[0].root == "and when does it close"
    assert not kept.of("").window().exchanges
    await stand.end()


async def test_events_for_others_are_dropped(make_stand: MakeStand) -> None:
    """As the protocol wants it: a program is chosen by a client that knows several."""
    stand = make_stand()
    async with open_board(stand.shared) as board, called(board.port) as line:
        await line.say(SelectProgram("parley"))
        await line.write_event(Event("run-satellite"))
        await line.say(Describe())
        assert [event.type for event in await line.heard_until("info")] == ["info"]
    await stand.end()


@pytest.mark.parametrize("moment", ["hearing", "recognising", "speaking"])
async def test_a_client_that_leaves_midway_leaves_nothing_behind(
    make_stand: MakeStand, spoken: Samples, moment: str
) -> None:
    """What is being done is dropped, the permit when its thread ends; the next call is served."""
    stand = make_stand()
    async with open_board(stand.shared) as board:
        async with called(board.port) as line:
            if moment == "speaking":
                stand.synthesizer.go.clear()
                await line.say(Synthesize("One. Two. Three."))
            else:
                stand.recognizer.go.clear()
                events = recording(spoken)
                await line.say(*(events[:20] if moment == "hearing" else events))
            async with asyncio.timeout(10):
                while not board.busy or (
                    moment != "hearing"
                    and not any(stage.permits.in_use for stage in stand.shared.stages.all())
                ):
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(10):
            while board.calls:
                await asyncio.sleep(0.01)
        work = "synthesize" if moment == "speaking" else "transcribe"
        assert counted(stand, work, "gone") == 1
        stand.synthesizer.go.set()
        stand.recognizer.go.set()
        await until_quiet(stand)
        assert len(stand.synthesizer.sentences) <= 1
        async with called(board.port) as line:
            await line.say(*recording(spoken))
            assert await line.transcript() == "what does it cost"
    await stand.end()


async def test_a_stage_that_fails_is_told(make_stand: MakeStand, spoken: Samples) -> None:
    """By its code, without what the engine said; the next call is served."""
    stand = make_stand()
    stand.recognizer.error = RuntimeError("secret")
    async with open_board(stand.shared) as board:
        async with called(board.port) as line:
            await line.say(*recording(spoken))
            error = await line.error()
            assert error.code == "stage_failed"
            assert "secret" not in error.text
        assert counted(stand, "transcribe", "failed") == 1
        stand.recognizer.error = None
        async with called(board.port) as line:
            await line.say(*recording(spoken))
            assert await line.transcript() == "what does it cost"
    await stand.end()


async def test_an_idle_call_is_ended(make_stand: MakeStand) -> None:
    """Slow senders too: a whole event must come within the time."""
    stand = make_stand(wyoming_idle_timeout_s=0.2)
    async with open_board(stand.shared) as board:
        async with called(board.port) as line:
            assert (await line.error()).code == "idle"
        async with called(board.port) as line:
            await line.write(b'{"type": "desc')
            assert (await line.error()).code == "idle"
    await stand.end()


async def test_connections_are_counted(make_stand: MakeStand) -> None:
    """One too many is told and ended; a place that is freed is given again."""
    stand = make_stand(wyoming_connections_maximum=1)
    async with open_board(stand.shared) as board:
        async with called(board.port) as first:
            await first.say(Describe())
            await first.heard_until("info")
            async with called(board.port) as second:
                assert (await second.error()).code == "at_capacity"
        async with asyncio.timeout(10):
            while board.calls:
                await asyncio.sleep(0.01)
        async with called(board.port) as line:
            await line.say(Describe())
            await line.heard_until("info")
    await stand.end()


async def test_a_spoken_question_is_let_in_as_a_session_is(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """Refused at its beginning; an answer and its speech, which follow one, are not."""

    def admit() -> None:
        raise AtCapacity("All places are taken.", 2000)

    stand = make_stand()
    async with open_board(stand.shared, admit) as board:
        async with called(board.port) as line:
            await line.say(*recording(spoken))
            assert (await line.error()).code == "at_capacity"
        assert counted(stand, "transcribe", "refused") == 1
        async with called(board.port) as line:
            await line.say(Transcript("what does a day ticket cost"))
            await line.heard_until("handled-stop")
            await line.say(Synthesize("Twelve euros."))
            await line.heard_until("audio-stop")
    await stand.end()


async def test_a_client_that_does_not_read_is_cut_off(make_stand: MakeStand) -> None:
    """Its speech is made no further than the buffers hold, and it holds no permit."""
    stand = make_stand(send_timeout_s=0.3)
    async with open_board(stand.shared) as board, called(board.port) as line:
        assert line._writer is not None
        line._writer.transport.pause_reading()  # type: ignore[attr-defined]
        await line.say(*[Synthesize("All work and no play makes Jack a dull boy. " * 200)] * 40)
        async with asyncio.timeout(20):
            while board.calls:
                await asyncio.sleep(0.01)
        assert counted(stand, "synthesize", "failed") == 1
        await until_quiet(stand)
    await stand.end()


async def test_the_stop_waits_for_what_is_being_done(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """The running request is finished, another one refused, and then every call is ended."""
    stand = make_stand()
    stand.recognizer.go.clear()
    async with open_board(stand.shared) as board, called(board.port) as line:
        await line.say(*recording(spoken))
        async with asyncio.timeout(10):
            while not stand.recognizer.started.is_set():
                await asyncio.sleep(0.01)
        draining = asyncio.create_task(board.drain(10))
        async with called(board.port) as late:
            await late.say(START)
            assert (await late.error()).code == "at_capacity"
        assert not draining.done()
        stand.recognizer.go.set()
        assert await line.transcript() == "what does it cost"
        async with asyncio.timeout(10):
            await draining
        await board.hang_up()
        assert board.calls == 0
        assert await line.read_event() is None
    await stand.end()


async def test_a_call_may_ask_for_one_thing_after_another(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """Sent all at once: answered in order. An empty text is a start and a stop."""
    stand = make_stand()
    async with open_board(stand.shared) as board, called(board.port) as line:
        await line.say(*recording(spoken), Synthesize("  "), Transcript(" "), Describe())
        kinds = [event.type for event in await line.heard_until("info")]
        assert kinds == ["transcript", "audio-start", "audio-stop", "not-handled", "info"]
        await line.say(SynthesizeStart(), Synthesize("Only here."), SynthesizeStop())
        kinds = [event.type for event in await line.heard_until("synthesize-stopped")]
        assert kinds[0] == "audio-start"
        assert "audio-chunk" in kinds
    await stand.end()


async def test_a_language_model_answers_while_it_speaks(make_stand: MakeStand) -> None:
    """In its own words, piece by piece; the documents are quoted when it fails."""
    deadlines = ChatDeadlines(30, 30, 30, 60)
    with llm_server() as server:
        server.usual = says("The model says twelve ", "euros. Children are free. [P1]")
        stand = make_stand(chats=[LlmClient(server.base_url, "test-model", "key", deadlines)])
        async with open_board(stand.shared) as board, called(board.port) as line:
            await line.say(Transcript("what does a day ticket cost"))
            events = await line.heard_until("handled-stop")
            assert events[-2].data["text"] == "The model says twelve euros. Children are free."
            assert [each.type for each in events].count("handled-chunk") == 2
            server.usual = Play(status=401)
            await line.say(Transcript("where is the car park"))
            events = await line.heard_until("handled-stop")
            assert events[-2].data["text"].startswith("According to Prices")
        await stand.end()

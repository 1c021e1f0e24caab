"""Work ahead of the endpoint: used, dropped, counted, and never changing what is answered."""

import asyncio

import numpy as np
import pytest

from audio.pcm import Samples
from server.hearing.endpointing import Heard
from tests.server.conftest import MakeStand, Stand

PAUSE_SAMPLES = 16_000 * 3 // 10


def speech_only(spoken: Samples) -> Samples:
    """The recording up to the end of its words."""
    loud = np.flatnonzero(np.abs(spoken) > 0.02)
    return spoken[: int(loud[-1])]


def fates(stand: Stand) -> dict[str, int]:
    counted = stand.shared.metrics.summary()["speculations"]
    assert isinstance(counted, dict)
    return counted


async def heard(stand: Stand, count: int = 1) -> None:
    async with asyncio.timeout(5):
        while len(stand.recognizer.heard) < count:
            await asyncio.sleep(0.001)


async def taken_in(stand: Stand) -> None:
    """Until everything that was said has been heard."""
    async with asyncio.timeout(5):
        while not stand.messages.is_read:
            await asyncio.sleep(0.001)


async def test_the_answer_is_made_before_the_endpoint_and_used(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """Recognised once, at the pause; the turn says so and counts its stages as first found."""
    stand = make_stand(partials=False)
    stand.recognizer.text = "what does a ticket cost"
    stand.say(np.concatenate([speech_only(spoken), np.zeros(PAUSE_SAMPLES, np.float32)]))
    await heard(stand)
    assert "parley.turn" not in stand.wire.types()
    stand.say(np.zeros(16_000, np.float32))
    report = await stand.wire.wait_for("parley.turn")
    assert report["speculation"] == "used"
    assert report["cache"] == {"stt": "miss", "search": "miss", "answer": "miss", "tts": "miss"}
    assert len(stand.recognizer.heard) == 1
    assert fates(stand) == {"used": 1}
    assert stand.shared.stages.stt.cache.counts.hits == 0
    await stand.end()


async def test_speech_that_goes_on_throws_it_away(make_stand: MakeStand, spoken: Samples) -> None:
    """A pause and more words: one answer, to all of them."""
    stand = make_stand()
    stand.recognizer.text = "the price of"
    words = speech_only(spoken)
    stand.say(np.concatenate([words, np.zeros(PAUSE_SAMPLES, np.float32)]))
    await heard(stand)
    stand.say(np.concatenate([words, np.zeros(32_000, np.float32)]))
    report = await stand.wire.wait_for("parley.turn")
    assert stand.wire.types().count("input_audio_buffer.committed") == 1
    assert stand.recognizer.heard[-1] > 1.8 * stand.recognizer.heard[0]
    assert report["speculation"] == "used"
    assert fates(stand)["resumed"] >= 1
    await stand.end()


@pytest.mark.parametrize(
    ("text", "reason"),
    [("what does a ticket cost", "question"), ("the price of the", "open_clause")],
)
async def test_the_wait_depends_on_the_words_and_is_explained(
    make_stand: MakeStand, spoken: Samples, text: str, reason: str
) -> None:
    """`endpoint` in parley.turn tells the wait and why."""
    stand = make_stand()
    stand.recognizer.text = text
    stand.say(np.concatenate([speech_only(spoken), np.zeros(PAUSE_SAMPLES, np.float32)]))
    await heard(stand)
    await asyncio.sleep(0.05)
    stand.say(np.zeros(32_000, np.float32))
    endpoint = (await stand.wire.wait_for("parley.turn"))["endpoint"]
    assert reason in endpoint["reason"]
    assert (endpoint["wait_ms"] == 900) == (reason == "open_clause")
    await stand.end()


async def test_a_client_that_sets_its_silence_has_it(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """server_vad with silence_duration_ms: the words do not matter."""
    stand = make_stand()
    detection = {"type": "server_vad", "silence_duration_ms": 600}
    audio = {"input": {"turn_detection": detection}}
    stand.messages.send({"type": "session.update", "session": {"audio": audio}})
    stand.recognizer.text = "the price of the"
    stand.say(spoken)
    endpoint = (await stand.wire.wait_for("parley.turn"))["endpoint"]
    assert endpoint == {"wait_ms": 600, "reason": "fixed"}
    await stand.end()


async def test_switched_off_it_answers_the_same(make_stand: MakeStand, spoken: Samples) -> None:
    """PARLEY_SPECULATION=0, and no cache: one recognition, after the endpoint."""
    for changes in ({"speculation": False}, {"cache_enabled": False}):
        stand = make_stand(partials=False, **changes)
        stand.say(spoken)
        report = await stand.wire.wait_for("parley.turn")
        assert (report["outcome"], report["speculation"]) == ("answered", "none")
        assert len(stand.recognizer.heard) == 1
        assert fates(stand) == {}
        await stand.end()


async def test_it_is_skipped_while_many_wait_for_the_recogniser(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """Under load guesses give way to questions that are asked."""
    stand = make_stand()
    permits = stand.shared.stages.stt.permits
    permits.waiting += 2
    stand.say(spoken)
    report = await stand.wire.wait_for("input_audio_buffer.committed")
    permits.waiting -= 2
    assert report
    assert fates(stand) == {"skipped": 1}
    await stand.end()


async def test_a_busy_recogniser_is_asked_at_the_second_report_of_a_pause(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """96 ms of silence are worth a guess on an idle machine only, 192 ms while few wait."""
    stand = make_stand(partials=False)
    permits = stand.shared.stages.stt.permits
    words = speech_only(spoken)
    permits.in_use += 1
    stand.say(np.concatenate([words, np.zeros(16_000 * 15 // 100, np.float32)]))
    await stand.wire.wait_for("input_audio_buffer.speech_started")
    await taken_in(stand)
    permits.in_use -= 1
    assert stand.recognizer.heard == []
    stand.say(np.zeros(16_000 * 15 // 100, np.float32))
    await heard(stand)
    stand.say(np.zeros(32_000, np.float32))
    assert (await stand.wire.wait_for("parley.turn"))["speculation"] == "used"
    assert len(stand.recognizer.heard) == 1
    await stand.end()


async def test_the_words_of_an_earlier_pause_do_not_shorten_the_next(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """A pause whose words are not asked for, because others wait, is waited out by the setting."""
    stand = make_stand(partials=False)
    stand.recognizer.text = "what does a ticket cost"
    words, permits = speech_only(spoken), stand.shared.stages.stt.permits
    stand.say(np.concatenate([words, np.zeros(PAUSE_SAMPLES // 2, np.float32)]))
    await stand.wire.wait_for("input_audio_buffer.speech_started")
    await taken_in(stand)
    async with asyncio.timeout(5):
        while stand.session._ahead.wait.reason in ("unheard", "fixed"):
            await asyncio.sleep(0.001)
    permits.waiting += 2
    at_once = words[int(np.flatnonzero(np.abs(words) > 0.02)[0]) :]
    stand.say(np.concatenate([at_once, np.zeros(32_000, np.float32)]))
    await stand.wire.wait_for("input_audio_buffer.committed")
    permits.waiting -= 2
    endpoint = (await stand.wire.wait_for("parley.turn"))["endpoint"]
    assert endpoint == {"wait_ms": 500, "reason": "fixed"}
    await stand.end()


async def test_a_failing_stage_is_told_by_the_turn_alone(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """A guess that fails is silent; the turn that meets the same failure names it."""
    stand = make_stand()
    stand.recognizer.error = RuntimeError("no")
    stand.say(spoken)
    report = await stand.wire.wait_for("parley.turn")
    assert report["outcome"] == "failed"
    assert stand.wire.types().count("error") == 1
    await stand.end()


@pytest.mark.parametrize("is_question", [True, False])
async def test_how_sure_the_answer_is_shortens_the_wait_of_a_question_into_an_answer_too(
    make_stand: MakeStand, spoken: Samples, is_question: bool
) -> None:
    """Speech into an answer is searched for; what would answer it is made for a question only."""
    stand = make_stand()
    stand.recognizer.text = "what does a ticket cost"
    told: list[Heard] = []
    guess = stand.session._maker.speculation(spoken, told.append, is_question=is_question)
    await guess.run()
    assert told[0].confidence > 0
    assert (set(guess.cache) == {"stt", "search"}) is not is_question
    await stand.end()

"""Two readings of one utterance: the documents choose, and what they chose is what is shown."""

import pytest

from audio.pcm import Samples
from models.stt import Transcript
from server.deadline import Deadline
from server.errors import StageError
from server.pipeline import Pipeline
from tests.server.conftest import MakeStand, Stand

WRONG, RIGHT = "what does a thick it lost", "what does a ticket cost"
COMPLETED = "conversation.item.input_audio_transcription.completed"


def hear_both(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    def recognise(speech: Samples) -> Transcript:
        return Transcript(WRONG, "fake", 0.5, len(speech) // 16, other=RIGHT)

    monkeypatch.setattr(stand.recognizer, "recognise", recognise)


@pytest.mark.parametrize("speculation", [True, False])
async def test_the_better_reading_is_shown_and_answered(
    make_stand: MakeStand, spoken: Samples, monkeypatch: pytest.MonkeyPatch, speculation: bool
) -> None:
    """The transcript event, the report and the answer agree, with and without work ahead."""
    stand = make_stand(speculation=speculation)
    hear_both(stand, monkeypatch)
    stand.say(spoken)
    report = await stand.wire.wait_for("parley.turn")
    assert stand.wire.last(COMPLETED)["transcript"] == RIGHT == report["transcript"]
    assert "twelve euros" in report["answer"]
    assert stand.wire.types().count(COMPLETED) == 1
    await stand.end()


async def test_the_first_reading_is_shown_when_the_search_fails(
    make_stand: MakeStand, spoken: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was heard is told before the error."""
    stand = make_stand(speculation=False)
    hear_both(stand, monkeypatch)

    async def search(self: Pipeline, question: str, deadline: Deadline, other: str = "") -> None:
        raise StageError("search", "it broke")

    monkeypatch.setattr(Pipeline, "search", search)
    stand.say(spoken)
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "failed"
    types = stand.wire.types()
    assert types.index(COMPLETED) < types.index("error")
    assert stand.wire.last(COMPLETED)["transcript"] == WRONG
    await stand.end()


async def test_readings_are_cached_apart(make_stand: MakeStand) -> None:
    """A question with a second reading is another search than the question alone."""
    stand = make_stand()
    engines = stand.shared.engine_room.current
    pipeline = Pipeline(stand.shared.stages, engines, 3)
    alone = await pipeline.search(WRONG, Deadline.after(5))
    with_other = await pipeline.search(WRONG, Deadline.after(5), RIGHT)
    again = await pipeline.search(WRONG, Deadline.after(5), RIGHT)
    questions = [one.value.retrieval.question for one in (alone, with_other, again)]
    assert questions == [WRONG, RIGHT, RIGHT]
    assert [with_other.is_hit, again.is_hit] == [False, True]
    await stand.end()

"""Each kind of mistake is counted once a question, and scripted words prove nothing."""

import pytest

from benchmarks.accuracy import (
    HeardQuestion,
    accuracy_of,
    degradation_of,
    is_false_barge_in,
    is_scripted,
)

GOOD = HeardQuestion(3.0, (3.4,), 0, "where is the harbour", "where is the harbor")
CUT_IN_TWO = HeardQuestion(3.0, (1.5, 3.4), 0, "where is", "where is the harbour")
CUT_OFF = HeardQuestion(3.0, (1.5,), 1, "where", "where is it")
UNHEARD = HeardQuestion(3.0, (), 0, "", "where is it")


def test_each_mistake_is_a_share_of_all_questions() -> None:
    told = accuracy_of([GOOD, CUT_IN_TWO, CUT_OFF, UNHEARD], is_scripted=False)
    assert (told["premature_percent"], told["missed_percent"]) == (50.0, 50.0)
    assert (told["false_barge_ins"], told["questions"]) == (1, 4)


def test_words_of_a_question_that_was_missed_are_errors() -> None:
    """0 of 4, 2 of 4, 2 of 3 and 3 of 3."""
    told = accuracy_of([GOOD, CUT_IN_TWO, CUT_OFF, UNHEARD], is_scripted=False)
    assert told["wer_percent"] == 50.0
    assert told["wer"] == "measured"


def test_scripted_and_unknown_words_have_no_rate() -> None:
    """A rate of 0 would look like a perfect recogniser."""
    unknown = HeardQuestion(3.0, (3.4,), 0, "where is it", None)
    assert accuracy_of([GOOD], is_scripted=True)["wer_percent"] is None
    assert accuracy_of([GOOD], is_scripted=True)["wer"] == "scripted"
    assert accuracy_of([unknown], is_scripted=False)["wer_percent"] is None
    assert is_scripted({"stt": "stand-in base.en (random weights)"})
    assert not is_scripted({"stt": "pocketsphinx en-us"})


def test_nothing_asked_is_no_mistake() -> None:
    told = accuracy_of([], is_scripted=False)
    assert (told["premature_percent"], told["missed_percent"], told["wer"]) == (
        0.0,
        0.0,
        "unknown words",
    )


@pytest.mark.parametrize(
    ("outcome", "at_s", "is_audible", "expected"),
    [
        ("cancelled", 5.0, True, True),
        ("cancelled", 2.0, True, False),
        ("cancelled", 5.0, False, False),
        ("answered", 5.0, True, False),
    ],
)
def test_only_an_answer_that_was_heard_and_ended_in_silence_is_a_false_barge_in(
    outcome: str, at_s: float, is_audible: bool, expected: bool
) -> None:
    assert is_false_barge_in(outcome, at_s, 3.0, is_audible=is_audible) is expected


def test_a_turn_without_a_word_of_degradation_was_not_shortened() -> None:
    turns: list[dict[str, list[str]]] = [
        {},
        {"degraded": []},
        {"degraded": ["no_partials", "fewer_passages"]},
    ]
    told = degradation_of([*turns, {"degraded": ["no_partials"]}])
    assert told["degraded_percent"] == 50.0
    assert told["degraded_steps"] == {"fewer_passages": 1, "no_partials": 2}

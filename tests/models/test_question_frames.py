"""Questions made from frames and phrases."""

from models.question_frames import SLOT, frames, phrases_of, questions_about


def test_phrases_are_runs_of_content_words() -> None:
    """Articles and verbs of the closed classes end a phrase; at most three words."""
    found = {
        " ".join(phrase)
        for phrase in phrases_of(["the", "old", "stone", "pump", "house", "is", "open"])
    }
    assert {"old", "old stone pump", "stone pump house", "pump house", "open"} <= found
    assert not any({"the", "is"} & set(phrase.split()) for phrase in found)
    assert "old stone pump house" not in found


def test_every_frame_and_every_phrase_is_used() -> None:
    """No frame is lost with few phrases, no phrase with many; no slot stays open."""
    few = list(questions_about([("pump", "house")]))
    assert len(few) == len(frames())
    many = [(f"word{number}",) for number in range(500)]
    asked = list(questions_about(many))
    assert {word for question in asked for word in question} >= {word for (word,) in many}
    assert not any(SLOT in question for question in asked)


def test_without_phrases_the_frames_alone_remain() -> None:
    """General questions can be asked of an empty corpus."""
    asked = list(questions_about([]))
    assert ["how", "do", "i", "get", "there"] in asked
    assert not any(SLOT in question for question in asked)

"""benchmarks/endpoints.py: what counts as cut, as missed, and as the wait."""

from pathlib import Path

import numpy as np
import pytest

from audio.pcm import Samples
from audio.wavfile import read_wav
from benchmarks.endpoints import Clip, Judged, Simulation, summarise
from benchmarks.speech_edges import speech_end_sample
from tests.fakes import FakeRecognizer

RATE_HZ = 16_000


def silence(duration_s: float) -> Samples:
    return np.zeros(int(duration_s * RATE_HZ), np.float32)


@pytest.fixture(scope="module")
def words() -> Samples:
    """A question, up to its last sound."""
    speech = read_wav(Path(__file__).parent.parent / "speech" / "question-3.wav").samples
    return speech[: speech_end_sample(speech, RATE_HZ)]


def judge(parts: list[Samples], end_sample: int, text: str = "what does it cost us") -> Judged:
    clip = Clip("one", np.concatenate(parts), end_sample)
    return Simulation(FakeRecognizer(text), 120).judge(clip)


def test_a_whole_question_is_neither_cut_nor_missed(words: Samples) -> None:
    """The wait runs from the true end, whatever the voice activity model makes of it."""
    judged = judge([words, silence(2)], len(words))
    assert (judged.is_premature, judged.is_missed) == (False, False)
    assert 150 < judged.wait_ms < 900


def test_an_end_within_the_words_is_a_cut(words: Samples) -> None:
    """A pause beyond the longest wait; the second half ends as it should."""
    judged = judge([words, silence(1.5), words, silence(2)], 2 * len(words) + int(1.5 * RATE_HZ))
    assert (judged.is_premature, judged.is_missed) == (True, False)


def test_an_open_clause_is_waited_for_and_tells_why(words: Samples) -> None:
    """The reason is that of the wait that was served."""
    judged = judge([words, silence(2)], len(words), "what is the price of the")
    assert judged.reason == "open_clause"
    assert judged.wait_ms > 800


def test_speech_that_never_ended_is_missed(words: Samples) -> None:
    """No silence after it."""
    assert judge([words], len(words)).is_missed


def test_a_group_is_summed_up_without_the_others() -> None:
    """Shares in percent, waits of those that ended, reasons counted."""
    judged = [
        Judged("a", True, False, 300, "question"),
        Judged("a", False, True, 0, ""),
        Judged("b", True, False, 900, "filler"),
    ]
    told = summarise(judged, "a")
    assert (told["clips"], told["premature_percent"], told["missed_percent"]) == (2, 50.0, 50.0)
    assert told["wait_ms_p50"] == 300
    assert told["reasons"] == {"question": 1}

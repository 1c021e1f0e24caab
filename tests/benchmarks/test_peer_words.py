"""The peer's bot gets the script's words and Parley's answer, from any part of a question."""

from pathlib import Path

import numpy as np
import pytest

from audio.pcm import encode_pcm16
from benchmarks.demo import SPEECH_DIR
from benchmarks.peer_words import PeerWords, ScriptedQuestion, read_words, write_words
from benchmarks.recorded_questions import lines_of
from benchmarks.script import as_sent

WAVS = sorted(SPEECH_DIR.glob("*.wav"))
RATE_HZ = 16_000
SECOND_BYTES = 2 * RATE_HZ


@pytest.fixture(scope="module")
def questions() -> list[ScriptedQuestion]:
    return [
        ScriptedQuestion(
            line.text, f"The answer to {line.wav.name}.", encode_pcm16(as_sent(line.wav))
        )
        for line in lines_of(WAVS)
    ]


@pytest.fixture(scope="module")
def words(questions: list[ScriptedQuestion]) -> PeerWords:
    return PeerWords(questions)


def test_every_recording_gives_its_own_words(
    words: PeerWords, questions: list[ScriptedQuestion]
) -> None:
    """As pipecat cuts it: from some time before speech to a silence that it puts behind."""
    for question in questions:
        heard = bytes(SECOND_BYTES) + question.pcm + bytes(SECOND_BYTES // 2)
        assert words.text_of(heard) == question.text


def test_sound_that_went_through_float_and_back_is_known(
    words: PeerWords, questions: list[ScriptedQuestion]
) -> None:
    """WhisperSTTService gives the model float32 in [-1, 1)."""
    floats = np.frombuffer(questions[0].pcm, "<i2").astype(np.float32) / 32768.0
    assert words.text_of((floats * 32768.0).astype(np.int16).tobytes()) == questions[0].text


def test_either_part_of_a_question_cut_in_two_counts_as_all_of_it(
    words: PeerWords, questions: list[ScriptedQuestion]
) -> None:
    question = questions[0]
    for part in (question.pcm[: int(1.5 * SECOND_BYTES)], question.pcm[2 * SECOND_BYTES :]):
        assert words.text_of(part) == question.text


def test_silence_and_unknown_sound_have_no_words(words: PeerWords) -> None:
    noise = np.random.default_rng(0).integers(-9000, 9000, RATE_HZ).astype("<i2").tobytes()
    assert words.text_of(bytes(SECOND_BYTES)) == ""
    assert words.text_of(noise) == ""
    assert words.text_of(b"") == ""


def test_the_answer_is_to_the_question_heard_last(
    words: PeerWords, questions: list[ScriptedQuestion]
) -> None:
    """A cut question's words come twice, and an unanswered one's come before the next one's."""
    first, second = questions[:2]
    assert words.answer_to(f"{first.text} {second.text} {second.text} ") == second.answer
    assert words.answer_to("nothing of the script") == ""


def test_a_written_table_reads_back(tmp_path: Path, questions: list[ScriptedQuestion]) -> None:
    words = read_words(write_words(questions, tmp_path / "words"))
    assert words.text_of(questions[3].pcm) == questions[3].text
    assert words.answer_to(questions[3].text) == questions[3].answer

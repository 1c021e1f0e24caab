"""The script knows a recording by its sound, however it was cut, and nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest

from audio.pcm import Samples
from benchmarks.demo import SPEECH_DIR
from benchmarks.recorded_questions import lines_of
from benchmarks.script import Script, as_sent, load_script, write_script

RATE_HZ = 16_000
WAVS = sorted(SPEECH_DIR.glob("*.wav"))


@pytest.fixture(scope="module")
def script() -> Script:
    return Script([(as_sent(line.wav), line.text) for line in lines_of(WAVS)])


@pytest.fixture(scope="module")
def demo_question() -> Samples:
    """Its words: what time does the last boat come back on a sunday."""
    return as_sent(SPEECH_DIR / "demo-1.wav")


def listed() -> dict[str, str]:
    rows = [
        json.loads(line)
        for path in SPEECH_DIR.glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    return {row["wav"]: row["q"] for row in rows}


@pytest.mark.parametrize("wav", WAVS, ids=lambda wav: wav.name)
def test_every_recording_gives_its_own_question(script: Script, wav: Path) -> None:
    """Cut as an endpointer cuts it: from some silence before to some after."""
    utterance = as_sent(wav)[700:-3333]
    assert script.text_of(utterance) == listed()[wav.name]


def test_a_part_gives_the_words_up_to_there(script: Script, demo_question: Samples) -> None:
    heard = script.text_of(demo_question[: int(1.3 * RATE_HZ)]).split()
    whole = listed()["demo-1.wav"].split()
    assert 2 <= len(heard) <= 6
    assert heard == whole[: len(heard)]


def test_two_parts_joined_give_all_words(script: Script, demo_question: Samples) -> None:
    """A question taken back and joined has lost the silence between its parts."""
    joined = np.concatenate([demo_question[:20_000], demo_question[26_000:]])
    assert script.text_of(joined) == listed()["demo-1.wav"]


def test_unknown_sound_and_silence_give_no_words(script: Script) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    assert script.text_of(noise) == ""
    assert script.text_of(np.zeros(RATE_HZ, np.float32)) == ""
    assert script.text_of(np.zeros(0, np.float32)) == ""


def test_a_written_script_says_the_same(tmp_path: Path, demo_question: Samples) -> None:
    path = write_script(lines_of(WAVS), tmp_path / "script.json")
    assert load_script(path).text_of(demo_question) == listed()["demo-1.wav"]


def test_unlisted_recordings_get_different_questions(tmp_path: Path) -> None:
    lines = lines_of([tmp_path / "a.wav", tmp_path / "b.wav"])
    assert lines[0].text != lines[1].text

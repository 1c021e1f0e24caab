"""Speaking questions: real voices where they are installed, clear words where they are not."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

from audio.wavfile import read_wav, write_wav
from benchmarks.question_file import SAMPLE_QUESTIONS, Question, QuestionKind, read_questions
from benchmarks.record_test_speech import SPEECH_DIR
from benchmarks.record_test_speech import main as record_main
from benchmarks.speak import main, spoken_questions, wav_name
from benchmarks.voices import SpeakError, Voice, parse_voices

BEFORE, AFTER = 4_800, 12_800
QUESTION = Question(1, "how long does the crossing take", QuestionKind.FAR)
needs_voices = pytest.mark.skipif(
    not (shutil.which("flite") and shutil.which("espeak-ng")),
    reason="flite or espeak-ng is not installed (sudo apt-get install flite espeak-ng)",
)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with a flite that copies tone.wav and appends its text to said.txt."""
    folder = tmp_path / "programs"
    folder.mkdir()
    tone = np.full(1_000, 0.25, np.float32)
    write_wav(folder / "tone.wav", tone, 8_000)
    script = folder / "flite"
    script.write_text(
        f'#!/bin/sh\n/bin/cat "$4" >> "{folder}/said.txt"\n'
        f'[ "$2" = awb ] && {{ echo "out of breath" >&2; exit 3; }}\n'
        f'[ "$2" = rms ] && exit 0\n/bin/cp "{folder}/tone.wav" "$6"\n',
        encoding="utf-8",
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder


def flite(name: str) -> list[Voice]:
    return parse_voices(f"flite:{name}")


@needs_voices
@pytest.mark.parametrize("voice", ["flite:slt", "espeak:en-us"])
def test_real_voice_speaks_between_digital_silences(tmp_path: Path, voice: str) -> None:
    """16 kHz, 0.3 s of zeros, at least a second of clear sound, 0.8 s of zeros."""
    (spoken,) = spoken_questions([QUESTION], parse_voices(voice), tmp_path)
    wav = read_wav(spoken.path)
    assert wav.rate_hz == 16_000
    assert not wav.samples[:BEFORE].any()
    assert not wav.samples[-AFTER:].any()
    assert len(wav.samples) > BEFORE + 16_000 + AFTER
    assert 0.1 < float(np.abs(wav.samples).max()) <= 1.0


def test_each_question_is_spoken_once_by_each_voice_and_then_kept(
    tmp_path: Path, programs: Path
) -> None:
    """Questions of equal text share a file, and a second call speaks nothing."""
    twin = Question(2, QUESTION.text, QuestionKind.FAR)
    out = tmp_path / "out"
    voices = [*flite("slt"), *flite("kal16")]
    first = spoken_questions([QUESTION, twin], voices, out, str(programs))
    assert [(one.question.id, str(one.voice)) for one in first] == [
        (1, "flite:slt"),
        (2, "flite:slt"),
        (1, "flite:kal16"),
        (2, "flite:kal16"),
    ]
    assert sorted(out.iterdir()) == sorted({one.path for one in first})
    assert spoken_questions([QUESTION, twin], voices, out, search_path="") == first
    assert (programs / "said.txt").read_text() == f"{QUESTION.text}\n" * 2


def test_other_rates_are_resampled(tmp_path: Path, programs: Path) -> None:
    """The stand-in's 1,000 samples at 8 kHz are 2,000 at 16 kHz."""
    (spoken,) = spoken_questions([QUESTION], flite("slt"), tmp_path, str(programs))
    assert len(read_wav(spoken.path).samples) == BEFORE + 2_000 + AFTER


def test_file_name_changes_with_text_and_voice_only() -> None:
    """So that an edited question is spoken anew and a renumbered one is not."""
    slt, rms = parse_voices("flite:slt,flite:rms")
    names = {wav_name(text, voice) for text in ("one", "two") for voice in (slt, rms)}
    assert len(names) == 4
    assert wav_name("one", slt) == "flite-slt-836358db383b45ec.wav"


def test_text_cannot_become_an_option_or_a_command(tmp_path: Path, programs: Path) -> None:
    """It reaches the program in a file, whatever it begins with."""
    text = "-o $(touch x) `y`; --version"
    question = Question(1, text, QuestionKind.FAR)
    spoken_questions([question], flite("slt"), tmp_path, str(programs))
    assert (programs / "said.txt").read_text() == f"{text}\n"


def test_missing_program_names_the_package(tmp_path: Path) -> None:
    """With the line to type, before anything is spoken or made."""
    out = tmp_path / "out"
    with pytest.raises(SpeakError, match="sudo apt-get install espeak-ng"):
        spoken_questions([QUESTION], parse_voices("espeak:en-us"), out, search_path="")
    assert not out.exists()


@pytest.mark.parametrize(
    ("voice", "message"), [("awb", "code 3: out of breath"), ("rms", "no good WAV: there is no")]
)
def test_failing_program_leaves_no_file(
    tmp_path: Path, programs: Path, voice: str, message: str
) -> None:
    """Neither half a WAV nor a silent success."""
    out = tmp_path / "out"
    with pytest.raises(SpeakError, match=message):
        spoken_questions([QUESTION], flite(voice), out, str(programs))
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("written", ["", "slt", "flite:", "flite:xyz", "say:anna", "espeak:../x"])
def test_unknown_voice_is_refused_with_the_known_ones(written: str) -> None:
    """Real flite would speak in its default voice without a word."""
    with pytest.raises(SpeakError, match="flite:slt"):
        parse_voices(written)


def test_command_line_speaks_a_file_and_counts(
    tmp_path: Path,
    programs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line at the end says how much is where."""
    monkeypatch.setenv("PATH", str(programs))
    questions = tmp_path / "mine.jsonl"
    questions.write_text('{"id": 1, "q": "how far is it", "kind": "far"}\n', encoding="utf-8")
    out = tmp_path / "out"
    arguments = ["--questions", str(questions), "--voices", "flite:slt", "--out", str(out)]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"1 spoken questions in {out}, 0.0 MB\n"
    assert main([*arguments, "--voices", "flite:xyz"]) == 1
    assert "is no voice" in capsys.readouterr().err
    assert main([*arguments, "--questions", str(tmp_path / "none.jsonl")]) == 1
    assert "none.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize(("listing", "count"), [("demo.jsonl", 3), ("questions.jsonl", 4)])
def test_committed_speech_is_small_strict_and_a_sample_question(listing: str, count: int) -> None:
    """Each line's words are a sample question's, with the passage that answers it."""
    known = {question.text: question for question in read_questions(SAMPLE_QUESTIONS)}
    lines = (SPEECH_DIR / listing).read_text(encoding="utf-8").splitlines()
    recorded = [json.loads(line) for line in lines]
    assert len(recorded) == len({fields["document"] for fields in recorded}) == count
    for fields in recorded:
        question = known[fields["q"]]
        assert fields["document"] == question.document
        assert fields["heading"] == question.heading
        assert tuple(fields["answer"]) == question.answer
        wav = SPEECH_DIR / fields["wav"]
        assert wav.stat().st_size < 160_000
        samples = read_wav(wav).samples
        assert not samples[:BEFORE].any()
        assert not samples[-AFTER:].any()


@needs_voices
def test_committed_speech_can_be_recorded_anew(tmp_path: Path) -> None:
    """The command writes the same lists and the same file names, and leaves nothing else."""
    assert record_main(["--out", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in SPEECH_DIR.iterdir()
    )
    for listing in ("demo.jsonl", "questions.jsonl"):
        assert (tmp_path / listing).read_bytes() == (SPEECH_DIR / listing).read_bytes()

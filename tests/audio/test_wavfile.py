"""Strict WAV reading and atomic writing."""

from __future__ import annotations

import os
import stat
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.rate import RateError
from audio.wavfile import WavError, read_wav, write_wav
from tests.audio.sounds import tone

SPEECH = tone(300, 0.1)


def wav_bytes(folder: Path, channels: int = 1, rate_hz: int = 16_000) -> bytes:
    path = folder / "source.wav"
    soundfile.write(path, np.stack([SPEECH] * channels, axis=1), rate_hz, subtype="PCM_16")
    return path.read_bytes()


def refusal(path: Path) -> str:
    with pytest.raises(WavError) as caught:
        read_wav(path)
    message = str(caught.value)
    assert str(path) in message
    assert "Accepted: RIFF/WAVE, PCM 16-bit, 1 or 2 channels, 8000 to 96000 Hz" in message
    return caught.value.cause


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 96_000])
def test_what_is_written_is_read_back_exactly(tmp_path: Path, rate_hz: int) -> None:
    samples = np.array([-32768, -1, 0, 1, 32767], dtype=np.int16)
    write_wav(tmp_path / "spoken.wav", samples, rate_hz)
    audio = read_wav(tmp_path / "spoken.wav")
    assert audio.rate_hz == rate_hz
    assert audio.samples.dtype == np.float32
    assert (audio.samples * 32768).tolist() == samples.tolist()


def test_floats_are_clipped_when_written(tmp_path: Path) -> None:
    write_wav(tmp_path / "loud.wav", np.array([2.0, -2.0], np.float32), 16_000)
    assert read_wav(tmp_path / "loud.wav").samples.tolist() == [32767 / 32768, -1.0]


def test_stereo_is_read_as_its_mean(tmp_path: Path) -> None:
    write_wav(tmp_path / "two.wav", np.array([[100, 300]] * 160, np.int16), 16_000)
    audio = read_wav(tmp_path / "two.wav")
    assert audio.samples.tolist() == [200 / 32768] * 160
    assert audio.duration_ms == 10


def test_an_extensible_header_with_16_bit_pcm_is_read(tmp_path: Path) -> None:
    path = tmp_path / "extensible.wav"
    soundfile.write(path, SPEECH, 16_000, subtype="PCM_16", format="WAVEX")
    assert len(read_wav(path).samples) == len(SPEECH)


def test_chunks_before_and_after_the_sound_are_passed_over(tmp_path: Path) -> None:
    plain = wav_bytes(tmp_path)
    note = b"LIST" + struct.pack("<I", 3) + b"abc\x00"
    body = plain[12:36] + note + plain[36:] + note
    path = tmp_path / "noted.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body)
    assert len(read_wav(path).samples) == len(SPEECH)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "missing.wav") == "there is no such file"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_refused_with_the_systems_reason(tmp_path: Path) -> None:
    path = tmp_path / "locked.wav"
    path.write_bytes(wav_bytes(tmp_path))
    path.chmod(0)
    assert "Permission denied" in refusal(path)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "empty"),
        (b"RIFF", "unknown format"),
        (b"What are the opening hours?\n" * 9, "not a WAV file"),
        (b"ID3\x04" + b"\x00" * 99, "it is MP3, not a WAV file"),
        (b"RIFF\x04\x00\x00\x00AVI ", "not a WAV file"),
        (b"RIFF\x04\x00\x00\x00WAVE", "no data chunk"),
        (b"RIFF\x0c\x00\x00\x00WAVEdata\x00\x00\x00\x00", "header makes no sense"),
    ],
)
def test_what_is_no_wav_is_refused(tmp_path: Path, content: bytes, cause: str) -> None:
    path = tmp_path / "question.wav"
    path.write_bytes(content)
    assert cause in refusal(path)


@pytest.mark.parametrize(
    ("kind", "subtype", "cause"),
    [
        ("WAV", "PCM_24", "24 bit"),
        ("WAV", "PCM_U8", "8 bit"),
        ("WAV", "FLOAT", "float"),
        ("WAV", "ULAW", "U-Law"),
        ("FLAC", "PCM_16", "it is FLAC"),
        ("OGG", "VORBIS", "it is Ogg"),
        ("AIFF", "PCM_16", "it is AIFF"),
        ("RF64", "PCM_16", "it is RF64"),
    ],
)
def test_other_encodings_and_renamed_files_are_refused_by_name(
    tmp_path: Path, kind: str, subtype: str, cause: str
) -> None:
    path = tmp_path / "question.wav"
    soundfile.write(path, SPEECH, 16_000, format=kind, subtype=subtype)
    assert cause in refusal(path)


@pytest.mark.parametrize("channels", [3, 8])
def test_more_than_two_channels_are_refused(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "many.wav"
    path.write_bytes(wav_bytes(tmp_path, channels))
    assert refusal(path) == f"it has {channels} channels"


@pytest.mark.parametrize("rate_hz", [4_000, 192_000])
def test_a_rate_out_of_range_is_refused(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "rate.wav"
    path.write_bytes(wav_bytes(tmp_path, rate_hz=rate_hz))
    assert refusal(path) == f"its rate is {rate_hz} Hz"


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nothing.wav"
    write_wav(path, np.zeros(0, np.int16), 16_000)
    assert refusal(path) == "it holds no samples"


@pytest.mark.parametrize("lost_bytes", [1, 2, 1_000, 3_160, 3_205])
def test_a_cut_file_is_refused(tmp_path: Path, lost_bytes: int) -> None:
    path = tmp_path / "cut.wav"
    path.write_bytes(wav_bytes(tmp_path)[:-lost_bytes])
    assert "cut off" in refusal(path)


def test_a_file_streamed_through_a_pipe_without_its_size_is_refused(tmp_path: Path) -> None:
    content = bytearray(wav_bytes(tmp_path))
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path = tmp_path / "piped.wav"
    path.write_bytes(content)
    assert "cut off" in refusal(path)


def test_data_that_is_not_whole_samples_is_refused(tmp_path: Path) -> None:
    content = bytearray(wav_bytes(tmp_path, channels=2))
    content[40:44] = struct.pack("<I", len(content) - 44 - 2)
    path = tmp_path / "half.wav"
    path.write_bytes(content)
    assert "not whole samples" in refusal(path)


@given(position=st.integers(0, 47), value=st.integers(0, 255), kept=st.integers(0, 3_300))
@settings(max_examples=300, deadline=None)
def test_any_damaged_header_is_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int, kept: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    content = bytearray(wav_bytes(folder))
    content[position] = value
    path = folder / "damaged.wav"
    path.write_bytes(content[: max(kept, position)])
    with suppress(WavError):
        assert len(read_wav(path).samples) > 0


def test_writing_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "answer.wav"
    path.write_bytes(b"the old answer")
    write_wav(path, SPEECH, 16_000)
    assert len(read_wav(path).samples) == len(SPEECH)
    assert [file.name for file in tmp_path.iterdir()] == ["answer.wav"]
    assert path.stat().st_mode & stat.S_IRUSR


def test_a_write_that_fails_half_way_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_for_want_of_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "answer.wav"
    path.write_bytes(b"the old answer")
    monkeypatch.setattr(os, "fsync", fail_for_want_of_space)
    with pytest.raises(WavError, match=r"answer\.wav: cannot be written: No space left"):
        write_wav(path, SPEECH, 16_000)
    assert path.read_bytes() == b"the old answer"
    assert [file.name for file in tmp_path.iterdir()] == ["answer.wav"]


def test_writing_into_a_missing_folder_names_the_file_asked_for(tmp_path: Path) -> None:
    with pytest.raises(WavError, match=r"missing/answer\.wav: cannot be written"):
        write_wav(tmp_path / "missing" / "answer.wav", SPEECH, 16_000)


def test_a_rate_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(RateError, match="8000 to 96000"):
        write_wav(tmp_path / "slow.wav", SPEECH, 4_000)
    assert not list(tmp_path.iterdir())

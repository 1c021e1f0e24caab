"""Strict reading and atomic writing of WAV files. Converts no rates and plays nothing."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

import soundfile

from audio.pcm import AnySamples, Samples, to_int16, to_mono
from audio.rate import MAXIMUM_RATE_HZ, MINIMUM_RATE_HZ, check_rate, is_accepted_rate

ACCEPTED_WAV: Final = (
    f"RIFF/WAVE, PCM 16-bit, 1 or 2 channels, {MINIMUM_RATE_HZ} to {MAXIMUM_RATE_HZ} Hz, "
    "at least one sample"
)

_RIFF_HEADER_BYTES: Final = 12
_CHUNK_HEADER_BYTES: Final = 8
_SAMPLE_BYTES: Final = 2
_OTHER_FORMATS: Final = {
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3": "MP3",
    b"\xff\xfb": "MP3",
    b"RIFX": "big-endian RIFX",
    b"RF64": "RF64",
    b"FORM": "AIFF",
    b"\x1aE\xdf\xa3": "Matroska or WebM",
}


class WavError(ValueError):
    """A WAV file that cannot be read or written.

    The message names the file and the cause and, for reading, what is accepted.
    """

    def __init__(
        self, path: Path, cause: str, *, remedy: str = f"Accepted: {ACCEPTED_WAV}."
    ) -> None:
        super().__init__(f"{path}: {cause}. {remedy}".rstrip())
        self.path = path
        self.cause = cause


@dataclass(frozen=True, slots=True)
class WavAudio:
    """A whole file, mixed down."""

    samples: Samples
    rate_hz: int

    @property
    def duration_ms(self) -> int:
        """Rounded down."""
        return len(self.samples) * 1000 // self.rate_hz


def read_wav(path: Path) -> WavAudio:
    """Read a file that is exactly ACCEPTED_WAV, or raise WavError. Stereo becomes its mean."""
    with _open_regular(path) as file:
        data_bytes = _check_riff(path, file)
        file.seek(0)
        try:
            with soundfile.SoundFile(file) as sound:
                _check_format(path, sound)
                _check_length(path, data_bytes, sound)
                frames = sound.read(dtype="int16", always_2d=True)
                rate_hz = int(sound.samplerate)
        except soundfile.SoundFileError as error:
            raise WavError(path, "its header makes no sense") from error
    return WavAudio(to_mono(frames), rate_hz)


def write_wav(path: Path, samples: AnySamples, rate_hz: int) -> None:
    """Write 16-bit mono (n,) or stereo (n, 2); floats are clipped. The old file stays until done.

    Raises RateError for a rate that read_wav refuses, WavError where the file cannot be written.
    """
    check_rate(rate_hz)
    partial = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with partial.open("xb") as file:
            soundfile.write(file, to_int16(samples), rate_hz, format="WAV", subtype="PCM_16")
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise WavError(path, f"cannot be written: {error.strerror}", remedy="") from error
    finally:
        with suppress(OSError):
            partial.unlink()


@contextmanager
def _open_regular(path: Path) -> Iterator[BinaryIO]:
    try:
        if path.exists() and not path.is_file():
            raise WavError(path, "is a folder or a device, not a file")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise WavError(path, "there is no such file") from error
    except OSError as error:
        raise WavError(path, f"cannot be opened: {error.strerror}") from error
    with file:
        yield file


def _check_riff(path: Path, file: BinaryIO) -> int:
    """The size of the data chunk, once everything that the headers announce is there."""
    size_bytes = os.fstat(file.fileno()).st_size
    if not size_bytes:
        raise WavError(path, "the file is empty (0 bytes)")
    header = file.read(_RIFF_HEADER_BYTES)
    if header[:4] != b"RIFF" or header[8:12] != b"WAVE":
        raise WavError(path, f"it is {_name_format(header)}, not a WAV file")
    _check_complete(path, struct.unpack("<I", header[4:8])[0] + _CHUNK_HEADER_BYTES, size_bytes)
    return _find_data(path, file, size_bytes)


def _find_data(path: Path, file: BinaryIO, size_bytes: int) -> int:
    offset = _RIFF_HEADER_BYTES
    while offset + _CHUNK_HEADER_BYTES <= size_bytes:
        file.seek(offset)
        name, chunk_bytes = struct.unpack("<4sI", file.read(_CHUNK_HEADER_BYTES))
        offset += _CHUNK_HEADER_BYTES + chunk_bytes
        if name == b"data":
            _check_complete(path, offset, size_bytes)
            return int(chunk_bytes)
        offset += offset % 2
    raise WavError(path, "it is cut off, or has no data chunk")


def _check_complete(path: Path, announced_bytes: int, size_bytes: int) -> None:
    if announced_bytes > size_bytes:
        raise WavError(
            path,
            f"it is cut off: its header announces {announced_bytes} bytes, it has {size_bytes}",
        )


def _check_format(path: Path, sound: soundfile.SoundFile) -> None:
    if sound.format not in ("WAV", "WAVEX"):
        raise WavError(path, f"it is {sound.format}, not a WAV file")
    if sound.subtype != "PCM_16":
        raise WavError(path, f"its encoding is {sound.subtype_info}")
    if sound.channels not in (1, 2):
        raise WavError(path, f"it has {sound.channels} channels")
    if not is_accepted_rate(sound.samplerate):
        raise WavError(path, f"its rate is {sound.samplerate} Hz")


def _check_length(path: Path, data_bytes: int, sound: soundfile.SoundFile) -> None:
    if not sound.frames:
        raise WavError(path, "it holds no samples")
    if data_bytes != sound.frames * sound.channels * _SAMPLE_BYTES:
        raise WavError(path, f"its {data_bytes} data bytes are not whole samples")


def _name_format(header: bytes) -> str:
    for beginning, name in _OTHER_FORMATS.items():
        if header.startswith(beginning):
            return name
    return "of an unknown format"

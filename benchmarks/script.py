"""Tells which recording a piece of speech was cut from, and which of its words are in it.

The stand-in recogniser takes its transcripts from here. It knows the sound of these recordings
only: it recognises no speech.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio.pcm import Samples, to_int16
from audio.resample import resample
from audio.wavfile import read_wav
from benchmarks.speech_edges import speech_end_sample
from models.stt import RATE_HZ

_BLOCK_SAMPLES = 160
_KEY_REACH = 8
"""A landmark is the 16 samples round a local peak; a client sends them unchanged."""
_QUIETEST_PEAK = 500
_PROBES = 8
"""Peaks of an utterance that vote, one of each eighth: voices repeat units of sound exactly."""
_END_SLACK_SAMPLES = RATE_HZ // 10
"""The voice-activity model ends speech up to 100 ms before its last sound fades."""

Peaks = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """A recording and its words."""

    wav: Path
    text: str


@dataclass(frozen=True, slots=True)
class _Spoken:
    """Where the words of one recording lie, in samples at 16 kHz."""

    words: tuple[str, ...]
    start: int
    end: int

    def between(self, begin: int, end: int) -> str:
        """Return the words in a stretch, as if all were equally long."""
        return " ".join(self.words[self._word_at(begin) : self._word_at(end + _END_SLACK_SAMPLES)])

    def _word_at(self, sample: int) -> int:
        share = (sample - self.start) / max(1, self.end - self.start)
        return round(len(self.words) * min(1.0, max(0.0, share)))


class Script:
    """A table from sound to words. Read-only once made, so safe from several threads."""

    def __init__(self, spoken: Sequence[tuple[Samples, str]]) -> None:
        """Takes mono speech at 16 kHz as the client sends it, and its words."""
        self._lines: list[_Spoken] = []
        self._landmarks: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
        for samples, text in spoken:
            self._add(to_int16(samples), text)

    def text_of(self, utterance: Samples) -> str:
        """Return the words of the part of a recording that this is; "" for unknown speech.

        A part cut at a pause gives the words up to there; two parts joined give both.
        """
        found = list(self._positions(to_int16(utterance)))
        if not found:
            return ""
        number, _ = Counter(number for number, _ in found).most_common(1)[0]
        offsets = self._agreed([offset for line, offset in found if line == number])
        return self._lines[number].between(offsets[0], offsets[-1] + len(utterance))

    @staticmethod
    def _agreed(offsets: list[int]) -> list[int]:
        """Drop an offset that a repeated unit of sound has voted for alone, in order of time."""
        runs = [(offset, len(list(run))) for offset, run in groupby(offsets)]
        longest = max(length for _, length in runs)
        return [offset for offset, length in runs if length > 1 or longest == 1]

    def _add(self, pcm: Peaks, text: str) -> None:
        number = len(self._lines)
        start = len(pcm) - speech_end_sample(pcm[::-1].astype(np.float32), RATE_HZ)
        end = speech_end_sample(pcm.astype(np.float32), RATE_HZ)
        self._lines.append(_Spoken(tuple(text.split()), start, end))
        for peak in _peaks(pcm, _BLOCK_SAMPLES):
            self._landmarks[_key(pcm, peak)].append((number, peak))

    def _positions(self, pcm: Peaks) -> Iterator[tuple[int, int]]:
        """Yield line and offset of the utterance's first sample in it, for each probe found."""
        for peak in _peaks(pcm, max(_BLOCK_SAMPLES, -(-len(pcm) // _PROBES))):
            for number, position in self._landmarks.get(_key(pcm, peak), ()):
                yield number, position - peak


def _peaks(pcm: Peaks, block_samples: int) -> Iterator[int]:
    """Yield the loudest sample of each block that has a key round it and is loud enough."""
    loudness = np.abs(pcm.astype(np.int32))
    for begin in range(0, len(pcm), block_samples):
        peak = begin + int(loudness[begin : begin + block_samples].argmax())
        has_room = _KEY_REACH <= peak <= len(pcm) - _KEY_REACH
        if has_room and loudness[peak] >= _QUIETEST_PEAK:
            yield peak


def _key(pcm: Peaks, peak: int) -> bytes:
    return pcm[peak - _KEY_REACH : peak + _KEY_REACH].tobytes()


def load_script(path: Path) -> Script:
    """Read a file of `write_script` and the recordings that it names."""
    lines = [ScriptLine(Path(row["wav"]), row["q"]) for row in json.loads(path.read_text())]
    return Script([(as_sent(line.wav), line.text) for line in lines])


def write_script(lines: Sequence[ScriptLine], path: Path) -> Path:
    """Write the table that a stand-in server reads at its start."""
    rows = [{"wav": str(line.wav.resolve()), "q": line.text} for line in lines]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n")
    return path


def as_sent(path: Path) -> Samples:
    """Return the recording at 16 kHz, as server/client.py sends it."""
    recording = read_wav(path)
    if recording.rate_hz == RATE_HZ:
        return recording.samples
    return resample(recording.samples, recording.rate_hz, RATE_HZ)

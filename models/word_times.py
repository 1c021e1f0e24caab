"""When each word of a spoken text is over, in samples, from what an engine tells of it. Pure.

It listens to nothing but silence: where a pause follows a word, the word ends before the pause.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np

Knot = tuple[int, int]
"""A character's (or a phoneme's) number in the text, from 0, and the sample at which it begins."""

_VOWELS = re.compile(r"[aeiouyà-öø-ÿ]+")
_SILENT_E = re.compile(r"(?<=[^aeiouyl])e\b")
_DIGIT_SYLLABLES = 2
_PAUSE_SYLLABLES = 1.5
"""What a comma inside a sentence lasts, measured on espeak-ng against its syllables."""


def ends_by_characters(text: str, knots: Sequence[Knot], total_samples: int) -> tuple[int, ...]:
    """Return the end of each word of text.split(): where the next one begins.

    Words that the engine ran together ("of the") share their time by their letters.
    """
    starts = [found.start() for found in re.finditer(r"\S+", text)]
    if not starts:
        return ()
    return _along([*starts[1:], len(text)], knots, len(text), total_samples)


def ends_by_weights(
    weights: Sequence[float], knots: Sequence[Knot], total_samples: int
) -> tuple[int, ...]:
    """Return the words' ends when word i takes weights[i] of the phonemes that the knots number.

    Without knots the time is shared by the weights alone.
    """
    units = knots[-1][0] if knots else 1
    shares = np.cumsum(weights) / max(sum(weights), 1e-9)
    return _along([float(share) * units for share in shares], knots, units, total_samples)


def estimated_ends(text: str, total_samples: int) -> tuple[int, ...]:
    """Return an estimate by syllables and commas, for an engine that tells nothing."""
    words = text.split()
    return ends_by_weights([_weight(word) for word in words], (), total_samples) if words else ()


def before_pauses(
    ends: Sequence[int], is_loud: Sequence[bool], window_samples: int
) -> tuple[int, ...]:
    """Move each end back over the silent windows before it, never beyond the word before."""
    moved, earliest = [], 0
    for end in ends:
        window = min(end // window_samples, len(is_loud))
        while window * window_samples > earliest and window and not is_loud[window - 1]:
            window -= 1
        moved.append(max(earliest, min(end, window * window_samples)))
        earliest = end
    return tuple(moved)


def carried_over(spoken: str, shown: str, ends: Sequence[int]) -> tuple[int, ...]:
    """Return the ends of the words as they are written, from those of the words as spoken.

    "12 euros" is written as a sign and a figure: a stretch of words that differ shares its time.
    """
    said, written = _plain(spoken), _plain(shown)
    if len(said) != len(ends) or not written:
        return ()
    carried: list[int] = []
    matcher = SequenceMatcher(None, said, written, autojunk=False)
    for _, first, last, written_first, written_last in matcher.get_opcodes():
        count = written_last - written_first
        for number in range(1, count + 1):
            position = first + round((last - first) * number / count)
            carried.append(ends[position - 1] if position else 0)
    return tuple(carried)


def _along(
    positions: Sequence[float], knots: Sequence[Knot], units: int, total_samples: int
) -> tuple[int, ...]:
    at, samples = [-1.0], [0.0]
    for position, sample in [*knots, (units, total_samples)]:
        if position > at[-1] and sample >= samples[-1]:
            at.append(float(position))
            samples.append(float(sample))
    at[0] = min(0.0, at[1] - 1) if len(at) > 1 else 0.0
    found = np.rint(np.interp(positions, at, samples)).astype(int)
    return tuple(int(sample) for sample in np.clip(found, 0, total_samples))


def _weight(word: str) -> float:
    spoken = _SILENT_E.sub("", word.lower())
    syllables = len(_VOWELS.findall(spoken)) + _DIGIT_SYLLABLES * sum(map(str.isdigit, word))
    return max(1, syllables) + (_PAUSE_SYLLABLES if word[-1] in ",;:" else 0.0)


def _plain(text: str) -> list[str]:
    return [re.sub(r"\W+", "", word.lower()) for word in text.split()]

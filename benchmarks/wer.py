"""Word errors between what was said and what was recognised; it reads and recognises nothing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from models.spoken_numbers import cardinal, ordinal, year_name

_DIGITS = [cardinal(digit) for digit in range(10)]
_UNITS = {"%": "percent", "&": "and", "°": "degrees", "+": "plus"}
_MONEY = {"£": "pounds", "$": "dollars", "€": "euros"}
_SPELLINGS = {
    "centre": "center",
    "colour": "color",
    "favourite": "favorite",
    "grey": "gray",
    "harbour": "harbor",
    "kilometre": "kilometer",
    "kilometres": "kilometers",
    "metre": "meter",
    "metres": "meters",
    "mr": "mister",
    "mrs": "missus",
    "neighbour": "neighbor",
    "neighbours": "neighbors",
    "ok": "okay",
    "theatre": "theater",
}
"""One spelling for words that sound the same: recognisers write either."""
_YEARS = range(1100, 2100)
_NUMBER_WORDS = "|".join(
    sorted({word for number in range(100) for word in cardinal(number).split()})
)
_AND_IN_NUMBER = re.compile(rf"\b(hundred|thousand|million) and (?=(?:{_NUMBER_WORDS})\b)")


def normalise(text: str) -> str:
    """Words as they are said, lower case, one space between: "5:15 p.m." is "five fifteen pm".

    Marks go, apostrophes without leaving a gap ("o'clock", "o clock" and "oclock" are one), and so
    does the "and" inside a number, which British speakers say and American ones do not.
    """
    text = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    text = "".join(mark for mark in text if not unicodedata.combining(mark))
    text = _digits_as_words(text)
    text = re.sub(r"\b([ap])\.? ?m\b\.?", r"\1m", text.replace("'", ""))
    text = " ".join(re.sub(r"[^a-z ]+", " ", text).split())
    text = re.sub(r"\b([ap]) m\b", r"\1m", re.sub(r"\bo clock\b", "oclock", text))
    text = re.sub(r"\bper cent\b", "percent", text)
    text = _AND_IN_NUMBER.sub(r"\1 ", text)
    return " ".join(_SPELLINGS.get(word, word) for word in text.split())


def _digits_as_words(text: str) -> str:
    text = re.sub(r"([£$€])(\d[\d,]*)(?:\.(\d\d))?", _money, text)
    text = re.sub(r"\d{1,3}(?:,\d{3}){1,4}", _with_commas, text)
    text = re.sub(r"\b(\d{1,2}):(\d\d)\b", _clock_time, text)
    text = re.sub(r"\b(\d{1,15})(?:st|nd|rd|th)\b", lambda found: ordinal(int(found[1])), text)
    text = re.sub(r"(\d+)\.(\d+)", lambda found: f"{found[1]} point {_one_by_one(found[2])}", text)
    text = re.sub(r"\d+", lambda found: f" {_number(found[0])} ", text)
    return "".join(f" {_UNITS[mark]} " if mark in _UNITS else mark for mark in text)


def _with_commas(found: re.Match[str]) -> str:
    """Never a year: "1,400" is one thousand four hundred."""
    return cardinal(int(found[0].replace(",", "")))


def _money(found: re.Match[str]) -> str:
    pence = f" {int(found[3])}" if found[3] and found[3] != "00" else ""
    return f" {found[2]} {_MONEY[found[1]]}{pence} "


def _clock_time(found: re.Match[str]) -> str:
    hour, minute = found[1], found[2]
    if minute == "00":
        return f" {int(hour)} "
    return f" {int(hour)} {'oh ' if minute[0] == '0' else ''}{int(minute)} "


def _number(digits: str) -> str:
    if (len(digits) > 1 and digits.startswith("0")) or len(digits) > 15:
        return _one_by_one(digits)
    return year_name(int(digits)) if int(digits) in _YEARS else cardinal(int(digits))


def _one_by_one(digits: str) -> str:
    return " ".join(_DIGITS[int(digit)] for digit in digits)


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Substitutions, insertions and deletions at their fewest, and the reference's words.

    Both texts are normalised first.
    """
    said, heard = normalise(reference).split(), normalise(hypothesis).split()
    previous = list(range(len(heard) + 1))
    for row, word in enumerate(said, 1):
        current = [row]
        for column, other in enumerate(heard, 1):
            kept = previous[column - 1] + (word != other)
            current.append(min(kept, previous[column] + 1, current[-1] + 1))
        previous = current
    return previous[-1], len(said)


def word_error_rate(pairs: Iterable[tuple[str, str]]) -> float:
    """Errors over words of all (reference, hypothesis) pairs together; 0.0 for no words at all."""
    counts = [word_errors(reference, hypothesis) for reference, hypothesis in pairs]
    words = sum(count for _, count in counts)
    return sum(errors for errors, _ in counts) / words if words else 0.0

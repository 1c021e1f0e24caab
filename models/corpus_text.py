"""Turns written documents into the words a person would say, for a language model; builds no model.

Numbers, prices, times, years and units become words, because speech has no digits. Words are lower
case and plain letters with apostrophes, as in cmudict; accents are dropped.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from models.spoken_numbers import cardinal, ordinal, year_name

_SENTENCE_END: Final = re.compile(
    r"(?<=[.!?])\s+(?=[A-Z0-9\"'(])|\n\s*\n|\n\s*[-*#|•]|[;|•]|:\s|\s[-–—]+\s|[()\[\]]"
)
_ABBREVIATIONS: Final = {
    "a.m.": "a.m.",
    "am": "a.m.",
    "p.m.": "p.m.",
    "pm": "p.m.",
    "mr.": "mister",
    "mrs.": "missus",
    "dr.": "doctor",
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "et cetera",
    "&": "and",
    "%": "percent",
}
_UNITS: Final = {
    "km": "kilometres",
    "m": "metres",
    "cm": "centimetres",
    "mm": "millimetres",
    "kg": "kilograms",
    "g": "grams",
    "kw": "kilowatts",
    "mph": "miles an hour",
    "°c": "degrees",
    "°": "degrees",
    "%": "percent",
    "min": "minutes",
    "hrs": "hours",
    "ft": "feet",
}
_CURRENCIES: Final = {
    "$": ("dollars", "cents"),
    "£": ("pounds", "pence"),
    "€": ("euros", "cents"),
}
_TOKEN: Final = re.compile(
    r"(?P<price>[$£€]\s?\d+(?:,\d{3})*(?:\.\d\d)?)"
    r"|(?P<clock>\b\d{1,2}[:.]\d\d(?=\s*[ap]\.?m\b)|\b\d{1,2}:\d\d\b)"
    r"|(?P<ordinal>\b\d{1,4}(?:st|nd|rd|th)\b)"
    r"|(?P<telephone>\b\d{2,5}(?:[- ]\d{3,})+\b)"
    r"|(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)(?P<unit>\s?(?:km|kg|cm|mm|kw|mph|°c|°|%|min|hrs|ft|g|m)(?![a-z]))?"
    r"|(?P<word>[a-z](?:\.[a-z])+\.|(?:mr|mrs|dr|etc)\.|[a-z]+(?:['’][a-z]+)*|[&%])"
)


def sentences_of(text: str) -> Iterator[list[str]]:
    """The spoken words of each sentence or heading of a text; empty ones are left out."""
    for piece in _SENTENCE_END.split(text):
        words = spoken_words(piece)
        if words:
            yield words


def spoken_words(text: str) -> list[str]:
    """The words said for one line of text: "$12.50 at 5:30 p.m." is "twelve dollars fifty at five
    thirty p.m.".
    """
    words: list[str] = []
    for token in _TOKEN.finditer(_plain(text)):
        words.extend(_said(token))
    return words


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.replace("½", ".5"))
    letters = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return letters.lower().replace("’", "'")


def _said(token: re.Match[str]) -> Sequence[str]:
    kind = token.lastgroup if token.lastgroup != "unit" else "number"
    written = token.group()
    if kind == "price":
        return _price(written)
    if kind == "clock":
        return clock_words(*(int(part) for part in re.split("[:.]", written)))
    if kind == "ordinal":
        return ordinal(int(written[:-2])).split()
    if kind == "telephone":
        return _digits(written)
    if kind == "number":
        return [*_number(token["number"]), *_unit(token["unit"])]
    return _ABBREVIATIONS.get(written, written).split()


def clock_words(hours: int, minutes: int) -> list[str]:
    """Say a time: "17:30" is "five thirty", "9:05" is "nine oh five", "9:00" is "nine"."""
    hour = cardinal(hours - 12 if 12 < hours < 24 else hours).split()
    if minutes == 0:
        return hour
    return [*hour, *(["oh"] if minutes < 10 else []), *cardinal(minutes).split()]


def _price(written: str) -> list[str]:
    whole_name, part_name = _CURRENCIES[written[0]]
    whole, _, part = written[1:].strip().replace(",", "").partition(".")
    said = cardinal(int(whole)).split() if int(whole) or not part else []
    if said:
        said.append(whole_name[:-1] if int(whole) == 1 else whole_name)
    if part and int(part):
        said += cardinal(int(part)).split() + ([] if said else [part_name])
    return said


def _number(written: str) -> list[str]:
    whole, _, part = written.replace(",", "").partition(".")
    if len(whole) > 12 or (len(whole) > 1 and whole.startswith("0")):
        return _digits(whole + part)
    is_year = len(written) == 4 and 1100 <= int(whole) < 2100
    said = (year_name(int(whole)) if is_year else cardinal(int(whole))).split()
    return [*said, "point", *_digits(part)] if part else said


def _digits(written: str) -> list[str]:
    return [cardinal(int(digit)) for digit in written if digit.isdigit()]


def _unit(written: str | None) -> list[str]:
    return _UNITS[written.strip()].split() if written else []

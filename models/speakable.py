"""Any text to what an English voice may be given: one line of words, figures and plain stops.

The rules live in models/spoken_*.py and models/unspeakable.py; this file orders them, settles the
result and bounds it. Letters beyond the Latin script are dropped: an English voice could only name
them ("Chinese letter, Chinese letter").
"""

import re
from typing import Final

from models.sentences import first_clause, split_sentences
from models.spoken_dates import say_dates, say_phones, say_times, say_years
from models.spoken_markup import plain_text
from models.spoken_quantities import say_numbers, say_quantities
from models.spoken_words import write_words_out

__all__ = ["MAXIMUM_CHARACTERS", "first_clause", "speakable", "split_sentences"]

MAXIMUM_CHARACTERS: Final = 1200
"""About 80 s of speech; an answer longer than that is read, not heard (FAULTS.md, rows 37, 38)."""

_READ_CHARACTERS: Final = 8 * MAXIMUM_CHARACTERS
"""Of a longer text nothing more is looked at: markup may be dropped, a megabyte may not stall."""
_PASSES: Final = 6

# fmt: off
_GREEK: Final = dict(zip("αβγδεζηθικλμνξοπρστυφχψως", (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi",
    "psi", "omega", "sigma",
), strict=True))
# fmt: on
_GREEK_LETTER: Final = re.compile("[α-ωΑ-Ω]")
_LATIN: Final = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ"
_DASH: Final = re.compile(r"\s*[–—]\s*|\s+-+\s+|--+")
_BRACKET: Final = re.compile(r"[()\[\]{}]")
_TRAILING_DOT_WORD: Final = re.compile(
    rf"(?<=[{_LATIN}0-9])\.(?=[a-zà-öø-ÿ])|(?<=[{_LATIN}])\.(?=\d)"
)
_TIDY: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(rf"[^{_LATIN}0-9 .,;:!?'-]+"), " "),
    (re.compile(rf"(?<![{_LATIN}])'|'(?![{_LATIN}])"), ""),
    (re.compile(r"(?<=\d)-(?=\d)|(?<![^\W_])-|-(?![^\W_])"), " "),
    (re.compile(r"(?<!\d)\.(?=\d)"), " "),
    (re.compile(r"([,;:!?])(?=[^\s,;:!?.])|(\.)(?=[^\s\d.,;:!?])"), r"\1\2 "),
    (re.compile(r" {2,}"), " "),
    (re.compile(r" ([.,;:!?])"), r"\1"),
    (re.compile(r"([,;:])[,;:]+"), r"\1"),
    (re.compile(r"[,;:]?([.!?])[.,;:!?]*"), r"\1"),
    (re.compile(rf"^[^{_LATIN}0-9]+"), ""),
    (re.compile(r"([^\W_]{40})(?=[^\W_])"), r"\1 "),
)


def speakable(text: str) -> str:
    """At most MAXIMUM_CHARACTERS, cut behind a sentence; "" when nothing can be said.

    Never raises; `speakable(speakable(text)) == speakable(text)`; nothing but Latin letters, 0-9,
    space and .,;:!?'- comes out.
    """
    spoken = text[:_READ_CHARACTERS]
    for _ in range(_PASSES):
        before, spoken = spoken, _shortened(_one_pass(spoken))
        if before == spoken:
            return spoken
    return _plainest(spoken)


def _one_pass(text: str) -> str:
    text = write_words_out(plain_text(text))
    text = say_phones(say_times(say_dates(text)))
    text = say_years(say_quantities(text))
    return _tidied(say_numbers(text))


def _tidied(text: str) -> str:
    text = _GREEK_LETTER.sub(lambda m: f" {_GREEK.get(m[0].lower(), '')} ", text)
    text = _BRACKET.sub(", ", _DASH.sub(", ", text).replace("|", ", "))
    text = text.replace("&", " and ").replace("@", " at ").replace("%", " percent ")
    text = _TRAILING_DOT_WORD.sub(" dot ", text)
    for pattern, plain in _TIDY:
        text = pattern.sub(plain, text)
    return text.strip(" ,;:-") if any(character.isalnum() for character in text) else ""


def _shortened(text: str) -> str:
    """Cut behind the last whole sentence, else behind the last clause, else behind a word."""
    if len(text) <= MAXIMUM_CHARACTERS:
        return text
    head = text[: MAXIMUM_CHARACTERS + 1]
    for ends in (". ", "! ", "? "), (", ", "; ", ": "):
        cut = max(head.rfind(end) for end in ends)
        if cut > MAXIMUM_CHARACTERS // 2:
            return head[: cut + 1].rstrip(" ,;:")
    return head[: head.rfind(" ")].rstrip(" ,;:") if " " in head else head[:-1]


def _plainest(text: str) -> str:
    """The words in small letters alone, which no rule changes: for texts that never settle."""
    return " ".join(re.findall(f"[{_LATIN}]+", text.lower()))

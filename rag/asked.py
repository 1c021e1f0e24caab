"""What a question asks for, by its words: a figure, a name, or neither. It knows no documents.

A recogniser writes no capitals and no marks, so only the words of the question count.
"""

import re
from enum import StrEnum


class AskedFor(StrEnum):
    """What a sentence must have to answer."""

    FIGURE = "figure"
    """How many, how long, when, what it costs."""
    NAME = "name"
    """Who."""
    DEFINITION = "definition"
    """What something is."""
    ANYTHING = "anything"


_FIGURE = re.compile(
    r"\bhow (many|much|old|long|far|early|late|tall|high|often|big|heavy|deep|wide|fast|large)\b"
    r"|\bwhen\b|\bcosts?\b|\bprice\b"
    r"|\b(what|which) (year|time|date|day|month|century|decade|age|number|percent|percentage)\b"
)
_NAME = re.compile(r"\b(who|whom|whose)\b")

_DEFINITION = re.compile(
    r"^\W*(so |and |please |tell me )*what (is|are|is \(are\)) (an? )?"
    r"(?!the |it\b|its |this |that |these |those |your |my |our |their |his |her |there\b)"
    r"((?!of\b|for\b|in\b|on\b|at\b|to\b|from\b|by\b|with\b)[\w'-]+\W*){1,6}$"
)
"""Of a thing by its name; "what is the capital of France" asks for no definition."""

_HAS_FIGURE = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(thir|four|fif|six|seven"
    r"|eigh|nine)teen|(twen|thir|for|fif|six|seven|eigh|nine)ty|hundreds?|thousands?|millions?"
    r"|billions?|dozens?|half|quarter|once|twice|noon|midnight|century|first|second|third"
    r"|(mon|tues|wednes|thurs|fri|satur|sun)days?)\b",
    re.IGNORECASE,
)
_DEFINES = re.compile(r"^\W*([\w'’,()-]+ ){1,10}(is|are) (an?|the|any|one|when|what)\b")
_HAS_NAME = re.compile(r"(?<=[\w,;:)] )[^\W\d_a-z][^\W\d_]+")
"""A capital inside a sentence."""


def asked_for(question: str) -> AskedFor:
    """By its interrogative; of two kinds the figure ("who won in what year")."""
    lowered = question.lower()
    if _FIGURE.search(lowered):
        return AskedFor.FIGURE
    if _DEFINITION.match(lowered):
        return AskedFor.DEFINITION
    return AskedFor.NAME if _NAME.search(lowered) else AskedFor.ANYTHING


def has_what_is_asked(wanted: AskedFor, sentence: str) -> bool:
    """Whether a sentence could hold it; never for ANYTHING, which tells no sentences apart."""
    if wanted is AskedFor.FIGURE:
        return _HAS_FIGURE.search(sentence) is not None
    if wanted is AskedFor.DEFINITION:
        return _DEFINES.match(sentence) is not None
    return wanted is AskedFor.NAME and _HAS_NAME.search(sentence) is not None

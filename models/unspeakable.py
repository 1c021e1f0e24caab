"""Which characters no voice may be given: it removes them and changes nothing else.

espeak-ng takes control characters for commands, Piper's phonemizer raises on NUL and on lone
surrogates, and pictures would be read out by their Unicode names.
"""

import re
import unicodedata
from typing import Final

_ORDINARY: Final = re.compile(r"[ -~\n]*")
_LINE_ENDS: Final = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_REMOVED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "So"})
_KEPT_SYMBOLS: Final = frozenset("°©®")
_INVISIBLE_LETTERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")


def without_unspeakable(text: str) -> str:
    """The text with neither control, format, surrogate, private nor picture characters.

    Every line end becomes a line feed, all other space (no-break, thin, tab) one plain space.
    """
    if _ORDINARY.fullmatch(text):
        return text
    return "".join(map(_spoken_character, _LINE_ENDS.sub("\n", text)))


def _spoken_character(character: str) -> str:
    if " " <= character <= "~" or character == "\n":
        return character
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category in _REMOVED_CATEGORIES:
        return character if character in _KEPT_SYMBOLS else ""
    if character in _INVISIBLE_LETTERS or _is_variation_or_tone(character):
        return ""
    return character


def _is_variation_or_tone(character: str) -> bool:
    """Variation selectors, Mongolian ones too, and the skin tones and keycaps of emoji."""
    return (
        "\ufe00" <= character <= "\ufe0f"
        or "\u180b" <= character <= "\u180f"
        or "\U000e0100" <= character <= "\U000e01ef"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or character == "\u20e3"
    )

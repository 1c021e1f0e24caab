"""Abbreviations and Roman numerals written out, where they cannot mean anything else.

Acronyms in capitals are left: the voices spell or read them well enough.
"""

import re
from typing import Final

from models.spoken_numbers import cardinal, ordinal

_ABBREVIATIONS: Final = {
    r"[Ee]\.\s?g\.,?": "for example,",
    r"[Ii]\.\s?e\.,?": "that is,",
    r"[Dd]r\.": "Doctor",
    r"[Mm]r\.": "Mister",
    r"[Mm]rs\.": "Missus",
    r"[Mm]s\.": "Miss",
    r"[Pp]rof\.": "Professor",
    r"[Jj]r\.": "Junior",
    r"[Ss]r\.": "Senior",
    r"[Rr]ev\.": "Reverend",
    r"[Cc]apt\.": "Captain",
    r"[Gg]en\.(?= [A-Z])": "General",
    r"[Aa]pprox\.": "approximately",
    r"[Ii]ncl\.": "including",
    r"[Ee]xcl\.": "excluding",
    r"[Dd]ept\.": "department",
    r"[Ee]st\.": "established",
    r"[Tt]el\.": "telephone",
    r"[Vv]s\.": "versus",
    r"[Cc]f\.": "compare",
    r"[Aa]ve\.": "Avenue",
    r"[Bb]lvd\.": "Boulevard",
    r"[Nn]os?\.(?= ?\d)": "number",
    r"p\.(?= ?\d)": "page",
    r"pp\.(?= ?\d)": "pages",
    r"[Ff]igs?\.(?= ?\d)": "figure",
    r"[Cc]h\.(?= ?[\dIVX])": "chapter",
    r"[Vv]ol\.(?= ?[\dIVX])": "volume",
    r"[Ss]ec\.(?= ?\d)": "section",
    r"[Cc]a?\.(?= ?\d)": "circa",
    r"[Mm]ax\.(?= ?\w)": "maximum",
    r"[Mm]in\.(?= ?\d)": "minimum",
    r"[Tt]emp\.(?= ?\w)": "temperature",
    r"w/o(?= )": "without",
    r"w/(?= ?\w)": "with",
}
_SAID: Final = tuple(_ABBREVIATIONS.values())
_ABBREVIATION: Final = re.compile(
    r"(?<![\w.])(?=[A-Za-z]{1,6}[./])(?:" + "|".join(f"({short})" for short in _ABBREVIATIONS) + ")"
)
"""One group for each, so that `lastindex` tells which it was; one pass costs a tenth of 33."""
_ENDING: Final = re.compile(
    r"(?<![\w.])(?P<short>etc|Inc|Ltd|Co|Corp|Rd)\.(?P<ends>(?=\s*$|\s+[A-Z]))?"
)
_ENDINGS: Final = {
    "etc": "et cetera",
    "Inc": "Incorporated",
    "Ltd": "Limited",
    "Co": "Company",
    "Corp": "Corporation",
    "Rd": "Road",
}
_STREET: Final = re.compile(r"(?<=[a-z]) St\.(?=,| [a-z]|\s*$)")
_SAINT: Final = re.compile(r"(?<![\w.])St\.?(?= [A-Z])")
_INITIALISM: Final = re.compile(r"(?<![\w.])(?:[A-Za-z]\.){2,}(?P<ends>(?=\s*$|\s+[A-Z][a-z]))?")

_ROMAN: Final = r"(?=[IVX])(?P<roman>X{0,3}(?:IX|IV|V?I{0,3}))(?![\w'-]|\.\w)"
_NUMBERED: Final = re.compile(
    r"\b(?P<what>[Cc]hapter|[Pp]art|[Ss]ection|[Bb]ook|[Vv]olume|[Aa]ct|[Aa]ppendix|[Aa]rticle"
    rf"|[Pp]hase|[Tt]ype|[Cc]lass|[Gg]rade|[Ll]evel|[Ww]orld [Ww]ar|WW) {_ROMAN}"
)
_RULER: Final = re.compile(
    r"\b(?P<who>(?:King|Queen|Pope|Tsar|Emperor) [A-Z][a-z]+"
    r"|(?:Henry|George|Elizabeth|Louis|Charles|William|Edward|Richard|James|Philip|Pius|Benedict)"
    rf"(?= [VX]|(?: II))) {_ROMAN}"
)
_ROMAN_VALUES: Final = {"I": 1, "V": 5, "X": 10}


def write_words_out(text: str) -> str:
    """Dr. is "Doctor", e.g. "for example", Chapter IV "Chapter four", Henry VIII "the eighth"."""
    if "." in text or "/" in text:
        text = _STREET.sub(" Street", text)
        text = _ABBREVIATION.sub(lambda m: _SAID[(m.lastindex or 1) - 1], text)
        text = _ENDING.sub(_with_its_stop, text)
        text = _INITIALISM.sub(_letters, text)
    text = _SAINT.sub("Saint", text)
    text = _NUMBERED.sub(lambda m: f"{m['what']} {cardinal(_roman_value(m['roman']))}", text)
    return _RULER.sub(lambda m: f"{m['who']} the {ordinal(_roman_value(m['roman']))}", text)


def _with_its_stop(match: re.Match[str]) -> str:
    return _ENDINGS[match["short"]] + ("." if match["ends"] is not None else "")


def _letters(match: re.Match[str]) -> str:
    """U.S.A. is "U S A", which no voice takes for a word; `ends` keeps the stop of a sentence."""
    joined = match[0].replace(".", "").upper()
    return " ".join(joined) + ("." if match["ends"] is not None else "")


def _roman_value(roman: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in roman]
    following = [*values[1:], 0]
    return sum(
        -value if value < after else value for value, after in zip(values, following, strict=True)
    )

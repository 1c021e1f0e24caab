"""Markup, addresses and typographic characters to plain running text, still with its symbols.

Knows Markdown, stray HTML, URLs and e-mail addresses; numbers and units are not its matter.
"""

import html
import re
import unicodedata
from typing import Final

from models.unspeakable import without_unspeakable

_VULGAR_FRACTIONS: Final = re.compile("[¼½¾⅐-⅞]")
_TYPOGRAPHY: Final = str.maketrans(
    {
        "²": "^2",
        "³": "^3",
        "º": "°",
        "№": "No. ",
        "⁄": "/",
        "−": "-",
        "‐": "-",
        "‑": "-",
        "‒": "–",
        "―": "—",
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "′": "'",
    }
    | dict.fromkeys("¹⁰⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾™®©ªˢ", "")
)
_THIN_THOUSANDS: Final = re.compile("(?<=\\d)[\u2009\u202f'’](?=\\d{3}(?!\\d))")

_SPACES: Final = re.compile(r"[^\S\n]{2,}")
_ENDLESS_FIGURES: Final = re.compile(r"\d{20,}")
"""No number has a name that long; left whole they would cost the number rules quadratic time."""

_TLD: Final = (
    "com|org|net|edu|gov|io|info|app|dev|ai|eu|uk|de|fr|es|it|nl|ch|at|be|ie|us|ca|au|nz|jp|test"
)
_HOST: Final = rf"(?:[A-Za-z0-9][A-Za-z0-9-]{{0,62}}\.){{1,8}}(?:{_TLD})\b"
_EMAIL: Final = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9_+-][\w.+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
)
_URL: Final = re.compile(
    rf"\b(?:(?:https?|ftp|wss?)://(?:www\.)?|www\.)(?P<host>[^\s/?#<>\"'()\[\]]+)"
    rf"(?P<path>/[^\s?#<>\"'()\[\]]*)?(?:[?#][^\s<>\"'()\[\]]*)?"
    rf"|(?<![\w@./-])(?P<bare>{_HOST})(?P<bare_path>/[^\s?#<>\"'()\[\]]*)?(?![\w@])"
)

_BULLET: Final = re.compile(r"^[ ]*(?:[-*+•·‣▪]|\d{1,3}[.)])[ ]+(?=\S)")
_HEADING: Final = re.compile(r"^[ ]*#{1,6}[ ]+|[ ]+#+[ ]*$")
_RULE_LINE: Final = re.compile(r"[ ]*(?:[-*_=|:~`+][ ]*){3,}(?:\w+[ ]*)?$")
_INLINE: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"<(?:mailto:)?((?:https?://|[^\s<>@]{1,64}@)[^\s<>]{1,200})>"), r" \1 "),
    (re.compile(r"</?[A-Za-z!][^<>]{0,200}>"), " "),
    (re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{0,500}(?: \"[^\"]{0,200}\")?\)"), r"\1"),
    (re.compile(r"\[\^?\d{1,3}\]"), ""),
    (re.compile(r"(?<!\w)_+|_+(?!\w)|[*`~]{2,}|`|(?<![\w)])\*|\*(?!\s?\w)"), ""),
)


def plain_text(text: str) -> str:
    """One line; the end of a heading, list item or paragraph ends a sentence."""
    return _addresses_spoken(_lines_joined(_markup_removed(_folded(text))))


def _folded(text: str) -> str:
    """Compatibility forms to plain ones (ligatures, full width), any script's digits to 0-9."""
    text = without_unspeakable(html.unescape(_THIN_THOUSANDS.sub("", text)))
    text = _ENDLESS_FIGURES.sub(lambda m: " ".join(m[0]), _SPACES.sub(" ", text))
    if text.isascii():
        return text
    text = _VULGAR_FRACTIONS.sub(_fraction_written_out, text).translate(_TYPOGRAPHY)
    text = without_unspeakable(unicodedata.normalize("NFKC", text))
    return re.sub(r"[^\W0-9A-Za-z_]", _ascii_digit, text)


def _fraction_written_out(match: re.Match[str]) -> str:
    return " " + unicodedata.normalize("NFKC", match[0]).replace("⁄", "/")


def _ascii_digit(match: re.Match[str]) -> str:
    value = unicodedata.decimal(match[0], None)
    return match[0] if value is None else str(value)


def _markup_removed(text: str) -> str:
    for pattern, plain in _INLINE:
        text = pattern.sub(plain, text)
    return text


def _lines_joined(text: str) -> str:
    if "\n" not in text and not text.lstrip().startswith(("#", "-", "*", "+", ">", "|", "•")):
        return text
    joined = ""
    starts_anew = True
    for raw in text.split("\n"):
        line = "" if _RULE_LINE.fullmatch(raw) else raw.strip().lstrip("> ")
        is_block = bool(_HEADING.match(line) or _BULLET.match(line) or line.startswith("|"))
        line = _line_without_marks(line)
        if line:
            joined = _appended(joined, line, starts_anew or is_block)
        starts_anew = is_block or not line
    return joined


def _line_without_marks(line: str) -> str:
    line = _HEADING.sub("", _BULLET.sub("", line))
    return ", ".join(cell.strip() for cell in line.split("|") if cell.strip())


def _appended(joined: str, line: str, starts_sentence: bool) -> str:
    if not joined:
        return line
    if starts_sentence and joined[-1] not in ".!?:;,":
        joined += "."
    return f"{joined} {line}"


def _addresses_spoken(text: str) -> str:
    if "@" in text:
        text = _EMAIL.sub(_email_spoken, text)
    return _URL.sub(_url_spoken, text) if "." in text or "://" in text else text


def _email_spoken(match: re.Match[str]) -> str:
    address = match[0].rstrip(".-")
    spoken = address.replace("@", " at ").replace(".", " dot ").replace("_", " underscore ")
    return spoken.replace("+", " plus ") + match[0][len(address) :]


def _url_spoken(match: re.Match[str]) -> str:
    """The host and at most two parts of the path: nobody listens to a query string."""
    host = (match["host"] or match["bare"]).removeprefix("www.")
    path = match["path"] or match["bare_path"] or ""
    end = ("." if match[0].endswith(".") else "") or ("," if match[0].endswith(",") else "")
    parts = [part for part in path.rstrip(".,;:!").split("/") if part][:2]
    spoken = " slash ".join([host.rstrip(".,;:!"), *parts])
    for sign, word in ((".", " dot "), (":", " port "), ("_", " underscore "), ("%20", " ")):
        spoken = spoken.replace(sign, word)
    return spoken + end

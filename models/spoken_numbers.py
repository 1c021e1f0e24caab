"""Numbers as English words: cardinals, ordinals, years, digit by digit.

Pure functions over digits; which number is a year or a price is decided elsewhere. Written here
because importing inflect costs 2.2 s, more than half of the whole start.
"""

from typing import Final

# fmt: off
_ONES: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)
_TENS: Final = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)
# fmt: on
_SCALES: Final = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_ORDINALS: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_LARGEST: Final = 10**15
_YEARS_BY_THOUSAND: Final = range(2000, 2010)


def cardinal(number: int) -> str:
    """Words without hyphens or commas, for 0 to 10**15 - 1: "two hundred and six".

    Raises ValueError outside that range.
    """
    if not 0 <= number < _LARGEST:
        raise ValueError("only 0 to 10**15 - 1 have a name here")
    if number < 100:
        return _below_hundred(number)
    if number < 1000:
        rest = number % 100
        return f"{_ONES[number // 100]} hundred" + (f" and {cardinal(rest)}" if rest else "")
    return _scaled(number)


def ordinal(number: int) -> str:
    """The position's name: 3 is "third", 21 "twenty first". Range as for `cardinal`."""
    *before, last = cardinal(number).split()
    if last in _ORDINALS:
        named = _ORDINALS[last]
    elif last.endswith("y"):
        named = last[:-1] + "ieth"
    else:
        named = last + "th"
    return " ".join([*before, named])


def year_name(year: int) -> str:
    """How a year is said, for 1000 to 2999: 1887 is "eighteen eighty seven"."""
    century, rest = divmod(year, 100)
    if year in _YEARS_BY_THOUSAND or year % 1000 == 0:
        return cardinal(year)
    if rest == 0:
        return f"{_below_hundred(century)} hundred"
    return f"{_below_hundred(century)} {'oh ' if rest < 10 else ''}{_below_hundred(rest)}"


def decade_name(year: int) -> str:
    """1880 is "eighteen eighties", 80 is "eighties"."""
    name = year_name(year) if year >= 1000 else cardinal(year)
    return name[:-1] + "ies" if name.endswith("y") else name + "s"


def digits_apart(digits: str) -> str:
    """Each digit on its own: "0049" is "0 0 4 9"."""
    return " ".join(digits)


def spoken_number(written: str) -> str:
    """One written number as it is to be said.

    `written` is digits with optional thousands commas and one decimal point. Up to three digits
    stay digits, which every voice reads well; longer ones become words, so that "1,887" can never
    be taken for a year by a later rule; a leading zero or more than 15 digits are read one by one.
    """
    whole, _, fraction = written.replace(",", "").partition(".")
    if (len(whole) > 1 and whole.startswith("0")) or len(whole) >= len(str(_LARGEST)):
        return digits_apart(whole + fraction)
    if len(whole) <= 3:
        return f"{whole}.{fraction}" if fraction else whole
    said = cardinal(int(whole))
    return f"{said} point {digits_apart(fraction)}" if fraction else said


def _below_hundred(number: int) -> str:
    if number < 20:
        return _ONES[number]
    ones = number % 10
    return _TENS[number // 10] + (f" {_ONES[ones]}" if ones else "")


def _scaled(number: int) -> str:
    parts = []
    for scale, name in _SCALES:
        count, number = divmod(number, scale)
        if count:
            parts.append(f"{cardinal(count)} {name}")
    if number:
        parts.append(("and " if number < 100 else "") + cardinal(number))
    return " ".join(parts)

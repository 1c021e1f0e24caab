"""Dates, years, times of day and telephone numbers, written in figures, as they are said.

Only what can be told by its form or by the word before it; a lone number stays a number.
"""

import re
from typing import Final

from models.spoken_numbers import decade_name, digits_apart, ordinal, year_name

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTH: Final = (
    "(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b(?:\.(?! *$| +[A-Z]))?)"
)
_DAY: Final = (
    "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
    r"|(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\b(?:\.(?! *$| +[A-Z]))?)"
)
_YEAR: Final = r"(?:1\d{3}|20\d\d)"
_CLOCK: Final = r"(?:[01]?\d|2[0-3])"
_HALF: Final = r"(?P<half>[aApP])\.?\s?[mM]\b(?P<dot>\.?)"
_END: Final = rf"(?P<end>(?=\s*$|\s+(?!{_MONTH}|{_DAY})[A-Z]))?"
"""Where the stop of "a.m." ends the sentence too."""
_MEASURED: Final = (
    r"\s?(?:%|°|percent|per cent|million|billion|times|degrees|met(?:re|er)|kilo|lit(?:re|er)|"
    r"(?:km|cm|mm|m|kg|g|l|ml|mph|h|s|ha|ft|mi|V|W|kW|kWh|GB|MB)\b)"
)
# fmt: off
_NOT_A_YEAR_AFTER: Final = frozenset({
    "Room", "Flat", "Page", "Model", "Unit", "Box", "Number", "Over", "About", "Nearly", "Almost",
    "Some", "The", "Up", "Only", "Exactly", "Around", "Approximately", "More", "Another", "All",
    "Than", "With", "For", "Has", "Have",
})
# fmt: on

_ISO_DATE: Final = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)(?:[T ]?(?=\d\d:\d\d))?(?![\d-])")
_DOTTED_DATE: Final = re.compile(rf"(?<![\d./])(\d\d?)([./])(\d\d?)\2({_YEAR})(?![\d/])")
_DAY_MONTH: Final = re.compile(
    rf"(?P<the>\bthe )?(?<![\w.,:-])(?P<day>\d\d?)(?:st|nd|rd|th)?(?: of)? "
    rf"(?P<month>{_MONTH})(?P<year>,? {_YEAR})?(?![\w-])"
)
_MONTH_DAY: Final = re.compile(
    rf"\b(?P<month>{_MONTH}) (?P<day>\d\d?)(?:st|nd|rd|th)?(?P<year>,? {_YEAR})?"
    rf"(?![\w:%°/]|[.,]\d|{_MEASURED})"
)
_MONTH_YEAR: Final = re.compile(rf"\b({_MONTH})(,?) ({_YEAR})(?!\w|[.,]\d)")
_MONTH_RANGE: Final = re.compile(rf"\b({_MONTH}) ?[-–/] ?({_MONTH})(?!\w)")
_DAY_RANGE: Final = re.compile(rf"\b({_DAY}) ?[-–/] ?({_DAY})(?!\w)")
_SHORT_DAY: Final = re.compile(r"\b(Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)(?:\.(?= ?\w)|(?= \d))")
_DECADE: Final = re.compile(r"(?:(?<![\w.])(?P<long>[1-2]\d\d0)|'(?P<short>\d0))'?s\b")
_SOMEONES_DECADE: Final = re.compile(
    r"\b(?P<whose>the|her|his|their|my|your|early|mid|late|in)(?P<gap>[ -])(?P<short>[2-9]0)'?s\b"
)

_COLON_TIME: Final = re.compile(
    rf"(?<![\d:.])(?P<hour>{_CLOCK}):(?P<minute>[0-5]\d)(?::[0-5]\d)?"
    rf"(?:\s?{_HALF}|\s?(?:hrs?|h|hours)\b)?(?![\d:])"
    rf"{_END}"
)
_DOT_TIME: Final = re.compile(
    rf"(?<![\d:.])(?P<hour>{_CLOCK})[.](?P<minute>[0-5]\d)\s?{_HALF}{_END}"
)
_HOUR: Final = re.compile(rf"(?<![\d:.,])(?P<hour>1[0-2]|0?[1-9])\s?{_HALF}{_END}")
_CUED_TIMES: Final = re.compile(
    rf"\b(?P<cue>[Aa]t|[Uu]ntil|[Tt]ill|[Ff]rom|[Bb]etween) (?P<first>{_CLOCK}\.[0-5]\d)"
    rf"(?:(?P<link> to | and | until | till | ?[-–] ?)(?P<second>{_CLOCK}\.[0-5]\d))?"
    rf"(?!\d|\.\d|{_MEASURED})"
)

_COUNTED: Final = r" (?!was|is|has|as|this|its)[a-z]+s\b"
"""A plural after it makes a number of it: 1500 sailors."""
_YEAR_RANGE: Final = re.compile(
    rf"(?<![\w.,-])({_YEAR}) ?[-–/] ?({_YEAR}|\d\d)(?![\w-]|[.,]\d|{_COUNTED}|{_MEASURED})"
)
_CUED_YEAR: Final = re.compile(
    r"\b(?P<cue>(?:[Ii]n|[Ss]ince|[Cc]irca|[Yy]ears?|[Uu]ntil|[Tt]ill|[Dd]uring|[Ss]pring|[Ss]ummer"
    r"|[Aa]utumn|[Ww]inter|[Ee]arly|[Ll]ate|[Mm]id|[Bb]uilt|[Ff]ounded|[Oo]pened|[Ee]stablished"
    r"|[Bb]orn|[Dd]ied|[Dd]ated|[Cc]ompleted|[Rr]estored|[Ll]aunched|From|By|After|Before"
    r"|It was) (?:about |around |the year )?)"
    rf"(?:(?P<modern>1[6-9]\d\d|20\d\d)|(?P<old>1\d{{3}})(?!{_COUNTED}))(?!\w|[.,]\d|{_MEASURED})"
)
_LINKED_YEAR: Final = re.compile(
    r"\b(?P<cue>(?:from|to|and|by|of|before|after|[Bb]etween|or) (?:about |around )?)"
    rf"(?P<year>{_YEAR})(?!\w|[.,]\d|{_COUNTED}|{_MEASURED})"
)
_BRACKETED_YEAR: Final = re.compile(rf"\(({_YEAR})\)")
_NAMED_YEAR: Final = re.compile(
    r"\b(?P<name>[A-Z][a-z]+),? (?P<year>1[1-9]\d\d|20\d\d)"
    rf"(?!\w|[.,]\d|{_COUNTED})"
)
_ERA_YEAR: Final = re.compile(rf"\b({_YEAR}) (AD|BC|CE|BCE)\b")

_PHONE: Final = re.compile(
    r"(?<![\w.,+])(?:\+\d{1,3}[ ()-]{0,2}(?:\(0\)[ ]?)?\d[\d ()-]{4,18}\d"
    r"|\(0?\d{2,5}\)[ ]?\d{3,4}[ -]?\d{3,4}"
    r"|0\d{2,4}[ -]\d{3,4}(?:[ -]?\d{3,4})?|0\d{9,10}"
    r"|\d{3}-\d{3,4}-\d{4}|\d{3}-\d{4}|\d{3} \d{3} \d{4})(?![\w-]|[.,]\d)"
)


def say_dates(text: str) -> str:
    """Dates with a day or a month, weekdays, decades and ranges of years."""
    text = _ISO_DATE.sub(lambda m: _date(m[0], int(m[3]), int(m[2]), int(m[1])), text)
    text = _DOTTED_DATE.sub(_dotted_date, text)
    text = _YEAR_RANGE.sub(_year_range, text)
    text = _DAY_MONTH.sub(_day_month, text)
    text = _MONTH_DAY.sub(_month_day, text)
    text = _MONTH_YEAR.sub(lambda m: f"{_month(m[1])}{m[2]} {year_name(int(m[3]))}", text)
    text = _MONTH_RANGE.sub(lambda m: f"{_month(m[1])} to {_month(m[2])}", text)
    text = _DAY_RANGE.sub(lambda m: f"{_day(m[1])} to {_day(m[2])}", text)
    text = _SHORT_DAY.sub(lambda m: _day(m[1]), text)
    text = _DECADE.sub(lambda m: decade_name(int(m["long"] or m["short"])), text)
    return _SOMEONES_DECADE.sub(
        lambda m: f"{m['whose']}{m['gap']}{decade_name(int(m['short']))}", text
    )


def say_times(text: str) -> str:
    """9:30 is "9 30", 17:05 is "5 oh 5 PM"; 9.30 only beside a.m., at, from, until or between."""
    text = _COLON_TIME.sub(_time_with_half, text)
    text = _DOT_TIME.sub(_time_with_half, text)
    text = _HOUR.sub(_time_with_half, text)
    return _CUED_TIMES.sub(_cued_times, text)


def say_phones(text: str) -> str:
    """Digit by digit, a pause between the groups."""
    return _PHONE.sub(_phone, text)


def say_years(text: str) -> str:
    """1887 as a year where the words beside it say so; to be called after units are spoken."""
    text = _CUED_YEAR.sub(lambda m: m["cue"] + year_name(int(m["modern"] or m["old"])), text)
    text = _LINKED_YEAR.sub(lambda m: m["cue"] + year_name(int(m["year"])), text)
    text = _BRACKETED_YEAR.sub(lambda m: f"({year_name(int(m[1]))})", text)
    text = _ERA_YEAR.sub(lambda m: f"{year_name(int(m[1]))} {m[2]}", text)
    return _NAMED_YEAR.sub(_named_year, text)


def _date(written: str, day: int, month: int, year: int) -> str:
    if not (1 <= day <= 31 and 1 <= month <= 12 and 1000 <= year < 3000):
        return written
    return f"the {ordinal(day)} of {_MONTHS[month - 1]} {year_name(year)} "


def _dotted_date(match: re.Match[str]) -> str:
    """Day first, unless only the other order makes a date."""
    day, month, year = int(match[1]), int(match[3]), int(match[4])
    if month > 12:
        day, month = month, day
    return _date(match[0], day, month, year).rstrip()


def _day_month(match: re.Match[str]) -> str:
    if not 1 <= int(match["day"]) <= 31:
        return match[0]
    return (
        f"{match['the'] or 'the '}{ordinal(int(match['day']))} of {_month(match['month'])}"
        f"{_year_after(match)}"
    )


def _month_day(match: re.Match[str]) -> str:
    if not 1 <= int(match["day"]) <= 31:
        return match[0]
    return f"{_month(match['month'])} {ordinal(int(match['day']))}{_year_after(match)}"


def _year_after(match: re.Match[str]) -> str:
    year = match["year"]
    return f"{year[:-4]}{year_name(int(year[-4:]))}" if year else ""


def _month(written: str) -> str:
    return next(month for month in _MONTHS if month.startswith(written[:3]))


def _day(written: str) -> str:
    return next(day for day in _DAYS if day.startswith(written[:3]))


def _time_with_half(match: re.Match[str]) -> str:
    groups = match.groupdict()
    half = groups["half"]
    stop = "." if groups["dot"] and groups["end"] is not None else ""
    return _time(int(groups["hour"]), int(groups.get("minute") or 0), half or "") + stop


def _time(hour: int, minute: int, half: str) -> str:
    suffix = f" {half.upper()}M" if half else ""
    if not half and (hour > 12 or hour == 0):
        suffix = " PM" if hour else " AM"
    said = str(hour % 12 or 12)
    if minute:
        said += f" {'oh ' if minute < 10 else ''}{minute}"
    return said + (suffix or ("" if minute else " o'clock"))


def _cued_times(match: re.Match[str]) -> str:
    said = f"{match['cue']} {_dot_time(match['first'])}"
    if not match["second"]:
        return said
    link = " to " if match["link"].strip() in {"-", "–"} else match["link"]
    return f"{said}{link}{_dot_time(match['second'])}"


def _dot_time(written: str) -> str:
    hour, minute = written.split(".")
    return _time(int(hour), int(minute), "")


def _year_range(match: re.Match[str]) -> str:
    first, second = match[1], match[2]
    if len(second) == 2:
        if int(second) <= int(first[2:]):
            return match[0]
        return f"{year_name(int(first))} to {second}"
    return f"{year_name(int(first))} to {year_name(int(second))}"


def _named_year(match: re.Match[str]) -> str:
    if match["name"] in _NOT_A_YEAR_AFTER:
        return match[0]
    return match[0][:-4] + year_name(int(match["year"]))


def _phone(match: re.Match[str]) -> str:
    groups = [digits_apart(group) for group in re.findall(r"\d+", match[0].replace("(0)", ""))]
    return ("plus " if match[0].startswith("+") else "") + ", ".join(groups)

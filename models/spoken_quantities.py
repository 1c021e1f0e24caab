"""Money, units, percentages, ranges, fractions and signs between figures, in words.

Expects dates, times and telephone numbers to be gone already.
"""

import re
from typing import Final

from models.spoken_numbers import cardinal, ordinal, spoken_number

_NUMBER: Final = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_START: Final = r"(?<![\w.,])"

_CURRENCIES: Final = {
    "€": ("euro", "euros", "cents"),
    "EUR": ("euro", "euros", "cents"),
    "£": ("pound", "pounds", "pence"),
    "GBP": ("pound", "pounds", "pence"),
    "$": ("dollar", "dollars", "cents"),
    "USD": ("dollar", "dollars", "cents"),
    "¥": ("yen", "yen", "sen"),
    "JPY": ("yen", "yen", "sen"),
    "₹": ("rupee", "rupees", "paise"),
    "CHF": ("franc", "francs", "rappen"),
}
_CURRENCY: Final = r"(?:[€£$¥₹]|\b(?:EUR|GBP|USD|JPY|CHF)\b)"
_SCALES: Final = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "bn": "billion",
    "b": "billion",
    "tn": "trillion",
}
_SCALE: Final = r"(?:(?:mn|bn|tn|[kKmMbB]|thousand|million|billion|trillion)\b)"

_UNITS: Final = {
    "km/h|kmh|kph": ("kilometre per hour", "kilometres per hour"),
    "m/s": ("metre per second", "metres per second"),
    "mph": ("mile per hour", "miles per hour"),
    r"km\^?2|sq\.? km": ("square kilometre", "square kilometres"),
    r"cm\^?2|sq\.? cm": ("square centimetre", "square centimetres"),
    r"m\^?2|sq\.? m": ("square metre", "square metres"),
    r"ft\^?2|sq\.? ft": ("square foot", "square feet"),
    r"cm\^?3": ("cubic centimetre", "cubic centimetres"),
    r"m\^?3": ("cubic metre", "cubic metres"),
    "km": ("kilometre", "kilometres"),
    "cm": ("centimetre", "centimetres"),
    "mm": ("millimetre", "millimetres"),
    "[µμ]m": ("micrometre", "micrometres"),
    "m": ("metre", "metres"),
    "mi": ("mile", "miles"),
    "ft": ("foot", "feet"),
    "yd": ("yard", "yards"),
    "ha": ("hectare", "hectares"),
    "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "[µμ]g": ("microgram", "micrograms"),
    "g": ("gram", "grams"),
    "t": ("tonne", "tonnes"),
    "lbs?": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "ml|mL": ("millilitre", "millilitres"),
    "cl": ("centilitre", "centilitres"),
    "l|L": ("litre", "litres"),
    "MWh": ("megawatt hour", "megawatt hours"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "Wh": ("watt hour", "watt hours"),
    "mAh": ("milliamp hour", "milliamp hours"),
    "MW": ("megawatt", "megawatts"),
    "kW": ("kilowatt", "kilowatts"),
    "W": ("watt", "watts"),
    "kV": ("kilovolt", "kilovolts"),
    "V": ("volt", "volts"),
    "mA": ("milliamp", "milliamps"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "Hz": ("hertz", "hertz"),
    "dB": ("decibel", "decibels"),
    "hPa": ("hectopascal", "hectopascals"),
    "kPa": ("kilopascal", "kilopascals"),
    "kcal": ("kilocalorie", "kilocalories"),
    "kJ": ("kilojoule", "kilojoules"),
    "k[bB]": ("kilobyte", "kilobytes"),
    "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"),
    "Mbit/s|Mbps": ("megabit per second", "megabits per second"),
    "Gbit/s|Gbps": ("gigabit per second", "gigabits per second"),
    "rpm": ("turn per minute", "turns per minute"),
    "Ω": ("ohm", "ohms"),
    "ms": ("millisecond", "milliseconds"),
    "secs?|s": ("second", "seconds"),
    "mins?": ("minute", "minutes"),
    "hrs?|h": ("hour", "hours"),
    "yrs?": ("year", "years"),
    "° ?C": ("degree Celsius", "degrees Celsius"),
    "° ?F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
    "%": ("percent", "percent"),
    "‰": ("per mille", "per mille"),
}
_PER: Final = {
    unit: unit for unit in ("hour", "day", "week", "month", "year", "night", "person")
} | {
    "h": "hour",
    "hr": "hour",
    "min": "minute",
    "s": "second",
    "mo": "month",
    "yr": "year",
    "kg": "kilogram",
    "g": "gram",
    "l": "litre",
    "L": "litre",
    "ml": "millilitre",
    "m": "metre",
    "km": "kilometre",
    "m^2": "square metre",
    "m2": "square metre",
    "ha": "hectare",
    "kWh": "kilowatt hour",
}
_PER_UNIT: Final = "|".join(re.escape(unit) for unit in sorted(_PER, key=len, reverse=True))

_UNIT: Final = re.compile(
    rf"(?:{_START}(?P<number>{_NUMBER})[ -]?|\b(?P<part>half|thirds?|quarters?) )"
    rf"(?P<unit>{'|'.join(f'(?:{unit})' for unit in _UNITS)})"
    rf"(?:/(?P<per>{_PER_UNIT}))?(?![\w/^°]|'\w)"
)
_UNIT_FORMS: Final = tuple((re.compile(unit), names) for unit, names in _UNITS.items())
_MONEY_RANGE: Final = re.compile(
    rf"(?P<sign>{_CURRENCY}) ?(?P<first>{_NUMBER}) ?[-–] ?(?P=sign)? ?(?P<second>{_NUMBER})"
    r"(?![\w-])"
)
_MONEY_BEFORE: Final = re.compile(
    rf"(?P<sign>{_CURRENCY}) ?(?P<amount>{_NUMBER})(?: ?(?P<scale>{_SCALE}))?"
    rf"(?:/(?P<per>{_PER_UNIT})\b)?(?!\d)"
)
_MONEY_AFTER: Final = re.compile(
    rf"{_START}(?P<amount>{_NUMBER})(?: ?(?P<scale>{_SCALE}))? ?(?P<sign>{_CURRENCY})"
    rf"(?:/(?P<per>{_PER_UNIT})\b)?(?!\w)"
)
_RANGE: Final = re.compile(rf"(?<![\w.,-])(?P<first>{_NUMBER})(?:-| ?[–—] ?)(?={_NUMBER}(?!-?\d))")
_SAID_RANGE: Final = re.compile(
    r"\b([AP]M|o'clock|euros?|pounds?|dollars?|cents|pence|\d\d?)(?:-| ?– ?)(?=\d)(?!\d+-)"
)
_MINUS: Final = re.compile(r"(?:(?<=[\s(])|^)[-–](?=[€£$]?\d)")
_FRACTION: Final = re.compile(
    r"(?<![\w./,])(?:(?P<whole>\d{1,3}) )?(?P<top>\d\d?)/(?P<bottom>\d{1,3})(?![\w/]|\.\d)"
)
_RATIO: Final = re.compile(r"(?<![\w.:])(\d{1,4}):(\d{1,4})(?![\w:])")
_VERSION: Final = re.compile(r"(?<![\w.,])v?(\d+(?:\.\d+){2,})(?![\w]|\.\d)")
_ORDINAL: Final = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3}){1,3}|\d{1,6})(?:st|nd|rd|th)\b")
_POWER: Final = re.compile(r"\^([23])(?!\d)")
_TIMES: Final = re.compile(r"(?<=\d) ?[xX] ?(?=\d)")
_GLUED: Final = re.compile(r"(?<=[^\W\d_])\d{4,}|\d{4,}(?=[^\W\d_])")
_PLAIN: Final = re.compile(rf"(?<!\d)(?<!\d[.,]){_NUMBER}")
_SIGNS: Final = (
    *((">=", " at least "), ("<=", " at most "), ("≥", " at least "), ("≤", " at most ")),
    *(("±", " plus or minus "), ("×", " times "), ("÷", " divided by "), ("≈", " about ")),
    *(("≠", " is not "), ("=", " equals "), ("+", " plus "), ("§", " section ")),
)
_COMPARED: Final = re.compile(r"([<>]) ?(?=\d)")
_ABOUT: Final = re.compile(r"~ ?(?=\d)")
_HASH: Final = re.compile(r"#(?=\d)")


def say_quantities(text: str) -> str:
    """Everything that gives a number its meaning: money, ranges, units, fractions, signs."""
    text = _MINUS.sub("minus ", text)
    text = _ABOUT.sub("about ", _HASH.sub("number ", text))
    text = _COMPARED.sub(lambda m: " less than " if m[1] == "<" else " more than ", text)
    text = _MONEY_RANGE.sub(_money_range, text)
    text = _MONEY_AFTER.sub(_money, _MONEY_BEFORE.sub(_money, text))
    text = _RANGE.sub(r"\g<first> to ", text)
    text = _SAID_RANGE.sub(r"\1 to ", text)
    text = _FRACTION.sub(_fraction, text)
    return _POWER.sub(lambda m: " squared" if m[1] == "2" else " cubed", _UNIT.sub(_unit, text))


def say_numbers(text: str) -> str:
    """What is left: ordinals, ratios, versions, signs and plain numbers, years said before."""
    text = _ORDINAL.sub(lambda m: ordinal(int(m[1].replace(",", ""))), text)
    text = _VERSION.sub(lambda m: m[1].replace(".", " point "), text)
    text = _RATIO.sub(r"\1 to \2", text)
    text = _TIMES.sub(" by ", text)
    for sign, words in _SIGNS:
        text = text.replace(sign, words)
    text = _GLUED.sub(lambda m: f" {' '.join(m[0])} ", text)
    return _PLAIN.sub(lambda m: spoken_number(m[0]), text)


def _money_range(match: re.Match[str]) -> str:
    if "." in match["first"] + match["second"]:
        return f"{match['sign']}{match['first']} to {match['sign']}{match['second']}"
    plural = _CURRENCIES[match["sign"]][1]
    return f"{spoken_number(match['first'])} to {spoken_number(match['second'])} {plural}"


def _money(match: re.Match[str]) -> str:
    """€12.50 is "12 euros 50", £0.99 is "99 pence", $3.5m is "3.5 million dollars"."""
    said = _amount(match["amount"], match["scale"] or "", _CURRENCIES[match["sign"]])
    return f"{said} per {_PER[match['per']]}" if match["per"] else said


def _amount(amount: str, scale: str, names: tuple[str, str, str]) -> str:
    one, many, small = names
    if scale:
        return f"{spoken_number(amount)} {_SCALES.get(scale.lower(), scale)} {many}"
    whole, _, cents = amount.partition(".")
    if len(cents) != 2:
        return f"{spoken_number(amount)} {one if amount == '1' else many}"
    if whole == "0" and int(cents):
        return f"{int(cents)} {small}"
    said = f"{spoken_number(whole)} {one if whole == '1' else many}"
    if int(cents) == 0:
        return said
    return f"{said} {cents}" if cents[0] != "0" else f"{said} and {int(cents)} {small}"


def _unit(match: re.Match[str]) -> str:
    names = next(names for unit, names in _UNIT_FORMS if unit.fullmatch(match["unit"]))
    per = f" per {_PER[match['per']]}" if match["per"] else ""
    if match["part"]:
        return f"{match['part']} {names[1]}{per}"
    return f"{spoken_number(match['number'])} {names[0 if match['number'] == '1' else 1]}{per}"


def _fraction(match: re.Match[str]) -> str:
    """3/4 is "three quarters", 1 1/2 "1 and a half", 8/10 "8 out of 10"; 24/7 is left."""
    top, bottom = int(match["top"]), int(match["bottom"])
    whole = f"{match['whole']} " if match["whole"] else ""
    if bottom in (10, 100) and top <= bottom:
        return f"{whole}{top} out of {bottom}"
    if not 0 < top < bottom <= 9:
        return match[0]
    name = {2: "half", 4: "quarter"}.get(bottom) or ordinal(bottom)
    count = cardinal(top) if not whole or top > 1 else "a"
    return f"{whole}{'and ' if whole else ''}{count} {name}{'s' if top > 1 else ''}"

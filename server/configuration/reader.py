"""Reads one setting from its variable: kind, range, and what is accepted instead. Opens no file.

It knows the fields of a dataclass by their types and metadata, and no setting by its name.
"""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, get_type_hints


class FieldReader:
    """Reads the fields of `kind`; what is wrong is gathered in `problems`, a line each.

    `places` tells where a variable that is not in the environment was written.
    """

    def __init__(
        self,
        kind: type,
        variables: Mapping[str, str],
        variable_of: Callable[[str], str],
        secrets: Collection[str] = (),
        places: Mapping[str, str] | None = None,
    ) -> None:
        self.problems: list[str] = []
        self.origins: dict[str, str] = {}
        self.names = [item.name for item in fields(kind)]
        self._variables = variables
        self._variable_of = variable_of
        self._secrets = secrets
        self._places = places or {}
        self._kinds = get_type_hints(kind)
        self._metadata = {item.name: item.metadata for item in fields(kind)}

    def value(self, name: str, default: Any, origin: str = "default") -> Any:
        """Return the variable's value, or the default, which comes from `origin`."""
        variable = self._variable_of(name)
        raw = self._variables.get(variable, "").strip()
        if not raw:
            self.origins[name] = origin
            return default
        self.origins[name] = self._placed(variable)
        try:
            return self._checked(
                name, _PARSERS[_parser_of(self._kinds[name])](raw, self._kinds[name])
            )
        except ValueError as error:
            shown = "***" if name in self._secrets else repr(raw[:80])
            self.problems.append(f"{self._placed(variable)} is {shown}: {error}")
            return default

    def refuse_unknown(self) -> None:
        """Note every PARLEY_ variable that is none of the fields."""
        known = [self._variable_of(name) for name in self.names]
        for variable in sorted(self._variables):
            if variable.startswith("PARLEY_") and variable not in known:
                near = difflib.get_close_matches(variable, known, 1)
                hint = f"; did you mean {near[0]}?" if near else "; see `parley doctor`"
                self.problems.append(f"{self._placed(variable)} is no setting{hint}")

    def _placed(self, variable: str) -> str:
        place = self._places.get(variable)
        return f"{variable} in {place}" if place else variable

    def _checked(self, name: str, value: Any) -> Any:
        low, high = self._metadata[name]["low"], self._metadata[name]["high"]
        if low is not None and not low <= value <= high:
            raise ValueError(f"accepted are {low:g} to {high:g}")
        return value


def _parser_of(kind: type) -> type:
    return StrEnum if issubclass(kind, StrEnum) else kind


def _parse_choice(raw: str, kind: type) -> Any:
    choices = [str(member) for member in kind]  # type: ignore[attr-defined]
    if raw.lower() not in choices:
        raise ValueError(f"accepted are {', '.join(choices)}")
    return kind(raw.lower())


def _parse_switch(raw: str, kind: type) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    if raw.lower() not in words:
        raise ValueError("accepted are 1, true, yes, on, 0, false, no, off")
    return words[raw.lower()]


def _parse_whole(raw: str, kind: type) -> int:
    try:
        return int(raw)
    except ValueError:
        raise ValueError("a whole number is needed") from None


def _parse_number(raw: str, kind: type) -> float:
    try:
        number = float(raw)
    except ValueError:
        raise ValueError("a number is needed") from None
    if number != number:
        raise ValueError("a number is needed")
    return number


_PARSERS: Mapping[type, Callable[[str, type], Any]] = {
    StrEnum: _parse_choice,
    bool: _parse_switch,
    int: _parse_whole,
    float: _parse_number,
    str: lambda raw, kind: raw,
    Path: lambda raw, kind: Path(raw).expanduser().resolve(),
}

"""Reads one JSON object field by field; what does not fit raises the one error that names it.

It knows no event: server/wire/client_events.py and its neighbours do.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from server.errors import InvalidEvent

Choice = TypeVar("Choice", bound=StrEnum)

MOST_OPAQUE_CHARACTERS = 32_768
"""Of an object that is only kept and told again, as JSON."""


@dataclass(slots=True)
class Fields:
    """One object of a client's event, at `path`. It notes which fields were asked for."""

    values: Mapping[str, Any]
    path: str = ""
    _asked: set[str] = field(default_factory=set)
    _children: dict[str, "Fields"] = field(default_factory=dict)

    def at(self, name: str) -> str:
        """Return the path of a field, as `param` tells it."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """Whether the field is there, if only as null."""
        self._asked.add(name)
        return name in self.values

    def is_null(self, name: str) -> bool:
        """Whether the field is there and null."""
        return self.has(name) and self.values[name] is None

    def refuse(self, name: str, reason: str, code: str = "invalid_value") -> InvalidEvent:
        """Return the error for a field; `reason` continues its name."""
        return InvalidEvent(f"`{self.at(name)}` {reason}", self.at(name), code=code)

    def value(self, name: str) -> Any:
        """Return whatever is there, None when nothing is."""
        self._asked.add(name)
        return self.values.get(name)

    def text(self, name: str, longest: int) -> str | None:
        """Return a text; None for null or when absent. Half surrogate pairs become "?"."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.refuse(name, "must be a string.", "invalid_type")
        if len(value) > longest:
            raise self.refuse(name, f"may have at most {longest} characters.")
        return value.encode("utf-8", "replace").decode("utf-8")

    def needed_text(self, name: str, longest: int) -> str:
        """Return a text that must be there."""
        found = self.text(name, longest)
        if found is None:
            raise self.refuse(name, "must be a string.", "missing_required_parameter")
        return found

    def number(self, name: str, low: float, high: float) -> float | None:
        """Return a number in the range; None for null or when absent."""
        value = self.value(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refuse(name, "must be a number.", "invalid_type")
        if not low <= value <= high:
            raise self.refuse(name, f"must be a number from {low:g} to {high:g}.")
        return float(value)

    def whole(self, name: str, low: int, high: int) -> int | None:
        """Return a whole number in the range; None for null or when absent."""
        value = self.number(name, low, high)
        if value is not None and value != int(value):
            raise self.refuse(name, "must be a whole number.", "invalid_type")
        return None if value is None else int(value)

    def flag(self, name: str) -> bool | None:
        """Return true or false; None for null or when absent."""
        value = self.value(name)
        if value is not None and not isinstance(value, bool):
            raise self.refuse(name, "must be true or false.", "invalid_type")
        return value

    def choice(self, name: str, choices: type[Choice]) -> Choice | None:
        """Return one of a closed set; None for null or when absent."""
        value = self.text(name, 200)
        if value is None:
            return None
        if value not in set(choices):
            raise self.refuse(name, f"must be one of {', '.join(choices)}.")
        return choices(value)

    def child(self, name: str) -> "Fields":
        """Return the object there; an empty one for null or when absent."""
        value = self.value(name)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise self.refuse(name, "must be an object.", "invalid_type")
        return self._children.setdefault(name, Fields(value, self.at(name)))

    def opaque(self, name: str) -> Mapping[str, Any] | None:
        """Return an object that is only kept and told again; None for null or when absent."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.refuse(name, "must be an object.", "invalid_type")
        if len(json.dumps(value)) > MOST_OPAQUE_CHARACTERS:
            raise self.refuse(name, f"may have at most {MOST_OPAQUE_CHARACTERS} characters.")
        return value

    def texts(self, name: str, most: int, longest: int = 200) -> tuple[str, ...] | None:
        """Return a list of texts; None for null or when absent."""
        listed = self._listed(name, most)
        if listed is None:
            return None
        numbered = Fields({f"{name}[{at}]": each for at, each in enumerate(listed)}, self.path)
        return tuple(numbered.needed_text(each, longest) for each in numbered.values)

    def children(self, name: str, most: int) -> tuple["Fields", ...] | None:
        """Return a list of objects; None for null or when absent."""
        listed = self._listed(name, most)
        if listed is None:
            return None
        numbered = Fields({f"{name}[{at}]": each for at, each in enumerate(listed)}, self.path)
        return tuple(self._adopt(numbered, each) for each in numbered.values)

    def unknown(self) -> Iterator[str]:
        """Yield the paths of fields that nobody asked for, here and below."""
        yield from (self.at(name)[:200] for name in self.values if name not in self._asked)
        for child in self._children.values():
            yield from child.unknown()

    def _adopt(self, numbered: "Fields", name: str) -> "Fields":
        if not isinstance(numbered.values[name], dict):
            raise numbered.refuse(name, "must be an object.", "invalid_type")
        return self._children.setdefault(name, numbered.child(name))

    def _listed(self, name: str, most: int) -> list[Any] | None:
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise self.refuse(name, "must be a list.", "invalid_type")
        if len(value) > most:
            raise self.refuse(name, f"may have at most {most} entries.")
        return value

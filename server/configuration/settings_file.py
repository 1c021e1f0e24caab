"""Reads PARLEY_SETTINGS_FILE: a KEY=VALUE a line, as in an env file. It judges no value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

FILE_VARIABLE: Final = "PARLEY_SETTINGS_FILE"
MAXIMUM_BYTES: Final = 1 << 20
PREFIXES: Final = ("PARLEY_", "HF_")


@dataclass(frozen=True, slots=True)
class WrittenSettings:
    """What the file says, the file and line of each, and what is wrong with its lines."""

    values: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read_settings_file(name: str) -> WrittenSettings:
    """Read the file of that name; nothing for no name. Raises nothing: problems are told."""
    if not name:
        return WrittenSettings()
    path = Path(name).expanduser()
    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            return WrittenSettings(problems=(f"{FILE_VARIABLE}: {path} is larger than 1 MB",))
        text = path.read_text("utf-8")
    except OSError as error:
        told = f"{FILE_VARIABLE}: {path} cannot be read: {error.strerror}"
        return WrittenSettings(problems=(told,))
    except UnicodeDecodeError:
        return WrittenSettings(problems=(f"{FILE_VARIABLE}: {path} is not UTF-8 text",))
    return parse_settings(text, path.name)


def parse_settings(text: str, name: str) -> WrittenSettings:
    """Return what the lines of the file `name` say.

    Empty lines and lines that begin with # say nothing; one pair of quotes round a value is no
    part of it. A value is never in a problem, for it may be a secret.
    """
    values: dict[str, str] = {}
    places: dict[str, str] = {}
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = line.partition("=")
        key, place = key.strip(), f"{name}, line {number}"
        if problem := _problem_of(key, equals, values):
            problems.append(f"{place}: {problem}")
            continue
        values[key], places[key] = _unquoted(value.strip()), place
    return WrittenSettings(values, places, tuple(problems))


def _problem_of(key: str, equals: str, before: Mapping[str, str]) -> str:
    if not equals:
        return "KEY=VALUE is expected"
    if key in before:
        return f"{key} is set twice"
    if key == FILE_VARIABLE or not key.startswith(PREFIXES):
        return "only PARLEY_ and HF_ settings may be set here, and no other settings file"
    return ""


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value

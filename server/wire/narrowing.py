"""`session.parley.filter`, sans-I/O: a JSON object to what answers may come from, and back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rag.filter import EVERYTHING, Filter
from server.errors import InvalidEvent

PATH: Final = "session.parley.filter"
MOST_NAMES: Final = 100
MOST_CHARACTERS: Final = 500
_NAMES: Final = ("collections", "documents", "folders", "tags")
_TIMES: Final = ("since", "until")
_LATEST_S: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def parse_narrowing(written: object) -> Filter:
    """Null and {} let everything through. Raises InvalidEvent naming the field.

    The same wishes in another order give the same filter, so that they share cached answers.
    """
    if written is None:
        return EVERYTHING
    if not isinstance(written, dict):
        raise InvalidEvent(f"`{PATH}` must be an object or null.", PATH)
    unknown = sorted(written.keys() - {*_NAMES, *_TIMES})
    if unknown:
        accepted = ", ".join((*_NAMES, *_TIMES))
        path = f"{PATH}.{unknown[0][:80]}"
        raise InvalidEvent(f"`{path}` is not one of {accepted}.", path)
    names = {name: _names(written, name) for name in _NAMES}
    return Filter(**names, since_s=_time_s(written, "since"), until_s=_time_s(written, "until"))


def describe_narrowing(narrowing: Filter) -> dict[str, object] | None:
    """The inverse of parse_narrowing, for `session.updated`; None where all answers."""
    if narrowing.is_open:
        return None
    told: dict[str, object] = {
        "collections": narrowing.collections,
        "documents": narrowing.documents,
        "folders": narrowing.folders,
        "tags": narrowing.tags,
        "since": _written(narrowing.since_s),
        "until": _written(narrowing.until_s),
    }
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in told.items()
        if value not in ((), None)
    }


def _names(written: Mapping[str, Any], name: str) -> tuple[str, ...]:
    path, names = f"{PATH}.{name}", written.get(name)
    if names is None:
        return ()
    is_list = isinstance(names, list) and len(names) <= MOST_NAMES
    if not is_list or not all(_is_name(one) for one in names):
        raise InvalidEvent(
            f"`{path}` must be a list of at most {MOST_NAMES} strings of at most "
            f"{MOST_CHARACTERS} characters.",
            path,
        )
    return tuple(sorted(set(names)))


def _is_name(value: object) -> bool:
    """Half a surrogate pair, which JSON may carry, is in no name of a store."""
    if not isinstance(value, str) or len(value) > MOST_CHARACTERS:
        return False
    return value.isascii() or value == value.encode("utf-8", "replace").decode()


def _time_s(written: Mapping[str, Any], name: str) -> int | None:
    path, value = f"{PATH}.{name}", written.get(name)
    if value is None:
        return None
    try:
        told = datetime.fromisoformat(value)
        time_s = int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp())
    except (TypeError, ValueError, OverflowError):
        time_s = -1
    if not 0 <= time_s < _LATEST_S:
        raise InvalidEvent(f"`{path}` must be ISO 8601, from 1970 to 9999.", path)
    return time_s


def _written(time_s: int | None) -> str | None:
    return None if time_s is None else datetime.fromtimestamp(time_s, UTC).isoformat()

"""Which documents may answer a question, and how SQL says so. It reads no store."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Filter:
    """Every field that is set must agree; of the values in one field any suffices.

    An empty field asks nothing. `documents` are names as they are cited. A folder holds what is in
    the folders below it; "" stands for no folder. Documents whose time is unknown have time 0.
    """

    collections: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since_s: int | None = None
    """Changed at or after this time, in seconds since 1970."""
    until_s: int | None = None
    """Changed before this time, in seconds since 1970."""

    @property
    def is_open(self) -> bool:
        """Whether it lets everything through."""
        return self == EVERYTHING

    def condition(self) -> tuple[str, tuple[str | int, ...]]:
        """A condition on the table `documents` with its parameters; none of the text is SQL."""
        asked: list[tuple[str, str | int]] = [
            (clause, json.dumps(values))
            for clause, values in (
                ("collection IN (SELECT value FROM json_each(?))", self.collections),
                ("name IN (SELECT value FROM json_each(?))", self.documents),
                (_IN_FOLDER, [folder.strip("/") for folder in self.folders]),
                (_HAS_TAG, self.tags),
            )
            if values
        ]
        if self.since_s is not None:
            asked.append(("modified_at >= ?", self.since_s))
        if self.until_s is not None:
            asked.append(("modified_at < ?", self.until_s))
        return " AND ".join(clause for clause, _ in asked) or "1", tuple(
            value for _, value in asked
        )


EVERYTHING = Filter()

_IN_FOLDER = (
    "EXISTS (SELECT 1 FROM json_each(?) WHERE documents.folder = value "
    "OR substr(documents.folder, 1, length(value) + 1) = value || '/')"
)
_HAS_TAG = (
    "EXISTS (SELECT 1 FROM json_each(?) WHERE "
    "instr(',' || documents.tags || ',', ',' || value || ',') > 0)"
)

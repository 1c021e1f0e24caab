"""One row a minute for seven days, in SQLite, so that last night can be looked at in the morning.

It blocks: server/watching/health_watch.py calls it in a worker thread. It measures nothing itself.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final

KEPT_S: Final = 7 * 24 * 3600
KEPT_ROWS: Final = KEPT_S // 60
"""Also a bound by number: a clock that jumps cannot make it grow."""
SCHEMA_VERSION: Final = 1
BUSY_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Minute:
    """How the process stood at the end of one minute; the figures are of that minute."""

    at_unix_s: int
    answers: int
    """Turns whose first sound was sent."""
    p50_ms: float
    p95_ms: float
    """Voice-to-voice."""
    sessions: int
    refused: int
    load: float
    search_hit_rate: float
    speech_hit_rate: float
    """Of the last hour, 0 to 1."""
    memory_bytes: int
    loop_lag_ms: float
    """The most."""
    alerts: str
    """Names of what was raised, with a comma between."""


class HistoryError(Exception):
    """The history cannot be kept; `reason` is for the log."""


class History:
    """The file. Every method opens and closes it: it may be deleted or copied at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, minute: Minute) -> None:
        """Write one row and drop what is too old. A damaged file is set aside first.

        Raises HistoryError when the disk does not take it or a newer Parley wrote the file.
        """
        try:
            self._keep(minute)
        except sqlite3.OperationalError as error:
            raise HistoryError(str(error)) from error
        except sqlite3.DatabaseError:
            self._set_aside()
            self._keep_in_new(minute)
        except OSError as error:
            raise HistoryError(type(error).__name__) from error

    def _keep_in_new(self, minute: Minute) -> None:
        """Write one row into a file that was just begun. Raises HistoryError."""
        try:
            self._keep(minute)
        except (sqlite3.Error, OSError) as error:
            raise HistoryError(type(error).__name__) from error

    def latest(self, rows: int) -> list[Minute]:
        """Return the last rows, oldest first; none when there is no readable file."""
        if not self._path.is_file():
            return []
        try:
            with closing(self._open()) as database:
                found = database.execute(
                    f"SELECT {_NAMES} FROM minutes ORDER BY at_unix_s DESC LIMIT ?", (rows,)
                ).fetchall()
        except (sqlite3.Error, HistoryError):
            return []
        return [Minute(*row) for row in reversed(found)]

    def _keep(self, minute: Minute) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._open()) as database, database:
            database.execute(
                f"INSERT OR REPLACE INTO minutes ({_NAMES}) VALUES ({_MARKS})", astuple(minute)
            )
            database.execute(
                "DELETE FROM minutes WHERE at_unix_s < ?", (minute.at_unix_s - KEPT_S,)
            )
            database.execute(
                "DELETE FROM minutes WHERE at_unix_s NOT IN "
                "(SELECT at_unix_s FROM minutes ORDER BY at_unix_s DESC LIMIT ?)",
                (KEPT_ROWS,),
            )

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S)
        try:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise HistoryError(f"the file is of version {version}")
            database.execute(
                f"CREATE TABLE IF NOT EXISTS minutes ({_NAMES}, PRIMARY KEY (at_unix_s))"
            )
            database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except BaseException:
            database.close()
            raise
        return database

    def _set_aside(self) -> None:
        self._path.replace(self._path.with_suffix(".damaged"))


def columns(minutes: Sequence[Minute]) -> dict[str, list[object]]:
    """Return name to values: shorter in JSON than a row each."""
    return {name: [getattr(row, name) for row in minutes] for name in _FIELDS}


_FIELDS = tuple(field.name for field in fields(Minute))
_NAMES = ", ".join(_FIELDS)
_MARKS = ", ".join("?" for _ in _FIELDS)

"""The disk tier: an SQLite index, small values in it, large ones in files beside it. Blocking.

It knows bytes under keys, not values, and checks none: server/cache/entry.py does. Several
processes may use one folder at a time; within one, call it from the threads of the ladder only.
"""

import errno
import hashlib
import logging
import os
import secrets
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.cache.entry import HEADER_BYTES, MAXIMUM_BODY_BYTES

log = logging.getLogger(__name__)

FILE_FROM_BYTES: Final = 32 * 1024
"""Larger values are files: SQLite reads 200 KB of blob more slowly than the file system does."""

ROOM_SHARE: Final = 0.9
"""When the limit is reached, the least recently used go until this share of it is left."""

FULL_PAUSE_S: Final = 30.0
"""Writes rest this long after the disk was full."""

BUSY_TIMEOUT_S: Final = 0.2
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
SCHEMA_VERSION: Final = 2

_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS entries(
    key TEXT PRIMARY KEY, stage TEXT NOT NULL, size INTEGER NOT NULL, used REAL NOT NULL,
    expires REAL NOT NULL, file TEXT NOT NULL, body BLOB) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_use ON entries(used);
CREATE TABLE IF NOT EXISTS totals(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO totals VALUES ('epoch', 0);
CREATE TABLE IF NOT EXISTS tallies(
    stage TEXT PRIMARY KEY, bytes INTEGER NOT NULL, evictions INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS entry_added AFTER INSERT ON entries BEGIN
    INSERT INTO tallies VALUES (new.stage, new.size, 0)
        ON CONFLICT(stage) DO UPDATE SET bytes = bytes + new.size; END;
CREATE TRIGGER IF NOT EXISTS entry_removed AFTER DELETE ON entries BEGIN
    UPDATE tallies SET bytes = bytes - old.size WHERE stage = old.stage; END;
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""


class DiskFull(Exception):
    """There is no room: writes rest for a while. Raised once; then writes return False."""


class DiskUnavailable(Exception):
    """The folder cannot be read or written."""


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What one stage has on disk."""

    entries: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class DiskTally:
    """What one stage has on disk now, and how many of its values went for room."""

    size_bytes: int = 0
    evictions: int = 0


class DiskStore:
    """One folder. Each thread has its own connection, and closes it by `close`.

    `now` gives wall-clock seconds, for the age of entries only.
    """

    def __init__(
        self, folder: Path, limit_bytes: int, now: Callable[[], float] = time.time
    ) -> None:
        """Open or make the folder; an index that cannot be read is thrown away.

        Raises DiskUnavailable when the folder cannot be made or written.
        """
        self._folder = folder
        self.limit_bytes = limit_bytes
        """May be changed: the next write makes room."""
        self._now = now
        self._local = threading.local()
        self._guard = threading.Lock()
        self._life = 0
        """Grows when the folder starts anew: connections of before are closed by their threads."""
        self._used: dict[str, float] = {}
        self._full_until_s = 0.0
        try:
            self._open()
            self._sweep()
        except (OSError, sqlite3.Error) as error:
            raise DiskUnavailable(f"{folder}: {type(error).__name__}") from error
        finally:
            self.close()

    @property
    def is_paused(self) -> bool:
        """Whether writes rest because the disk was full."""
        return time.monotonic() < self._full_until_s

    def get(self, key: str) -> bytes | None:
        """Return the bytes, or None when absent or expired. Raises DiskUnavailable."""
        try:
            row = self._connection().execute(
                "SELECT size, expires, file, body FROM entries WHERE key = ?", (key,)
            )
            found = row.fetchone()
            if found is None:
                return None
            size, expires_at_s, file, body = found
            if expires_at_s <= self._now() or size > MAXIMUM_BODY_BYTES + HEADER_BYTES:
                self.delete(key)
                return None
            self._note_use(key)
            return self._read_file(key, str(file), int(size)) if file else bytes(body)
        except (OSError, sqlite3.Error, TypeError) as error:
            raise self._trouble(error) from error

    def put(self, key: str, blob: bytes, keep_s: float) -> bool:
        """Keep the bytes that long; False while writes rest or when there is never room.

        Raises DiskFull, DiskUnavailable.
        """
        if self.is_paused or len(blob) > self.limit_bytes:
            return False
        try:
            self._write(key, blob, self._now() + keep_s)
            self._make_room()
        except (OSError, sqlite3.Error) as error:
            raise self._trouble(error) from error
        return True

    def delete(self, key: str) -> None:
        """Forget one key. Raises DiskUnavailable."""
        try:
            self._forget([key])
        except (OSError, sqlite3.Error) as error:
            raise self._trouble(error) from error

    def invalidate(self, pattern: str) -> int:
        """Delete the keys that match the glob and tell the servers. Raises DiskUnavailable."""
        try:
            connection = self._connection()
            rows = connection.execute("SELECT key FROM entries WHERE key GLOB ?", (pattern,))
            keys = [str(key) for (key,) in rows]
            self._forget(keys)
            connection.execute("UPDATE totals SET value = value + 1 WHERE name = 'epoch'")
        except (OSError, sqlite3.Error) as error:
            raise self._trouble(error) from error
        return len(keys)

    def epoch(self) -> int:
        """Return how often something was invalidated; writes the uses down. Raises as `get`."""
        try:
            self._flush_uses()
            row = self._connection().execute("SELECT value FROM totals WHERE name = 'epoch'")
            return int(row.fetchone()[0])
        except (OSError, sqlite3.Error) as error:
            raise self._trouble(error) from error

    def use(self) -> dict[str, DiskUse]:
        """Return what each stage has. Raises DiskUnavailable."""
        try:
            rows = self._connection().execute(
                "SELECT stage, count(*), sum(size) FROM entries GROUP BY stage"
            )
            return {str(stage): DiskUse(count, size) for stage, count, size in rows}
        except (OSError, sqlite3.Error) as error:
            raise self._trouble(error) from error

    def tallies(self) -> dict[str, DiskTally]:
        """Return what each stage has, without counting it anew. Raises DiskUnavailable."""
        try:
            rows = self._connection().execute("SELECT stage, bytes, evictions FROM tallies")
            return {str(stage): DiskTally(size, evictions) for stage, size, evictions in rows}
        except (OSError, sqlite3.Error) as error:
            raise self._trouble(error) from error

    def close(self) -> None:
        """Close this thread's connection; another thread's may be in use, so it closes its own."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is not None:
            self._local.connection = None
            with suppress(sqlite3.Error):
                found.close()

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._files.mkdir(exist_ok=True, mode=0o700)
        try:
            connection = self._connection()
            if connection.execute("PRAGMA user_version").fetchone()[0] in (0, SCHEMA_VERSION):
                connection.executescript(_TABLES)
                return
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in _DAMAGED:
                raise
            log.warning("The index of the disk cache is damaged: it starts anew")
        self._start_anew()

    def _start_anew(self) -> None:
        self._life += 1
        shutil.rmtree(self._folder, ignore_errors=True)
        self._files.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._connection().executescript(_TABLES)

    @property
    def _files(self) -> Path:
        return self._folder / "values"

    def _connection(self) -> sqlite3.Connection:
        if getattr(self._local, "life", None) != self._life:
            self.close()
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(
                self._folder / "index.sqlite3",
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            self._local.connection, self._local.life = found, self._life
            found.execute("PRAGMA journal_mode = WAL")
            found.execute("PRAGMA synchronous = NORMAL")
        return found

    def _size_bytes(self) -> int:
        row = self._connection().execute("SELECT coalesce(sum(bytes), 0) FROM tallies")
        return int(row.fetchone()[0])

    def _write(self, key: str, blob: bytes, expires_at_s: float) -> None:
        is_file = len(blob) > FILE_FROM_BYTES
        file = self._write_file(key, blob) if is_file else ""
        stage = _stage_of(key)
        with self._transaction() as connection:
            connection.execute("DELETE FROM entries WHERE key = ?", (key,))
            connection.execute(
                "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
                (key, stage, len(blob), self._now(), expires_at_s, file, None if file else blob),
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            # A full disk has rolled back already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _write_file(self, key: str, blob: bytes) -> str:
        """Written aside and renamed; not synced, for what a power cut leaves fails its checksum."""
        name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        part = self._files / f"{name}.{secrets.token_hex(4)}.part"
        try:
            with open(part, "wb", opener=_private) as stream:
                stream.write(blob)
            os.replace(part, self._files / name)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        return name

    def _read_file(self, key: str, file: str, size: int) -> bytes | None:
        try:
            with (self._files / file).open("rb") as stream:
                return stream.read(size + 1)
        except FileNotFoundError:
            self._forget([key])
            return None

    def _make_room(self) -> None:
        excess = self._size_bytes() - self.limit_bytes
        if excess <= 0:
            return
        self._flush_uses()
        excess += int(self.limit_bytes * (1 - ROOM_SHARE))
        keys: list[str] = []
        for key, size in self._connection().execute("SELECT key, size FROM entries ORDER BY used"):
            if excess <= 0:
                break
            keys.append(str(key))
            excess -= int(size)
        self._forget(keys)
        self._connection().executemany(
            "UPDATE tallies SET evictions = evictions + ? WHERE stage = ?",
            [(count, stage) for stage, count in Counter(map(_stage_of, keys)).items()],
        )

    def _forget(self, keys: Iterable[str]) -> None:
        connection = self._connection()
        for key in keys:
            row = connection.execute("DELETE FROM entries WHERE key = ? RETURNING file", (key,))
            for (file,) in row.fetchall():
                if file:
                    (self._files / str(file)).unlink(missing_ok=True)

    def _note_use(self, key: str) -> None:
        with self._guard:
            self._used[key] = self._now()

    def _flush_uses(self) -> None:
        with self._guard:
            used, self._used = self._used, {}
        if used and not self.is_paused:
            with self._transaction() as connection:
                connection.executemany(
                    "UPDATE entries SET used = ? WHERE key = ?",
                    ((used_at_s, key) for key, used_at_s in used.items()),
                )

    def _sweep(self) -> None:
        """Remove what a killed process left behind, and what is too old."""
        connection = self._connection()
        old = connection.execute("SELECT key FROM entries WHERE expires <= ?", (self._now(),))
        self._forget([str(key) for (key,) in old.fetchall()])
        known = {str(file) for (file,) in connection.execute("SELECT file FROM entries")}
        for path in self._files.iterdir():
            is_young = self._now() - path.stat().st_mtime < 60
            if path.name not in known and not is_young:
                path.unlink(missing_ok=True)

    def _trouble(self, error: Exception) -> Exception:
        if _is_full(error):
            self._full_until_s = time.monotonic() + FULL_PAUSE_S
            return DiskFull()
        if getattr(error, "sqlite_errorcode", None) in _DAMAGED:
            log.warning("The index of the disk cache is damaged: it starts anew")
            with suppress(OSError, sqlite3.Error):
                self._start_anew()
        return DiskUnavailable(type(error).__name__)


def _stage_of(key: str) -> str:
    return key.partition(":")[0]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.Error) and code == sqlite3.SQLITE_FULL

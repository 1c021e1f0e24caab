"""recorded.json: the sha256 of what was downloaded, and of files that were hashed before.

It compares nothing: models/locate.py and models/fetch.py decide what a difference means.
"""

import hashlib
import json
import logging
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from models.catalog import ModelEntry, ModelFile
from models.exclusive import exclusive

LOGGER = logging.getLogger(__name__)
RECORD_NAME = "recorded.json"
_LOCK_WAIT_S = 10.0


def sha256_of(path: Path) -> str:
    """Hash a file in constant memory; 145 MB take about 0.1 s with the CPU's own instructions."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hub_key(entry: ModelEntry, file: ModelFile) -> str:
    """Name a hub file independently of where it lies: `repo@revision/name`."""
    return f"{entry.repo}@{entry.revision}/{file.name}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a file was when it was downloaded or first seen; `when` is UTC, ISO 8601."""

    sha256: str
    size_bytes: int
    when: str

    @classmethod
    def now(cls, sha256: str, size_bytes: int) -> Self:
        """Stamp a record with the present time, to the second."""
        return cls(sha256, size_bytes, datetime.now(UTC).isoformat(timespec="seconds"))


@dataclass(frozen=True, slots=True)
class _Hashed:
    sha256: str
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class _Content:
    """`downloads` is keyed by `hub_key`, `seen` and `hashed` by absolute path."""

    downloads: dict[str, Recorded] = field(default_factory=dict)
    seen: dict[str, Recorded] = field(default_factory=dict)
    hashed: dict[str, _Hashed] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Raise ValueError, TypeError, KeyError or AttributeError on anything unexpected."""
        parts = json.loads(raw)
        return cls(
            {key: Recorded(**value) for key, value in parts["downloads"].items()},
            {key: Recorded(**value) for key, value in parts["seen"].items()},
            {key: _Hashed(**value) for key, value in parts["hashed"].items()},
        )

    def merge(self, newer: Self) -> None:
        self.downloads.update(newer.downloads)
        self.seen.update(newer.seen)
        self.hashed.update(newer.hashed)


class DigestRecord:
    """The recorded.json of one models folder, read once; `save` merges what this process added.

    A download binds a hub file wherever it lies, a first sight binds a path that was filled by
    hand, a remembered hash only saves time. For one thread.
    """

    def __init__(self, models_dir: Path) -> None:
        self._path = models_dir / RECORD_NAME
        self._content = self._read()
        self._has_news = False

    def download(self, key: str) -> Recorded | None:
        """The record of the first download of `key`, if there was one."""
        return self._content.downloads.get(key)

    def record_download(self, key: str, sha256: str, size_bytes: int) -> None:
        """Bind `key`; a record that exists already is kept."""
        if key not in self._content.downloads:
            self._content.downloads[key] = Recorded.now(sha256, size_bytes)
            self._has_news = True

    def first_seen(self, path: Path, sha256: str) -> Recorded:
        """The record of a hand-placed file, made now when this is the first time."""
        key = str(path.absolute())
        if key not in self._content.seen:
            self._content.seen[key] = Recorded.now(sha256, path.stat().st_size)
            self._has_news = True
        return self._content.seen[key]

    def sha256(self, path: Path, rehash: bool = False) -> str:
        """Hash `path`, or remember its hash while its size and modification time are the same."""
        key, facts = str(path.absolute()), path.stat()
        known = self._content.hashed.get(key)
        same = known and (known.size_bytes, known.modified_ns) == (facts.st_size, facts.st_mtime_ns)
        if known and same and not rehash:
            return known.sha256
        digest = sha256_of(path)
        self._content.hashed[key] = _Hashed(digest, facts.st_size, facts.st_mtime_ns)
        self._has_news = True
        return digest

    def save(self) -> None:
        """Write what is new, if anything. Raises OSError (also when the lock stays taken)."""
        if not self._has_news:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(self._path.with_name(f".{RECORD_NAME}.lock"), _LOCK_WAIT_S):
            merged = self._read()
            merged.merge(self._content)
            write_durably(self._path, json.dumps(asdict(merged), indent=1, sort_keys=True).encode())
        self._has_news = False

    def save_if_possible(self) -> None:
        """Save what only saves time; a read-only models folder is no error."""
        try:
            self.save()
        except OSError as error:
            LOGGER.debug("%s was not written: %s", self._path, error)

    def _read(self) -> _Content:
        try:
            return _Content.parse(self._path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return _Content()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._set_aside(type(error).__name__)
            return _Content()

    def _set_aside(self, cause: str) -> None:
        damaged = self._path.with_suffix(".damaged")
        LOGGER.warning("%s is damaged (%s); it is kept as %s", self._path, cause, damaged.name)
        with suppress(OSError):
            os.replace(self._path, damaged)


def write_durably(path: Path, content: bytes) -> None:
    """Replace `path` with `content` so that a crash leaves the old or the new file, whole."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as out:
        try:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
            os.replace(out.name, path)
        except OSError:
            Path(out.name).unlink(missing_ok=True)
            raise

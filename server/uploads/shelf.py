"""The folder of uploaded documents: bounded, and as before when a document proves unreadable.

Blocking; for one thread. It reads no document and judges no name (server/uploads/names.py does).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.errors import UploadError

MAXIMUM_FILES = 1000
_PART, _BEFORE = ".part", ".before"
"""Endings of hidden files, which no ingest of the folder reads."""


@dataclass(slots=True)
class Placed:
    """A document in its place, on trial until `keep` is called."""

    path: Path
    is_kept: bool = False

    def keep(self) -> None:
        """It was read: it stays."""
        self.is_kept = True


@dataclass(frozen=True, slots=True)
class Shelf:
    """`total_bytes` bounds all documents together."""

    folder: Path
    total_bytes: int

    @contextmanager
    def placed(self, name: str, content: bytes) -> Iterator[Placed]:
        """Put the document in its place; what stood there comes back unless it is kept.

        Raises UploadError when the folder is full or the disk fails.
        """
        try:
            self._make_room(name, len(content))
            placed = Placed(self.folder / name)
            before = self._write(name, content)
        except OSError as error:
            raise UploadError(f"It cannot be written: {error.strerror}.", "store") from None
        try:
            yield placed
        finally:
            if placed.is_kept:
                before.unlink(missing_ok=True)
            elif before.exists():
                before.replace(placed.path)
            else:
                placed.path.unlink(missing_ok=True)

    def _make_room(self, name: str, size_bytes: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sizes: dict[str, int] = {}
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    self._tidy(entry.name)
                else:
                    sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
        sizes[name] = size_bytes
        if len(sizes) > MAXIMUM_FILES or sum(sizes.values()) > self.total_bytes:
            raise UploadError(
                "The folder of added documents is full. Whoever runs the server can make room in "
                "it, or raise PARLEY_UPLOADS_TOTAL_BYTES.",
                "full",
            )

    def _tidy(self, name: str) -> None:
        """Clear up after a process that ended in the middle; other hidden files are not ours."""
        path = self.folder / name
        if name.endswith(_BEFORE):
            shown = self.folder / name[1:].removesuffix(_BEFORE)
            if shown.exists():
                path.unlink()
            else:
                path.replace(shown)
        elif name.endswith(_PART):
            path.unlink()

    def _write(self, name: str, content: bytes) -> Path:
        """Return where the document that stood there lies meanwhile, if one did."""
        path, part = self.folder / name, self.folder / f".{name}{_PART}"
        before = self.folder / f".{name}{_BEFORE}"
        with part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            path.replace(before)
        part.replace(path)
        return before

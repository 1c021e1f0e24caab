"""Notices by looking again and again that files changed, came or went. It reads none of them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.walk import Found, find_files

Signature = dict[str, tuple[int, int, int, int]]
"""By path: size, time of content, time of status (which no program can set), inode."""


@dataclass(slots=True)
class FolderWatch:
    """Compares what is there with what was there when the last ingest began."""

    paths: Sequence[Path]
    _taken: Signature = field(default_factory=dict)
    _seen: Signature = field(default_factory=dict)

    def take(self) -> None:
        """An ingest begins: what changes from here on is for the next one."""
        self._taken = self._seen = self._look()

    def has_settled(self) -> bool:
        """Something is new since take(), and nothing moved since the last call."""
        before, self._seen = self._seen, self._look()
        return self._seen != self._taken and self._seen == before

    def _look(self) -> Signature:
        found = [entry for path in self.paths for entry in find_files(path)]
        signatures = ((str(e.path), _signature(e.path)) for e in found if isinstance(e, Found))
        return {path: signature for path, signature in signatures if signature is not None}


def _signature(path: Path) -> tuple[int, int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)

"""The folder of published indexes: which one is current, and how another takes its place.

A build that is killed at any moment leaves the old version or the new one. It builds none itself.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.snapshot import (
    MANIFEST_NAME,
    Manifest,
    Snapshot,
    SnapshotDamagedError,
    open_snapshot,
    sync,
    version_suffix,
)

_VERSION = re.compile(r"\d{6}-[0-9a-f]{32}")
_UNFINISHED = ".building-"
CURRENT_NAME = "current"
KEPT = 2
"""The current version and the one before, which is served when the current one is damaged."""


class BuildRunningError(Exception):
    """Another process is building an index in this folder."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The newest snapshot that is whole, if any, and what was wrong with the newer ones."""

    snapshot: Snapshot | None
    damaged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SnapshotFolder:
    """PARLEY_DATA_DIR/indexes. One builder at a time, any number of readers."""

    path: Path

    def current(self) -> str:
        """The version that the pointer names; "" without one, or when it names none."""
        try:
            name = (self.path / CURRENT_NAME).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""
        return name if _VERSION.fullmatch(name) and (self.path / name).is_dir() else ""

    def versions(self) -> list[str]:
        """All published versions, the newest first."""
        try:
            names = [entry.name for entry in self.path.iterdir() if entry.is_dir()]
        except FileNotFoundError:
            return []
        return sorted(filter(_VERSION.fullmatch, names), reverse=True)

    def folder_of(self, version: str) -> Path:
        """Where a version's files are."""
        return self.path / version

    def open_newest(self, misfit: Callable[[Manifest], str] = lambda manifest: "") -> Opened:
        """The current version, or where it cannot be used the newest other one that can.

        `misfit` says why a version that is whole cannot be used, "" when it can.
        """
        current = self.current()
        damaged: list[str] = []
        if not current and (self.path / CURRENT_NAME).exists():
            damaged.append(f"the pointer {CURRENT_NAME} names no version")
        others = [version for version in self.versions() if version != current]
        for version in [*filter(None, [current]), *others]:
            try:
                snapshot = open_snapshot(self.path / version)
            except SnapshotDamagedError as error:
                damaged.append(str(error))
                continue
            reason = misfit(snapshot.manifest)
            if not reason:
                return Opened(snapshot, tuple(damaged))
            damaged.append(f"{version}: {reason}")
        return Opened(None, tuple(damaged))

    @contextmanager
    def building(self) -> Iterator[Path]:
        """A fresh folder to build in, for the one builder; what others left half-made is removed.

        Raises BuildRunningError when another process holds the lock, which its death frees.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BuildRunningError(f"an index is being built in {self.path}") from None
            for leftover in self.path.glob(f"{_UNFINISHED}*"):
                shutil.rmtree(leftover, ignore_errors=True)
            folder = self.path / f"{_UNFINISHED}{os.getpid()}"
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def publish(self, folder: Path, manifest: Manifest) -> str:
        """Give the built folder its name and point to it; return the version. OSError by the disk.

        Everything is on the disk before the pointer names it.
        """
        content = manifest.to_bytes()
        (folder / MANIFEST_NAME).write_bytes(content)
        for path in [*folder.iterdir(), folder]:
            sync(path)
        newest = max((int(version[:6]) for version in self.versions()), default=0)
        version = f"{newest + 1:06d}-{version_suffix(content)}"
        os.rename(folder, self.path / version)
        sync(self.path)
        self._point_to(version)
        self._prune(version)
        return version

    def forget_all(self) -> None:
        """Remove every version: the corpus needs none."""
        (self.path / CURRENT_NAME).unlink(missing_ok=True)
        for version in self.versions():
            self._remove(version)

    def _point_to(self, version: str) -> None:
        part = self.path / f"{CURRENT_NAME}.part"
        part.write_text(version, encoding="ascii")
        sync(part)
        os.replace(part, self.path / CURRENT_NAME)
        sync(self.path)

    def _prune(self, current: str) -> None:
        """Files that a reader has mapped live on until it lets them go."""
        others = [version for version in self.versions() if version != current]
        for version in others[KEPT - 1 :]:
            self._remove(version)

    def _remove(self, version: str) -> None:
        """At once for readers; what a kill leaves of it, the next build removes."""
        leaving = self.path / f"{_UNFINISHED}{version}"
        os.rename(self.path / version, leaving)
        shutil.rmtree(leaving, ignore_errors=True)

"""Finds the files to ingest without leaving the folder that was given. It opens none."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.documents import SUPPORTED_SUFFIXES


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read. `name` is its path below `root`, with forward slashes."""

    path: Path
    root: Path
    name: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A path that is not read. `is_unsupported` marks kinds that a folder may well hold."""

    path: Path
    reason: str
    is_unsupported: bool = False


def find_files(given: Path) -> Iterator[Found | Refused]:
    """Walk a folder in sorted order, or take a single file.

    Hidden files and folders are passed over in silence; so are links to what lies inside the
    folder, which is met at its own place. Links that lead out of it are refused by name.
    """
    root = given.resolve()
    if root.is_dir():
        yield from _walk(root)
    elif root.is_file():
        yield _judge(root, root.parent)
    elif root.exists():
        yield Refused(root, "it is neither a file nor a folder")
    else:
        yield Refused(root, "it does not exist")


def _walk(root: Path) -> Iterator[Found | Refused]:
    """Depth first without recursion: folders may be nested deeper than Python's stack."""
    waiting: list[Iterator[os.DirEntry[str] | Refused]] = [_entries(root)]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
        elif isinstance(entry, Refused):
            yield entry
        elif entry.is_dir(follow_symlinks=False):
            waiting.append(_entries(Path(entry.path)))
        else:
            yield from _take(entry, root)


def _entries(folder: Path) -> Iterator[os.DirEntry[str] | Refused]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        return iter([Refused(folder, f"it cannot be listed ({error.strerror})")])
    return iter([entry for entry in entries if not entry.name.startswith(".")])


def _take(entry: os.DirEntry[str], root: Path) -> Iterator[Found | Refused]:
    path = Path(entry.path)
    if entry.is_symlink():
        yield from _judge_link(path, root)
    elif entry.is_file(follow_symlinks=False):
        yield _judge(path, root)
    else:
        yield Refused(path, "it is not a regular file")


def _judge_link(path: Path, root: Path) -> Iterator[Refused]:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        yield Refused(path, "it is a link to nothing")
        return
    if not target.is_relative_to(root):
        yield Refused(path, "it is a link that leads out of the folder")


def _judge(path: Path, root: Path) -> Found | Refused:
    if path.suffix.lower() not in SUPPORTED_SUFFIXES:
        accepted = ", ".join(sorted(SUPPORTED_SUFFIXES))
        reason = f"its kind is not supported (accepted: {accepted})"
        return Refused(path, reason, is_unsupported=True)
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return Refused(path, "its name is not valid UTF-8; rename it")
    return Found(path, root, path.relative_to(root).as_posix())

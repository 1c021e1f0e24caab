"""What has arrived of one download, and which version of the file it is. It knows no network."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from models.digest import write_durably


@dataclass(frozen=True, slots=True)
class Version:
    """How the hub tells versions of a file apart.

    `etag` is of the server that sent the bytes, `linked` the X-Linked-Etag of the hub before a
    redirect: for large files the sha256 of the content.
    """

    etag: str = ""
    linked: str = ""

    @property
    def strong_etag(self) -> str:
        """The ETag when it may go into If-Range, which takes no weak one (RFC 9110, 13.1.5)."""
        return "" if self.etag.startswith("W/") else self.etag

    def is_the_same(self, other: "Version") -> bool:
        """Whether the two surely name one version; the linked one decides where both have it."""
        pairs = [(self.linked, other.linked), (self.strong_etag, other.strong_etag)]
        known = [left == right for left, right in pairs if left and right]
        return bool(known) and known[0]


class PartFile:
    """`TARGET.part` with `TARGET.part.json` beside it, which holds the version."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._version_path = target.with_name(f"{target.name}.part.json")

    @property
    def size_bytes(self) -> int:
        """How much has arrived; 0 when nothing has."""
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def version(self) -> Version | None:
        """The version that the bytes are of; None means that they cannot be continued."""
        try:
            return Version(**json.loads(self._version_path.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def restart(self, version: Version) -> IO[bytes]:
        """Open an empty part of this version; the caller closes it."""
        self.discard()
        write_durably(self._version_path, json.dumps(asdict(version)).encode())
        return self.path.open("wb")

    def resume(self) -> IO[bytes]:
        """Open the part behind its last byte; the caller closes it."""
        return self.path.open("ab")

    def finish(self, target: Path) -> None:
        """Turn the part into the target, durably."""
        with self.path.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(self.path, target)
        self._version_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete the bytes and the version."""
        with suppress(FileNotFoundError):
            self.path.unlink()
        self._version_path.unlink(missing_ok=True)

"""What an ingest is told, tells on its way, and reports at its end. It reads no files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rag.read_pool import ReadLimits

DEFAULT_MAXIMUM_FILE_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to ingest. `collection` and `tags` of None leave a known document's as they are.

    A `dry_run` reads and reports but embeds and writes nothing. `workers` is how many files are
    read at once and how many batches are embedded at once.
    """

    collection: str | None = None
    tags: tuple[str, ...] | None = None
    dry_run: bool = False
    workers: int = 2
    batch_passages: int = 64
    """Embedded in one call and written in one transaction."""
    maximum_file_bytes: int = DEFAULT_MAXIMUM_FILE_BYTES
    limits: ReadLimits = ReadLimits()


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an ingest stands after `path`. Bytes are those of the files."""

    done: int
    total: int
    path: Path
    passages: int
    bytes_done: int
    bytes_total: int
    bytes_skipped: int
    seconds: float

    @property
    def passages_per_s(self) -> float:
        """Passages written since the start."""
        return self.passages / self.seconds if self.seconds > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """By the bytes read so far, unchanged files aside; None while nothing has been read."""
        worked = self.bytes_done - self.bytes_skipped
        if worked <= 0:
            return None
        return self.seconds * (self.bytes_total - self.bytes_done) / worked


OnProgress = Callable[[Progress], None]
"""Called after every file whose fate is known and after every batch of vectors."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A path that could not be read and why, as a clause that goes after the path.

    What cannot be printed in the path is shown escaped.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did, or in a dry run would do. Counts are of files unless they say."""

    read: int
    skipped_unchanged: int
    failed: tuple[Failure, ...]
    unsupported: tuple[str, ...]
    """Paths of other kinds met in a folder; naming such a file itself is a failure."""
    removed: int
    passages: int
    """Passages of the files that were read."""
    embedded: int
    """Those among them whose words were new; the others kept their vectors."""
    seconds: float
    stopped: str = ""
    """Why the ingest ended before it had met every file, such as a full disk; "" otherwise."""
    not_reached: int = 0
    """Files that were left when it stopped."""
    is_dry_run: bool = False


def shown(path: str) -> str:
    """The path on one line of valid UTF-8: newlines, controls and wrong bytes are escaped."""
    return "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in path
    )

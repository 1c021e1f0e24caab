"""What the tests of fetching share: quick limits, a model of one file, what a fetch left behind."""

import dataclasses
import threading
from dataclasses import dataclass
from pathlib import Path

from models.catalog import ModelEntry, ModelFile
from models.download import FetchLimits
from models.fetch import Progress, fetch_entry
from tests.models.entries import whisper_entry
from tests.models.hub import Hub

QUICK = FetchLimits(connect_s=2, read_s=5, attempts=3, pause_s=0)
MODEL_PATH = "Someone/whisper-base.en/resolve/main/model.bin"


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Calls fetch_entry for one stand-in hub and one models folder."""

    hub: Hub
    models_dir: Path

    def __call__(
        self,
        entry: ModelEntry | None = None,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
        limits: FetchLimits = QUICK,
    ) -> Path:
        wanted = entry or whisper_entry()
        return fetch_entry(wanted, self.models_dir, self.hub.endpoint, progress, cancel, limits)


def only_model(
    size_bytes: int | None = None, sha256: str | None = None, approximate_bytes: int = 300_000
) -> ModelEntry:
    """A model of one file, so that the requests are those for its bytes."""
    file = ModelFile("model.bin", size_bytes, sha256, approximate_bytes)
    return dataclasses.replace(whisper_entry(), files=(file,))


def visible(folder: Path) -> list[str]:
    """What is left that is no lock."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return sorted(name for name in names if not name.endswith(".lock"))

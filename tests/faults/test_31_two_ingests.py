"""Row 31: two ingests at once.

Seen to fail: without `flock` in rag/lock.py both wrote at once.
"""

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.embedding import Vectors
from rag.ingest import ingest
from rag.lock import StoreBusyError
from rag.store import Store
from server.commands.ingest import IngestRequest, run_ingest
from server.engines.preparation import load_embedder
from server.errors import StartError
from server.settings import Settings

FIRST = """
import sys
from pathlib import Path
from benchmarks.ingest_kills import HashEmbedder
from rag.ingest import ingest
from rag.store import Store

class Slow(HashEmbedder):
    def embed(self, texts):
        print("at work", flush=True)
        sys.stdin.readline()
        return super().embed(texts)

with Store(Path(sys.argv[1]), sys.argv[3], int(sys.argv[4])) as store:
    Slow.fingerprint, Slow.dimension = sys.argv[3], int(sys.argv[4])
    ingest([Path(sys.argv[2])], store, Slow())
"""


def test_the_second_is_refused_naming_the_first(tmp_path: Path) -> None:
    """The second refuses naming the first's process; once that has ended it goes through."""
    folder, data_dir = tmp_path / "documents", tmp_path / "data"
    folder.mkdir()
    data_dir.mkdir()
    (folder / "a.md").write_text("# Boats\n\nThe boats leave at nine.\n")
    settings = replace(Settings(), data_dir=data_dir)
    embedder = load_embedder(settings, lambda text: None)
    first = subprocess.Popen(
        [
            sys.executable,
            "-c",
            FIRST,
            str(settings.store_path),
            str(folder),
            embedder.fingerprint,
            str(embedder.dimension),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == "at work\n"
        with pytest.raises(StartError, match=f"process {first.pid}"):
            run_ingest(IngestRequest([folder], True), settings)
        first.communicate("go on\n")
        assert first.returncode == 0
    assert run_ingest(IngestRequest([folder], True), settings) == 0


class HeldEmbedder:
    """Waits until it may go on."""

    fingerprint = "held"
    dimension = 8

    def __init__(self) -> None:
        self.is_reached, self.go = threading.Event(), threading.Event()

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.is_reached.set()
        assert self.go.wait(30)
        return np.ones((len(texts), self.dimension), np.float32)


def test_threads_of_one_process_too(tmp_path: Path) -> None:
    """No document is read twice, whoever asks."""
    (tmp_path / "a.md").write_text("# Boats\n\nThe boats leave at nine.\n")
    embedder = HeldEmbedder()
    with Store(tmp_path / "store.sqlite3", "held", 8) as store:
        first = threading.Thread(target=ingest, args=([tmp_path / "a.md"], store, embedder))
        first.start()
        assert embedder.is_reached.wait(30)
        with pytest.raises(StoreBusyError):
            ingest([tmp_path / "a.md"], store, embedder)
        embedder.go.set()
        first.join(30)
        assert store.counts().documents == 1

"""What the retrieval tests share: a fake embedder and an empty store."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.store import Store
from tests.fakes_rag import WordEmbedder, open_store


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def store(tmp_path: Path, embedder: WordEmbedder) -> Iterator[Store]:
    with open_store(tmp_path / "data", embedder) as opened:
        yield opened


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 600 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a file system in memory cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)

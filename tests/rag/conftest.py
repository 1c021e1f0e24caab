"""What the retrieval tests share: a fake embedder and an empty store."""

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

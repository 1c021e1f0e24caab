"""What must be there before the first question: embedder, store, index, language model. Blocking.

`parley serve`, `parley ingest` and `make demo` share it. It loads no speech engine.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from models.embedder import MiniLmEmbedder
from models.espeak import EspeakLibrary
from models.language_model import LanguageModelFiles, build_language_model
from models.minilm_weights import FINGERPRINT, WeightsError, prepare_minilm
from rag.ingest import ingest
from rag.ingest_report import IngestOptions, IngestReport, OnProgress
from rag.schema import StoreError, unusable
from rag.store import Store
from rag.store_vectors import store_identity
from server.errors import StartError
from server.settings import SAMPLES_DIR, Settings

Say = Callable[[str], None]


def load_embedder(settings: Settings, say: Say, calls_at_once: int = 1) -> MiniLmEmbedder:
    """Convert the embedder's weights on the first call, then load them. Raises StartError."""
    if not (settings.prepared_dir / FINGERPRINT).is_dir():
        say("Preparing the embedder (once, about a second)")
    try:
        folder = prepare_minilm(settings.prepared_dir)
        return MiniLmEmbedder(folder, FINGERPRINT, calls_at_once=calls_at_once)
    except (WeightsError, OSError) as error:
        raise StartError(str(error)) from error


def open_store(settings: Settings, embedder: MiniLmEmbedder) -> Store:
    """Open or make the store. Raises StartError when it cannot be used."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        return Store(settings.store_path, embedder.fingerprint, embedder.dimension)
    except (StoreError, OSError) as error:
        raise StartError(f"The store {settings.store_path} cannot be used: {error}") from error


@contextmanager
def refusing_damage(settings: Settings) -> Iterator[None]:
    """Raise StartError when SQLite cannot read the store within the block."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StartError(f"The store {unusable(settings.store_path, error)}") from None


def ingest_samples_once(store: Store, embedder: MiniLmEmbedder, say: Say) -> None:
    """Read the sample documents into an empty store; a store with documents is left alone."""
    if store.counts().documents == 0:
        report = ingest([SAMPLES_DIR], store, embedder)
        say(f"Read {report.read} sample documents, {report.passages} passages")


def ingest_paths(
    paths: Sequence[Path],
    store: Store,
    embedder: MiniLmEmbedder,
    on_progress: OnProgress,
    options: IngestOptions,
) -> IngestReport:
    """Make the store agree with the files. Raises StartError when another process is at it."""
    try:
        return ingest(paths, store, embedder, on_progress, options)
    except StoreError as error:
        raise StartError(str(error)) from error


def prepare_language_model(
    settings: Settings, store: Store, library: EspeakLibrary
) -> LanguageModelFiles | None:
    """Build the recogniser's language model for the store's generation, unless it is there.

    None for an empty store, and with PARLEY_BIASING=0: the general model alone hears then.
    """
    if not settings.biasing or store.counts().passages == 0:
        return None
    folder = settings.prepared_dir / "language-model"
    state = f"{store_identity(store)}-{store.generation()}"
    texts = store.language_texts()
    return build_language_model(texts, folder, library.phonemes_of, made_from=state)

"""One published index: a folder that never changes, checked whole before it is opened and searched.

It neither builds nor chooses one: see rag/index_build.py and rag/snapshot_folder.py.
"""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from rag.embedding import Vectors
from rag.index_kinds import Kind, Storage

FORMAT = 1
MANIFEST_NAME = "manifest.json"
INDEX_NAME = "index.faiss"
IDS_NAME = "ids.npy"
FILE_NAMES = (INDEX_NAME, IDS_NAME)

Ids = NDArray[np.int64]
Rows = NDArray[np.int64]
Scores = NDArray[np.float32]


class SnapshotDamagedError(Exception):
    """A snapshot is not, byte for byte, what was published; the text names the file."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What a search is told; 0 where it does not apply."""

    nprobe: int = 0
    """Cells that an IVF looks into."""
    ef_search: int = 0
    """Candidates that an HNSW keeps on its walk."""
    rerank: int = 0
    """Candidates that are compared again by their stored vectors; 0 trusts the index's order."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot is, of which store, and what it was proven to do."""

    kind: Kind
    asked: Kind
    """The kind that the size asked for; another was built where that one missed the recall."""
    storage: Storage
    factory: str
    search: SearchSettings
    ef_construction: int
    size: int
    dimension: int
    generation: int
    last_passage_id: int
    """Passages with a higher id were added later."""
    store_identity: str
    fingerprint: str
    """Of the embedder that made the vectors."""
    recall_at_10: float
    queries: int
    """How many held-out queries the recall was measured with."""
    p95_ms: float
    """Of those searches, one thread, in the process that built it."""
    build_cpu_s: float
    sha256: tuple[tuple[str, str], ...]
    """File name and hash, for each of FILE_NAMES."""

    def to_bytes(self) -> bytes:
        """JSON without spaces, keys sorted: one content has one form."""
        told = asdict(self) | {"format": FORMAT, "sha256": dict(self.sha256)}
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Raises SnapshotDamagedError for anything that to_bytes() does not write."""
        try:
            told: dict[str, Any] = json.loads(content)
            if told.pop("format") != FORMAT:
                raise SnapshotDamagedError(f"{MANIFEST_NAME} is of another format")
            told["kind"], told["asked"] = Kind(told["kind"]), Kind(told["asked"])
            told["storage"] = Storage(told["storage"])
            told["search"] = SearchSettings(**told["search"])
            told["sha256"] = tuple(sorted(told["sha256"].items()))
            made = cls(**{item.name: told.pop(item.name) for item in fields(cls)})
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SnapshotDamagedError(f"{MANIFEST_NAME} cannot be read") from None
        if told or made.to_bytes() != content:
            raise SnapshotDamagedError(f"{MANIFEST_NAME} is not as it was written")
        return made


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A verified, memory-mapped index. Any number of threads search it without a lock."""

    version: str
    manifest: Manifest
    ids: Ids
    """(size,) ascending: row number of the index to passage id."""
    _faiss: Any

    def candidates(
        self, vectors: Vectors, k: int, dead: NDArray[np.uint8] | None
    ) -> tuple[Rows, Scores]:
        """Rows and approximate cosines, (n, k), best first; row -1 fills what is missing.

        `dead` has a set bit for each row that must not be found: see dead_bits().
        """
        search = self.manifest.search
        parameters = search_parameters(self.manifest.kind, search, k, dead)
        scores, rows = self._faiss.search(np.ascontiguousarray(vectors), k, params=parameters)
        return rows, scores

    def quantizer(self) -> Any:
        """A FLAT index of the cells' centres, in memory of its own; None where it has no cells."""
        if self.manifest.kind is not Kind.IVF:
            return None
        centres = faiss.extract_index_ivf(self._faiss).quantizer
        made = faiss.IndexFlatIP(self.manifest.dimension)
        made.add(centres.reconstruct_n(0, centres.ntotal))
        return made

    def touch(self) -> None:
        """Read the mapped pages once, so that the first questions need not.

        A million vectors lie on 100,000 pages, and each first touch of one costs a microsecond. A
        graph has no search that touches all; its entry and the ways from it are read.
        """
        manifest = self.manifest
        query = np.full((1, manifest.dimension), manifest.dimension**-0.5, np.float32)
        everything = SearchSettings(nprobe=1 << 20, ef_search=1024)
        parameters = search_parameters(manifest.kind, everything, 1)
        self._faiss.search(query, 1, params=parameters)


def search_parameters(
    kind: Kind, search: SearchSettings, k: int, dead: NDArray[np.uint8] | None = None
) -> Any:
    """FAISS's parameters for one search; the caller's bitmap must outlive it."""
    # The stubs that FAISS ships know neither the keywords nor that a bitmap may be an array.
    library: Any = faiss
    chosen: dict[str, Any] = {}
    if dead is not None:
        chosen["sel"] = library.IDSelectorNot(library.IDSelectorBitmap(dead))
    if kind is Kind.IVF:
        return library.SearchParametersIVF(nprobe=search.nprobe, **chosen)
    return library.SearchParametersHNSW(efSearch=max(search.ef_search, k), **chosen)


def rows_of(passage_ids: Ids, ids: Ids) -> Rows:
    """Where in `ids`, which ascend, those of the passages are that are among them."""
    places = np.searchsorted(ids, passage_ids)
    within = places < len(ids)
    places, wanted = places[within], passage_ids[within]
    rows: Rows = places[ids[places] == wanted]
    return rows


def dead_bits(rows: Rows, size: int, earlier: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """A bitmap of `size` rows with these set, and those of `earlier`, as FAISS reads it.

    Made from the one before, a million rows take 0.02 ms; the search after a removal waits for it.
    """
    bits = np.zeros((size + 7) // 8, np.uint8) if earlier is None else earlier.copy()
    np.bitwise_or.at(bits, rows >> 3, (1 << (rows & 7)).astype(np.uint8))
    return bits


def open_snapshot(folder: Path) -> Snapshot:
    """Check every byte, then map the files. Raises SnapshotDamagedError."""
    manifest = verify(folder)
    try:
        ids = np.load(folder / IDS_NAME, mmap_mode="r")
        index = faiss.read_index(str(folder / INDEX_NAME), faiss.IO_FLAG_MMAP_IFC)
    except (OSError, ValueError, RuntimeError) as error:
        raise SnapshotDamagedError(f"{folder.name} cannot be opened: {error}") from None
    if not len(ids) == index.ntotal == manifest.size or index.d != manifest.dimension:
        raise SnapshotDamagedError(f"{folder.name} does not hold what its manifest says")
    snapshot = Snapshot(folder.name, manifest, ids, index)
    snapshot.touch()
    return snapshot


OnBytes = Callable[[int], None]


def verify(folder: Path) -> Manifest:
    """Compare every byte with what was published. Raises SnapshotDamagedError.

    The folder's name ends with the manifest's hash and the manifest holds the files', so that not
    one bit can change unseen.
    """
    try:
        content = (folder / MANIFEST_NAME).read_bytes()
        if version_suffix(content) != folder.name.rpartition("-")[2]:
            raise SnapshotDamagedError(f"{folder.name}/{MANIFEST_NAME} was changed")
        manifest = Manifest.from_bytes(content)
        for name, sha256 in manifest.sha256:
            if name not in FILE_NAMES or hash_of(folder / name) != sha256:
                raise SnapshotDamagedError(f"{folder.name}/{name} was changed")
    except OSError as error:
        raise SnapshotDamagedError(f"{folder.name}: {error.strerror}") from None
    return manifest


def version_suffix(manifest: bytes) -> str:
    """The part of a version's name that proves its manifest."""
    return hashlib.sha256(manifest).hexdigest()[:32]


def hash_of(path: Path) -> str:
    """sha256 in hex; the file is read in chunks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Which kind of index a corpus of some size gets, in which storage. It builds and searches none."""

import math
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How an index finds the nearest vectors, in the order in which a corpus grows into them."""

    FLAT = "FLAT"
    """Compares with all: exact."""
    IVF = "IVF"
    """Compares with those of the nearest cells."""
    HNSW = "HNSW"
    """Walks a graph of neighbours."""


class Storage(StrEnum):
    """How a snapshot keeps its vectors, the most exact first."""

    FP32 = "fp32"
    FP16 = "fp16"
    SQ8 = "sq8"
    PQ = "pq"
    """4 bits for each 4 values, compared in registers; the best are compared again exactly."""


class IndexPolicy(StrEnum):
    """`size` follows the bounds; `measured` takes the first kind within the latency budget."""

    SIZE = "size"
    MEASURED = "measured"


GROWN = 1.25
SHRUNK = 0.8
"""A bound is crossed upwards at 1.25 of it and downwards at 0.8, so that a corpus that lingers at
a bound is not rebuilt again and again."""

TOMBSTONE_SHARE = 0.3
"""From this share of deleted passages on, a snapshot is built anew."""

DELTA_SHARE = 0.25
LEAST_DELTA = 1_000
"""So many passages may wait beside any snapshot, however small."""

HNSW_LINKS = 32
"""Over 100,000 passages real questions get a recall of 0.977 with 32 at efSearch 1024, 0.969 with
16."""

MOST_CELLS = 4096
"""Training takes time with the square of the cells: about 100 CPU-seconds for 4096."""


@dataclass(frozen=True, slots=True)
class IndexLimits:
    """What an index must keep to."""

    flat_max: int = 10_000
    """From this many passages on, FLAT gives way to IVF."""
    ivf_max: int = 1_000_000
    """Above this many, IVF gives way to HNSW."""
    recall: float = 0.97
    """The recall@10 against exact search that a snapshot must show before it is published."""
    memory_mb: int = 700
    """What the resident index may take; it decides the storage."""
    policy: IndexPolicy = IndexPolicy.SIZE
    latency_ms: float = 3.0
    """The p95 of a search in the index alone, above which faster codes are tried, and under the
    policy `measured` another kind."""

    @property
    def is_measured(self) -> bool:
        """Whether IVF and HNSW are told apart by measuring."""
        return self.policy is IndexPolicy.MEASURED


@dataclass(frozen=True, slots=True)
class Plan:
    """A kind and storage with FAISS's name for it."""

    kind: Kind
    storage: Storage
    factory: str
    cells: int = 0
    """Of an IVF; 0 for others."""


def kind_for(size: int, current: Kind | None, limits: IndexLimits) -> Kind:
    """The kind for `size` passages; `current` None follows the bounds themselves."""
    is_above_flat = current in (Kind.IVF, Kind.HNSW)
    flat_factor = 1.0 if current is None else SHRUNK if is_above_flat else GROWN
    ivf_factor = 1.0 if current is None else SHRUNK if current is Kind.HNSW else GROWN
    if size < limits.flat_max * flat_factor:
        return Kind.FLAT
    return Kind.IVF if size <= limits.ivf_max * ivf_factor else Kind.HNSW


def delta_limit(snapshot_size: int, limits: IndexLimits) -> int:
    """How many passages may wait beside a snapshot before it is built anew.

    A share of it, but never more than what a FLAT index would be given: the delta is searched
    exactly, and 10,000 vectors take about a millisecond.
    """
    return int(min(max(LEAST_DELTA, DELTA_SHARE * snapshot_size), max(1, limits.flat_max)))


def cells_for(size: int) -> int:
    """The power of two nearest to 6.6 square roots of the size, at most MOST_CELLS.

    Measured over 100,000 passages at a recall of 0.977: 1024 cells search 1.3 ms, 2048 0.8 ms.
    """
    wanted = round(math.log2(6.6 * math.sqrt(max(size, 1))))
    return min(int(2**wanted), MOST_CELLS)


def vector_bytes(storage: Storage, dimension: int) -> int:
    """What one vector takes."""
    return {
        Storage.FP32: 4 * dimension,
        Storage.FP16: 2 * dimension,
        Storage.SQ8: dimension,
        Storage.PQ: dimension // 8,
    }[storage]


def memory_mb(kind: Kind, storage: Storage, size: int, dimension: int) -> float:
    """What a searched index of this kind keeps resident, in 2**20 bytes."""
    links = 8 * HNSW_LINKS + 16 if kind is Kind.HNSW else 8
    passage_id = 8
    cells = 4 * dimension * cells_for(size) if kind is Kind.IVF else 0
    return (size * (vector_bytes(storage, dimension) + links + passage_id) + cells) / 2**20


def plan_for(kind: Kind, size: int, dimension: int, limits: IndexLimits) -> Plan:
    """The most exact storage that the memory budget allows, or the smallest when none does.

    PQ goes with IVF, whose fast scan makes up for what the codes lose; a graph of PQ codes has
    neither the speed nor the recall, so HNSW takes a byte a value at the least.
    """
    for storage in Storage:
        is_smallest = kind is Kind.HNSW and storage is Storage.SQ8
        if is_smallest or memory_mb(kind, storage, size, dimension) <= limits.memory_mb:
            break
    return plan_with(kind, storage, size, dimension)


def plan_with(kind: Kind, storage: Storage, size: int, dimension: int) -> Plan:
    """The plan of a given kind and storage."""
    if kind is Kind.FLAT:
        return Plan(kind, Storage.FP32, "Flat")
    code = {
        Storage.FP32: "Flat",
        Storage.FP16: "SQfp16",
        Storage.SQ8: "SQ8",
        Storage.PQ: f"PQ{dimension // 4}x4fs",
    }[storage]
    if kind is Kind.IVF:
        cells = cells_for(size)
        return Plan(kind, storage, f"IVF{cells},{code}", cells)
    return Plan(kind, storage, f"HNSW{HNSW_LINKS},{code}")

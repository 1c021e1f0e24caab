"""Turns ranks and times into the figures of the retrieval benchmark. It asks nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Ranked:
    """At which rank, from 0, the right passage was found; None past the first DEPTH."""

    rank: int | None

    @classmethod
    def of(cls, wanted: str, labels: Sequence[str]) -> "Ranked":
        """From the labels found, best first."""
        first = list(labels[:DEPTH])
        return cls(first.index(wanted) if wanted in first else None)


def hit_figures(ranked: Sequence[Ranked]) -> dict[str, float]:
    """Shares of questions, and the mean reciprocal rank, by their names in the JSON."""
    ranks = [one.rank for one in ranked if one.rank is not None]
    return {
        "hit_at_1": sum(rank < 1 for rank in ranks) / len(ranked),
        "hit_at_3": sum(rank < 3 for rank in ranks) / len(ranked),
        "hit_at_5": sum(rank < 5 for rank in ranks) / len(ranked),
        "mrr_at_10": sum(1 / (rank + 1) for rank in ranks) / len(ranked),
    }


def percentiles(times_ms: Sequence[float]) -> dict[str, float]:
    """count, p50, p95 and p99 in milliseconds."""
    p50, p95, p99 = np.percentile(times_ms, [50, 95, 99])
    return {"count": len(times_ms), "p50": float(p50), "p95": float(p95), "p99": float(p99)}

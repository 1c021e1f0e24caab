"""What exact search costs on this machine, for the policy that measures. It builds no index."""

import time
from dataclasses import replace

import numpy as np

from rag.index_delta import Delta
from rag.index_kinds import IndexLimits, IndexPolicy

PROBE_VECTORS = 20_000
PROBES = 20


def flat_limits(limits: IndexLimits, dimension: int) -> IndexLimits:
    """Under the policy `measured`, put FLAT's bound where exact search still keeps the budget.

    The budgets are of latency and of memory; above that bound the build measures IVF and HNSW.
    """
    if limits.policy is not IndexPolicy.MEASURED:
        return limits
    by_latency = limits.latency_ms / exact_ms_per_vector(dimension)
    by_memory = limits.memory_mb * 2**20 / (4 * dimension)
    return replace(limits, flat_max=max(1, int(min(by_latency, by_memory))))


def exact_ms_per_vector(dimension: int) -> float:
    """p95 of an exact search over PROBE_VECTORS vectors, for each of them."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((PROBE_VECTORS, dimension), np.float32)
    delta = Delta.empty(dimension).with_added(np.arange(PROBE_VECTORS), vectors)
    times_ms = []
    for query in vectors[:PROBES]:
        started = time.perf_counter()
        delta.search(query[None, :], 10)
        times_ms.append((time.perf_counter() - started) * 1000)
    return float(np.percentile(times_ms, 95)) / PROBE_VECTORS

"""benchmarks/batching.py: the cost is shared by the batch."""

import pytest

from benchmarks import batching


def test_the_cost_is_told_for_each_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that costs 8 ms whatever its size costs 1 ms each in a batch of eight."""
    spent_s = 0.0

    def call(size: int) -> None:
        nonlocal spent_s
        spent_s += 0.008

    monkeypatch.setattr("benchmarks.batching.time.process_time", lambda: spent_s)
    rows = batching.measure(call)
    assert [row["cpu_ms_each"]["p50"] for row in rows] == [8, 4, 2, 1]
    assert rows[0]["cpu_ms_each"]["count"] == batching.REPEATS

from benchmarks.index import rows_beside
from benchmarks.results import machine

EARLIER = {
    "machine": machine(),
    "taken": "2026-01-02",
    "runs": [{"size": 1_000, "p95_ms": 1.0}, {"size": 10_000, "taken": "2026-01-01"}],
}


def test_rows_of_other_sizes_stay_with_the_day_that_they_were_taken_on() -> None:
    """A row that has no day of its own has the file's; one that is measured anew goes."""
    assert rows_beside(EARLIER, [100_000]) == [
        {"size": 1_000, "p95_ms": 1.0, "taken": "2026-01-02"},
        {"size": 10_000, "taken": "2026-01-01"},
    ]
    assert [row["size"] for row in rows_beside(EARLIER, [10_000])] == [1_000]


def test_rows_of_another_machine_or_taken_beside_other_work_go() -> None:
    """They cannot be compared with the new ones."""
    assert rows_beside({**EARLIER, "machine": {"cores": 64}}, []) == []
    assert rows_beside({**EARLIER, "beside": "other work"}, []) == []
    assert rows_beside({}, [1_000]) == []

"""Row 30: kill -9 during ingest.

Seen to fail: with Store's transactions left out (each statement by itself) documents were
neither old nor new.
"""

import json
from pathlib import Path

from benchmarks.index_kills import prove
from benchmarks.ingest_kills import kill_often
from benchmarks.results import RESULTS_DIR
from tests.faults.figures import Figure

ORDERED = 60


def test_the_old_or_the_new_never_a_mix(tmp_path: Path) -> None:
    """The old or the new index, never a mix; a re-run resumes without duplicates."""
    store = kill_often(tmp_path, kills=2, documents=12, seed=5)
    assert store.problems == ()
    assert store.consistent == store.resumed_without_duplicates == store.kills == 2
    (tmp_path / "index").mkdir()
    index = prove(2, tmp_path / "index")
    assert index.inconsistent == []
    assert index.old + index.new == index.kills == 2


def test_sixty_of_sixty(figure: Figure) -> None:
    """As kept of `python -m benchmarks.ingest_kills` and of `benchmarks.index_kills`."""
    store = json.loads((RESULTS_DIR / "ingest_kills.json").read_text())
    assert store["consistent"] == store["resumed_without_duplicates"] == store["kills"] == ORDERED
    index = json.loads((RESULTS_DIR / "index-kills.json").read_text())
    assert (index["kills"], index["inconsistent"]) == (ORDERED, [])
    figure("stores consistent", store["consistent"], "of 60 kills")
    figure("indexes old or new", index["old"] + index["new"], "of 60 kills")

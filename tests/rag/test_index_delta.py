"""rag/index_delta.py: what waits beside a snapshot is found exactly, however it came in."""

import numpy as np
import pytest

from rag.index import LOWEST
from rag.index_delta import BLOCK_ROWS, Delta
from tests.rag.indexes import DIMENSION, clouds


def grown(sizes: list[int]) -> Delta:
    delta, vectors, start = Delta.empty(DIMENSION), clouds(sum(sizes)), 0
    for size in sizes:
        ids = np.arange(start, start + size) * 3 + 7
        delta = delta.with_added(ids, vectors[start : start + size])
        start += size
    return delta


@pytest.mark.parametrize(
    "sizes",
    [[1, 2, 3], [BLOCK_ROWS], [BLOCK_ROWS - 1, 1, 1], [100, BLOCK_ROWS, 50, 7], [5_000, 5_000, 1]],
    ids=str,
)
def test_blocks_change_nothing_of_what_is_found(sizes: list[int]) -> None:
    """As over one array: ids and cosines, for one query and for several, without the removed."""
    delta, vectors = grown(sizes), clouds(sum(sizes))
    ids = np.arange(len(vectors)) * 3 + 7
    gone = ids[::5]
    delta = delta.without(gone)
    queries = clouds(4, 99)
    truth = queries @ vectors.T
    truth[:, ::5] = LOWEST
    live = min(6, delta.live)
    expected = np.argsort(-truth, axis=1, kind="stable")[:, :live]
    found, scores = delta.search(queries, 6)
    assert found.tolist() == ids[expected].tolist()
    assert np.allclose(scores, np.take_along_axis(truth, expected, 1), atol=1e-5)
    assert delta.search(queries[:1], 6)[0].tolist() == ids[expected[:1]].tolist()
    assert delta.after(int(ids[len(ids) // 2])).ids.tolist() == [
        number for number in ids[len(ids) // 2 + 1 :].tolist() if number not in set(gone.tolist())
    ]


def test_adding_moves_no_vector() -> None:
    """What was there stays where it is: a growing delta copies nothing inside a search."""
    before = grown([BLOCK_ROWS, 10])
    after = before.with_added(np.array([10**6]), clouds(1, 5))
    for old, new in zip(before._parts, after._parts, strict=True):
        assert old.block is new.block

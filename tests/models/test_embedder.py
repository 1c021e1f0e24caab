"""models/embedder.py: which texts share a call to the encoder."""

from hypothesis import given
from hypothesis import strategies as st

from models.embedder import BATCH_TEXTS, BATCH_TOKENS, batches_of


@given(st.lists(st.integers(2, 256), max_size=200))
def test_every_text_once_and_no_batch_beyond_its_bounds(lengths: list[int]) -> None:
    """Padding counts: a batch is as wide as its longest text."""
    batches = list(batches_of(lengths))
    assert sorted(position for batch in batches for position in batch) == list(range(len(lengths)))
    for batch in batches:
        widest = max(lengths[position] for position in batch)
        assert len(batch) <= BATCH_TEXTS
        assert len(batch) * widest <= BATCH_TOKENS or len(batch) == 1


def test_texts_of_like_length_are_together() -> None:
    """A short text is not padded to a long one where others are nearer."""
    lengths = [200, 10] * 5
    assert next(iter(batches_of(lengths))) == [1, 3, 5, 7, 9]

"""Counting and smoothing, checked against the definition of a probability."""

import pytest

from models.ngram_model import END, START, TrigramCounts, WittenBell, arpa_lines

SENTENCES = ["the cat sat on the mat", "the dog sat on the cat", "a dog ran"]


@pytest.fixture
def counts() -> TrigramCounts:
    made = TrigramCounts()
    for sentence in SENTENCES:
        made.add(sentence.split())
    return made


@pytest.mark.parametrize(
    "history", [(), ("the",), (START,), ("sat", "on"), (START, "the"), ("never", "seen")]
)
def test_every_history_is_a_distribution(counts: TrigramCounts, history: tuple[str, ...]) -> None:
    """After anything, seen or not, the words share a probability of one."""
    model = WittenBell(counts)
    total = sum(model.probability(word, history) for word in counts.words())
    assert total == pytest.approx(1.0)


def test_unseen_word_backs_off_by_the_written_weight(counts: TrigramCounts) -> None:
    """What an ARPA reader computes for an unseen trigram is what the model says."""
    model = WittenBell(counts)
    read = model.backoff(("sat", "on")) * model.probability("mat", ("on",))
    assert "mat" not in counts.by_history[2][("sat", "on")]
    assert model.probability("mat", ("sat", "on")) == pytest.approx(read)


def test_seen_order_is_likelier_than_unseen(counts: TrigramCounts) -> None:
    """The model prefers what it has read."""
    model = WittenBell(counts)
    assert model.probability("the", ("sat", "on")) > model.probability("cat", ("sat", "on"))


def test_added_word_can_be_said_anywhere(counts: TrigramCounts) -> None:
    """A word without any sentence has a chance after every history."""
    counts.add_word("zebra", 0.1)
    assert WittenBell(counts).probability("zebra", ("sat", "on")) > 0


def test_arpa_header_counts_its_own_lines(counts: TrigramCounts) -> None:
    """Readers allocate by these numbers."""
    lines = list(arpa_lines(counts))
    assert lines[0] == "\\data\\"
    assert lines[-1].strip() == "\\end\\"
    for length in (1, 2, 3):
        start = next(n for n, line in enumerate(lines) if line == f"\n\\{length}-grams:")
        section = 0
        while not lines[start + 1 + section].startswith("\n"):
            section += 1
        assert f"ngram {length}={section}" in lines


def test_arpa_is_in_order_and_ends_sentences(counts: TrigramCounts) -> None:
    """The same counts, added in another order, give the same file."""
    other = TrigramCounts()
    for sentence in reversed(SENTENCES):
        other.add(sentence.split())
    assert list(arpa_lines(other)) == list(arpa_lines(counts))
    assert any(line.endswith(f" ran {END}") for line in arpa_lines(counts))

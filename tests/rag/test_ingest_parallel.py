"""Results come in order, nothing runs ahead of the window, and nothing is left running."""

import threading
from collections.abc import Iterator

import pytest

from rag.ingest_parallel import Window, in_parallel


def test_results_in_order_whatever_ends_first() -> None:
    """The first item ends after the second has begun, and is still handed out first."""
    has_begun = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            has_begun.wait()
        if number == 1:
            has_begun.set()
        return number * 2

    assert list(in_parallel(work, range(20), Window(2, 4))) == list(range(0, 40, 2))


def test_source_waits_while_the_window_is_full() -> None:
    """No more items are taken than may be under way, by number and by weight."""
    taken: list[int] = []
    may_end = threading.Event()

    def source() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    def work(number: int) -> int:
        may_end.wait()
        return number

    def first_result(window: Window, weight: int) -> int:
        """How many had been taken when the window let its first result out."""
        taken.clear()
        may_end.clear()
        results = in_parallel(work, source(), window, lambda item: weight)
        release = threading.Timer(0.2, may_end.set)
        release.start()
        next(results)
        found = len(taken)
        results.close()
        return found

    assert first_result(Window(2, 3), 0) <= 4
    assert first_result(Window(2, 9, weight=10), 5) <= 3
    assert first_result(Window(2, 9, weight=1), 5) <= 2


def test_failure_is_raised_in_its_turn_and_the_rest_forgotten() -> None:
    """What was before the failure comes out; what had not begun never runs."""
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 1:
            raise ValueError("broken")
        return number

    results = in_parallel(work, range(100), Window(1, 3))
    assert next(results) == 0
    with pytest.raises(ValueError, match="broken"):
        list(results)
    assert len(begun) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ingest")]


def test_closing_cuts_short_what_is_at_work() -> None:
    """Whoever stops does not wait for an item that would never end."""
    has_begun, is_abandoned = threading.Event(), threading.Event()

    def work(number: int) -> int:
        if number:
            has_begun.set()
            is_abandoned.wait()
        has_begun.wait()
        return number

    results = in_parallel(work, range(5), Window(2, 3), abandon=is_abandoned.set)
    assert next(results) == 0
    results.close()
    assert is_abandoned.is_set()
    is_abandoned.clear()
    assert list(in_parallel(abs, range(3), Window(2, 3), abandon=is_abandoned.set)) == [0, 1, 2]
    assert not is_abandoned.is_set()

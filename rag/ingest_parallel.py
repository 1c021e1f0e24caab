"""Runs a function over items in threads, in order and with a bound. It knows no documents."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Window:
    """How much may be under way: `items`, and more than one of them only below `weight`.

    When it is full, no further item is taken from the source until the oldest result has been
    handed out: nothing is dropped, and what makes the items waits.
    """

    workers: int
    items: int
    weight: int = 0


def in_parallel(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    window: Window,
    weigh: Callable[[Item], int] = lambda item: 0,
    abandon: Callable[[], None] = lambda: None,
) -> Generator[Result, None, None]:
    """Results in the order of the items. What the function raises is raised here, in its turn.

    Closing the iterator early, or a failure, forgets what has not begun, calls `abandon`, which may
    cut short what has, and waits for that.
    """
    under_way: deque[tuple[int, Future[Result]]] = deque()
    with ThreadPoolExecutor(window.workers, thread_name_prefix="ingest") as pool:
        try:
            for item in items:
                weight = weigh(item)
                while under_way and _is_full(under_way, window, weight):
                    yield under_way.popleft()[1].result()
                under_way.append((weight, pool.submit(function, item)))
                while under_way and under_way[0][1].done():
                    yield under_way.popleft()[1].result()
            while under_way:
                yield under_way.popleft()[1].result()
        finally:
            for _, future in under_way:
                future.cancel()
            if under_way:
                abandon()


def _is_full(
    under_way: "deque[tuple[int, Future[Result]]]", window: Window, next_weight: int
) -> bool:
    weight = sum(entry[0] for entry in under_way) + next_weight
    return len(under_way) >= window.items or weight > window.weight > 0

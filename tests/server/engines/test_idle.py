"""server/engines/idle.py: work that nobody waits for begins when the machine has time."""

from collections.abc import Callable
from itertools import accumulate, chain, pairwise

from server.calibration.noise import Processors
from server.engines.idle import BUSY, IdleTime
from server.watching.machine import usable_cores


def clocks(shares: list[float]) -> Callable[[], Processors]:
    """Readings in pairs, a second apart, between which others take that share of the cores."""
    busy_s = accumulate(chain([0.0], (share * usable_cores() for share in shares)))
    seen = [Processors(at_s, busy, 0.0) for at_s, busy in enumerate(busy_s)]
    pairs = chain.from_iterable(pairwise(seen))
    return lambda: next(pairs)


async def test_it_waits_while_others_work_and_says_so_once() -> None:
    """Two busy looks, then a quiet one; the look after it is not taken."""
    said: list[str] = []
    read = clocks([0.9, 0.6, 0.1, 1.0])
    await IdleTime(said.append, read, look_s=0).wait()
    assert said == [BUSY]
    assert read().at_s == 3


async def test_a_machine_with_time_or_that_does_not_tell_is_not_waited_for() -> None:
    """Nothing is said either."""
    said: list[str] = []
    await IdleTime(said.append, clocks([0.1]), look_s=0).wait()
    await IdleTime(said.append, lambda: Processors(1.0, None, 0.0), look_s=0).wait()
    assert said == []

"""Row 32: the wall clock jumps: expiry stays sane, within a run and across a restart.

Promise: no early timeout, no stuck session, expiry of the cache sane.

Seen to fail: with entries from the future kept, the tomorrow's one was a hit; with SteadyClock
on the wall ages jumped; with Deadline on the wall's clock the turn timed out at once.
"""

import re
import time
from pathlib import Path

import pytest

from server.cache.disk_tier import DiskStore
from server.cache.entry import FUTURE_TOLERANCE_S
from server.settings import CHECKOUT
from server.wall_clock import SteadyClock
from tests.laddered import Clock, process
from tests.server.conftest import MakeStand
from tests.server.test_session import ask

DAY_S = 86_400.0
WALL_READERS = {
    "wall_clock.py",
    "door/tokens.py",
    "cache/disk_tier.py",
    "configuration/reloader.py",
    "watching/health_watch.py",
}
"""Ages across a restart, and moments that are shown to people; a token's end is one on purpose."""


@pytest.mark.parametrize("jump_s", [-400 * DAY_S, 400 * DAY_S])
def test_32_a_jump_while_it_runs_changes_no_age(jump_s: float) -> None:
    """The wall is read once; from then on the monotonic clock counts."""
    wall, monotonic = Clock(), Clock(5.0)
    steady = SteadyClock(wall, monotonic)
    before = steady()
    wall.now_s += jump_s
    monotonic.now_s += 7.0
    assert steady() - before == pytest.approx(7.0)


async def test_32_a_value_expires_by_its_own_age(tmp_path: Path) -> None:
    """At its age limit it is a miss on disk; a promotion does not make it younger."""
    clock = Clock()
    async with process(tmp_path, clock=clock, keep_s=100) as made:
        await made.speak("hello")
        await made.settle()
        clock.now_s += 99
        made.forget()
        assert (await made.speak("hello")).is_hit
        clock.now_s += 2
        made.forget()
        assert not (await made.speak("hello")).is_hit


@pytest.mark.parametrize(
    ("jump_s", "is_hit"),
    [(-DAY_S, False), (-FUTURE_TOLERANCE_S / 2, True), (50.0, True), (DAY_S, False)],
)
async def test_32_a_clock_that_was_set_between_two_starts(
    tmp_path: Path, jump_s: float, is_hit: bool
) -> None:
    """A correction of minutes loses nothing; what seems to be from tomorrow is not kept."""
    async with process(tmp_path, clock=Clock(), keep_s=1000) as made:
        await made.speak("hello")
        await made.settle()
    async with process(tmp_path, clock=Clock(1_000_000.0 + jump_s), keep_s=1000) as made:
        assert (await made.speak("hello")).is_hit is is_hit
        assert (await made.speak("hello")).value is not None


def test_32_the_size_bound_holds_though_uses_are_from_the_future(tmp_path: Path) -> None:
    """Order of use may be wrong after a jump; the limit is not."""
    clock = Clock()
    store = DiskStore(tmp_path, 10_000, clock)
    store.put("tts:a", b"x" * 4000, 1e9)
    clock.now_s -= DAY_S
    for name in "bcdefgh":
        store.put(f"tts:{name}", b"x" * 4000, 1e9)
        assert store.tallies()["tts"].size_bytes <= 10_000
    store.close()


@pytest.mark.parametrize("jump_s", [-400 * DAY_S, 400 * DAY_S])
async def test_32_a_jump_in_the_middle_of_a_turn(
    make_stand: MakeStand, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    """No early timeout and no stuck session: the turn is answered, and so is the next one."""
    stand, true_time = make_stand(turn_timeout_s=20), time.time
    stand.synthesizer.go.clear()
    stand.messages.send(*ask("what does a ticket cost"))
    await stand.wire.wait_for("response.content_part.added")
    monkeypatch.setattr(time, "time", lambda: true_time() + jump_s)
    stand.synthesizer.go.set()
    assert (await stand.wire.wait_for("parley.turn"))["outcome"] == "answered"
    stand.messages.send(*ask("where is the car park"))
    assert (await stand.wire.wait_for("parley.turn", 2))["outcome"] == "answered"
    await stand.end()


def test_32_nothing_that_waits_asks_the_wall() -> None:
    """Durations are monotonic: the wall is read for what is kept and shown to people alone."""
    package = CHECKOUT / "server"
    readers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\btime\.time\b", path.read_text())
    }
    assert readers <= WALL_READERS

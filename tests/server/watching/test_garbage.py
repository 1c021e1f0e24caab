"""server/watching/garbage.py: what refers to itself goes in time, and the start is set aside."""

import asyncio
import gc
import weakref
from collections.abc import Callable

from server.watching.garbage import GarbageCollection


class Loop:
    """Refers to itself."""

    def __init__(self) -> None:
        self.itself = self


class Room:
    """Tells its listeners of other engines."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[object], None]] = []

    def change(self) -> None:
        for listener in self.listeners:
            listener(self)


def left_over() -> "weakref.ref[Loop]":
    """Something that only the collector frees."""
    return weakref.ref(Loop())


def made(idle: asyncio.Event, room: Room) -> GarbageCollection:
    """One that hurries."""
    return GarbageCollection(idle, room.listeners.append, every_s=0.01, patience_s=0.05)


async def gone(reference: "weakref.ref[Loop]") -> None:
    """Wait until it was collected."""
    async with asyncio.timeout(10):
        while reference() is not None:
            await asyncio.sleep(0.005)


async def test_it_collects_again_and_again_while_idle(no_collection: None) -> None:
    """And sets what the start made aside, for as long as it runs."""
    idle = asyncio.Event()
    idle.set()
    task = asyncio.create_task(made(idle, Room()).run())
    await gone(left_over())
    assert gc.get_freeze_count() > 0
    await gone(left_over())
    task.cancel()
    await asyncio.wait([task])
    assert gc.get_freeze_count() == 0


async def test_a_server_that_is_never_idle_collects_too(no_collection: None) -> None:
    """Later."""
    task = asyncio.create_task(made(asyncio.Event(), Room()).run())
    await gone(left_over())
    task.cancel()
    await asyncio.wait([task])


async def test_engines_that_were_replaced_are_collected(no_collection: None) -> None:
    """Though they were set aside with the rest of the start."""
    idle, room, old = asyncio.Event(), Room(), Loop()
    idle.set()
    task = asyncio.create_task(made(idle, room).run())
    await gone(left_over())
    reference = weakref.ref(old)
    del old
    await gone(left_over())
    assert reference() is not None
    room.change()
    await gone(reference)
    task.cancel()
    await asyncio.wait([task])

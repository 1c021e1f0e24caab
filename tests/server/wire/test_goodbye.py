"""server/wire/goodbye.py: how a session ends when the server stops."""

import asyncio

import pytest

from server.errors import Leaving
from server.wire.goodbye import leave_soon


async def test_a_session_leaves_after_its_turn() -> None:
    """Not before it, and by an error of the group."""
    is_said = asyncio.Event()

    async def session() -> None:
        async with asyncio.TaskGroup() as group:
            turn = group.create_task(asyncio.sleep(0.01))
            turn.add_done_callback(lambda done: is_said.set())
            leave_soon(group, turn, 30)

    with pytest.raises(BaseExceptionGroup) as ended:
        await session()
    assert is_said.is_set()
    assert ended.group_contains(Leaving)


async def test_one_that_has_ended_is_left_alone() -> None:
    """The drain goes on with the others."""
    async with asyncio.TaskGroup() as group:
        pass
    leave_soon(group, None, 30)

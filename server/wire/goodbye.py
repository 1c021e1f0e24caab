"""How a session ends when the server stops: after its answer, with an error event and 1012.

It closes no socket: server/app.py does, for every end alike.
"""

import asyncio
from typing import Never

from server.errors import Leaving, Replaced


def leave_soon(
    group: asyncio.TaskGroup, turn: asyncio.Task[None] | None, patience_s: float
) -> None:
    """Have a session's group end by `leave_after`; one that is ending anyway is left alone."""
    leaving = leave_after(turn, patience_s)
    try:
        group.create_task(leaving)
    except RuntimeError:
        leaving.close()


async def leave_after(turn: asyncio.Task[None] | None, patience_s: float) -> Never:
    """Wait for the answer that is being given, so long at most. Raises Leaving in any case."""
    if turn is not None:
        await asyncio.wait([turn], timeout=patience_s)
    raise Leaving("The server is stopping.")


async def give_way(is_wanted: asyncio.Event) -> Never:
    """Wait until the client came back by another connection. Raises Replaced then."""
    await is_wanted.wait()
    raise Replaced("The session goes on by another connection.")

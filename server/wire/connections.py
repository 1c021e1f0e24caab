"""Every connection of the process, from its first byte to the end of its handler, to end them all.

Server.close() of websockets waits for handshakes that are not done, and knows no limit of time.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakSet

from websockets.asyncio.server import ServerConnection

Made = TypeVar("Made", bound=ServerConnection)


@dataclass(slots=True)
class Connections:
    """For one event loop."""

    _made: WeakSet[ServerConnection] = field(default_factory=WeakSet)
    _handlers: set[asyncio.Task[object]] = field(default_factory=set)

    def add(self, connection: Made) -> Made:
        """Know of one that has just been made, and return it."""
        self._made.add(connection)
        return connection

    def handled_here(self) -> None:
        """Count the running task as the handler of a connection, until it has ended."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is handled by a task")
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)

    async def end(self, patience_s: float, *others: Coroutine[Any, Any, object]) -> None:
        """Wait for the handlers and the others, so long at most, then cut what is left."""
        waiting = self._handlers | {asyncio.create_task(other) for other in others}
        if waiting:
            await asyncio.wait(waiting, timeout=patience_s)
        for connection in list(self._made):
            if hasattr(connection, "transport"):
                connection.transport.abort()

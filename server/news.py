"""Tells one client of other engines, between its other events; it changes none."""

import asyncio

from server.engines.room import EngineRoom, Engines
from server.wire import server_events as told
from server.wire.outbox import Outbox

_MOST_UNTOLD = 8
"""News beyond it is dropped: only the last of many changes would matter, and they are rare."""


class EngineNews:
    """Subscribe before `run`, which ends by cancellation."""

    def __init__(self, room: EngineRoom, outbox: Outbox) -> None:
        self._room = room
        self._outbox = outbox
        self._untold: asyncio.Queue[Engines] = asyncio.Queue(maxsize=_MOST_UNTOLD)

    def subscribe(self) -> None:
        """Hear of changes from now on."""
        self._room.subscribe(self._hear)

    def unsubscribe(self) -> None:
        """Hear no more."""
        self._room.unsubscribe(self._hear)

    async def run(self) -> None:
        """Tell each change as `parley.engines`."""
        while True:
            engines = await self._untold.get()
            await self._outbox.event(told.EnginesChanged(engines.names(), list(engines.notes)))

    def _hear(self, engines: Engines) -> None:
        if not self._untold.full():
            self._untold.put_nowait(engines)

"""Lets clients in, runs a session for each, and sees them off with the code their end deserves.

It listens on no port and builds nothing: server/app.py does.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import Server, ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol

from server.admission import RETRY_AFTER_MS, Admission
from server.configuration.live import LiveSettings
from server.door.connection import (
    GuardedConnection,
    limit_send_buffer,
    refuse_unless_let_in,
    set_limits,
)
from server.door.doorkeeper import Doorkeeper
from server.door.session_pace import PacedMessages, pace_of
from server.errors import AtCapacity, Gone, ParleyError
from server.parking import Parking
from server.session import Session
from server.surroundings import Surroundings
from server.uploads.desk import UploadDesk
from server.uploads.receiving import screened
from server.wire.connections import Connections
from server.wire.dialect import OWN, dialect_of
from server.wire.outbox import Outbox

if TYPE_CHECKING:
    from server.wyoming.listening import Switchboard

log = logging.getLogger(__name__)

GOODBYE_S = 0.4
"""Time that clients have to take their close at shutdown; then their connections are cut."""


@dataclass(slots=True)
class Reception:
    """All connections of one server. For one event loop, without locks."""

    live: LiveSettings
    shared: Surroundings
    admission: Admission
    door: Doorkeeper
    uploads: UploadDesk
    sessions: dict[str, Session]
    """Those that run, by id: others read it."""
    parking: Parking
    is_closing: Callable[[], bool]
    """Whether nobody new is let in."""
    wyoming: "Switchboard | None" = None
    """Home Assistant's port where it is open: it takes places too, and is drained with the rest."""
    connections: Connections = field(default_factory=Connections)
    _count: int = 0

    def admit(self) -> None:
        """Return when there is a place. Raises AtCapacity, which says when to come back."""
        if self.is_closing():
            raise AtCapacity("The server is stopping.", RETRY_AFTER_MS)
        busy = 0 if self.wyoming is None else self.wyoming.busy
        self.admission.check(len(self.sessions) + busy)

    def connect(self, protocol: ServerProtocol, server: Server, **limits: Any) -> ServerConnection:
        """Make the connection that websockets serves next."""
        return self.connections.add(GuardedConnection(self.door, protocol, server, **limits))

    async def serve(self, connection: ServerConnection) -> None:
        """Run one session and close the connection."""
        limit_send_buffer(connection)
        self._count += 1
        session_id = f"sess_{self._count:06d}"
        request = connection.request
        dialect = OWN if request is None else dialect_of(request.path, request.headers)
        outbox = Outbox(connection, session_id, self.live.current.send_timeout_s, dialect)
        self.connections.handled_here()
        try:
            refuse_unless_let_in(connection)
            await self._run_session(session_id, outbox, connection)
        except (Gone, ConnectionClosed):
            log.info("%s: the connection was lost", session_id)
        except ParleyError as error:
            log.info("%s: closed with %d %s", session_id, error.close_code, error.code)
            with suppress(ParleyError):
                await outbox.error(error)
            await connection.close(error.close_code, error.code)

    async def drain(self) -> None:
        """Let every session end its answer within the drain time and say goodbye; cut the rest."""
        patience_s = self.live.current.drain_timeout_s
        for session in self.sessions.values():
            session.leave(patience_s)
        others = [] if self.wyoming is None else [self.wyoming.drain(patience_s)]
        await self.connections.end(patience_s + GOODBYE_S, *others)

    async def _run_session(
        self, session_id: str, outbox: Outbox, connection: ServerConnection
    ) -> None:
        self.admit()
        set_limits(connection, outbox.dialect)
        # A session keeps the settings that it began with.
        shared = replace(self.shared, settings=self.live.current)
        request = connection.request
        address = "" if request is None else request.path
        async with self.parking.place(address, lambda: connection.close_code) as place:
            session = self.sessions[session_id] = Session(
                session_id, outbox, shared, connection.transport, place
            )
            self.shared.metrics.set_sessions(len(self.sessions))
            try:
                paced = PacedMessages(connection, pace_of(self.live.current))
                async with screened(paced, outbox, self.uploads) as messages:
                    await session.run(messages)
            finally:
                del self.sessions[session_id]
                self.shared.metrics.set_sessions(len(self.sessions))

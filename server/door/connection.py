"""A connection that is counted from its first moment to its last, and cut when it is a flood's.

Whether somebody else stands behind it is told only by the headers of a trusted proxy, so such a
connection is counted once they are read.
"""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, cast

from websockets.asyncio.server import ServerConnection
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from server.door.addresses import Verdict
from server.door.doorkeeper import Doorkeeper
from server.door.tokens import chosen_subprotocol
from server.door.unread import Unread
from server.errors import SessionError, TooLarge
from server.wire.dialect import Dialect
from server.wire.outbox import describe
from server.wire.server_event import as_json, fields_of
from server.wire.server_events import ErrorEvent

SEND_BUFFER_BYTES: Final = 32 * 1024
"""0.7 s of speech at 22,050 Hz."""


class GuardedConnection(ServerConnection):
    """What `websockets` makes for each connection; `refusal` ends it before a session begins."""

    def __init__(self, keeper: Doorkeeper, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.refusal: SessionError | None = None
        self._keeper = keeper
        self._peer = ""
        self._address: str | None = None
        self._verdict = Verdict.LET_IN
        self._is_cut = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, and end a flood's connection before anything is read from it."""
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        if not self._keeper.speaks_for_others(self._peer):
            self._count(self._keeper.client_of(self._peer, []))
        if self._verdict is Verdict.CUT:
            self._is_cut = True
            cast(asyncio.Transport, transport).abort()
            return
        super().connection_made(transport)
        tcp = self.transport
        self.recv_messages = Unread(
            self.max_queue_high, self.max_queue_low, tcp.pause_reading, tcp.resume_reading
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        if self._address is not None:
            self._keeper.addresses.leave(self._address)
        if not self._is_cut:
            super().connection_lost(exc)

    def admit(self, request: Request) -> SessionError | None:
        """Return why this connection's address may not have it, once its request is read."""
        if self._address is None:
            forwarded = request.headers.get_all("X-Forwarded-For")
            self._count(self._keeper.client_of(self._peer, forwarded))
        if self._verdict is Verdict.LET_IN or self._address is None:
            return None
        return self._keeper.refusal(self._address)

    def _count(self, address: str) -> None:
        self._address = address
        self._verdict = self._keeper.arrive(address)


def refuse_unless_let_in(connection: ServerConnection) -> None:
    """Raise what the connection was refused with when its handshake was answered."""
    if isinstance(connection, GuardedConnection) and connection.refusal is not None:
        raise connection.refusal


def select_subprotocol(
    connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Return what the answer to a handshake names."""
    chosen = chosen_subprotocol(offered)
    return None if chosen is None else Subprotocol(chosen)


def set_limits(connection: ServerConnection, dialect: Dialect) -> None:
    """Read what this path's clients send. Who is not let in keeps the limits of OWN.

    To be called before the event loop can read what follows the handshake.
    """
    connection.protocol.max_message_size = dialect.message_bytes
    connection.recv_messages.high = dialect.queued_messages
    connection.recv_messages.low = dialect.queued_messages // 4
    _tell_before_too_large(connection.protocol, dialect.message_bytes)


def _tell_before_too_large(protocol: ServerProtocol, limit_bytes: int) -> None:
    """Have the client told by an event why it is closed: websockets closes without asking us.

    The close is its doing within the reading of bytes; whole frames only were sent until then.
    """
    fail = protocol.fail

    def tell_and_fail(code: CloseCode | int, reason: str = "") -> None:
        if code == TooLarge.close_code and protocol.state is State.OPEN:
            error = TooLarge(f"A message is larger than the {limit_bytes} bytes that are taken.")
            told = fields_of(ErrorEvent(describe(error)), "event_too_large")
            protocol.send_text(as_json(told).encode())
        fail(code, reason)

    protocol.fail = tell_and_fail  # type: ignore[method-assign]


def limit_send_buffer(connection: ServerConnection) -> None:
    """The kernel would hold a minute of speech for a client that reads none of it."""
    with suppress(OSError):
        tcp = connection.transport.get_extra_info("socket")
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

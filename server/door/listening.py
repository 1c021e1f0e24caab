"""Opens the port with everything that `websockets` is told about it. It serves nothing itself."""

from collections.abc import Awaitable, Callable
from typing import cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from server.door.connection import select_subprotocol
from server.door.port import listening_error
from server.door.quiet_logger import quiet_logger
from server.door.tls import Tls
from server.settings import Settings
from server.wire.dialect import OWN

PING_INTERVAL_S = 15
PING_TIMEOUT_S = 10
CLOSE_TIMEOUT_S = 2


async def listen(
    settings: Settings,
    tls: Tls | None,
    handle: Callable[[ServerConnection], Awaitable[None]],
    connect: Callable[..., ServerConnection],
    answer: Callable[[ServerConnection, Request], Response | None],
) -> Server:
    """Listen at the settings' address. `connect` makes connections, `answer` their HTTP answers.

    Raises StartError when the address cannot be had.
    """
    try:
        return await serve(
            handle,
            settings.host,
            settings.port,
            # Any factory will do, says websockets' documentation; its type asks for a class.
            create_connection=cast(type[ServerConnection], connect),
            process_request=answer,
            select_subprotocol=select_subprotocol,
            logger=quiet_logger(),
            ssl=None if tls is None else tls.context,
            compression=None,
            max_size=OWN.message_bytes,
            max_queue=OWN.queued_messages,
            open_timeout=settings.open_timeout_s,
            ping_interval=PING_INTERVAL_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            server_header=None,
        )
    except OSError as error:
        raise listening_error(
            error, settings.host, settings.port, "parley serve --port "
        ) from error

"""Opens Home Assistant's port where one is set; only then is the wyoming package imported."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from server.door.doorkeeper import Doorkeeper
from server.door.port import listening_error
from server.surroundings import Surroundings

if TYPE_CHECKING:
    from server.wyoming.listening import Switchboard


@asynccontextmanager
async def home_assistants_port(
    shared: Surroundings, admit: Callable[[], None], door: Doorkeeper
) -> AsyncIterator["Switchboard | None"]:
    """Hold it open; None without one. Raises StartError when it cannot be opened."""
    settings = shared.settings
    if not settings.wyoming_port:
        yield None
        return
    from server.wyoming.listening import listening

    host, port = settings.wyoming_host or settings.host, settings.wyoming_port
    async with AsyncExitStack() as stack:
        try:
            board = await stack.enter_async_context(listening(shared, admit, door, host, port))
        except OSError as error:
            raise listening_error(error, host, port, "PARLEY_WYOMING_PORT=") from error
        yield board

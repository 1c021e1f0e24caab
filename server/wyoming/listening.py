"""The Wyoming port: who may call, how many, and how the calls end when the server stops.

An address has the limits that it has on the other port, counted over both.

server/wyoming/caller.py serves one call. The protocol knows no password: server/settings.py asks
that whoever opens the port off loopback says so.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from server.door.addresses import Verdict
from server.door.doorkeeper import Doorkeeper
from server.errors import AtCapacity, Gone, ParleyError, TooSlow
from server.surroundings import Surroundings
from server.wyoming.caller import Caller, Work
from server.wyoming.conversations import Conversations
from server.wyoming.reading import MAXIMUM_LINE_BYTES
from server.wyoming.sending import Sender

log = logging.getLogger(__name__)

RETRY_AFTER_MS = 2000


@dataclass(slots=True)
class Switchboard:
    """The open port. `admit` raises AtCapacity when one more would not be answered in time."""

    shared: Surroundings
    admit: Callable[[], None]
    door: Doorkeeper
    port: int = 0
    _callers: dict[asyncio.Task[None], Caller] = field(default_factory=dict)
    _conversations: Conversations = field(init=False)
    _count: int = 0
    _places_taken: int = 0
    _is_stopping: bool = False

    def __post_init__(self) -> None:
        self._conversations = Conversations(self.shared.settings)

    @property
    def calls(self) -> int:
        """Connections that are open."""
        return len(self._callers)

    @property
    def busy(self) -> int:
        """Callers for whom something is being done."""
        return sum(caller.work is not None for caller in self._callers.values())

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection that has come in, in the task that asyncio made for it."""
        peer = writer.get_extra_info("peername")
        address = self.door.client_of(peer[0] if peer else "", [])
        verdict = self.door.arrive(address)
        try:
            if verdict is Verdict.CUT:
                writer.transport.abort()
                return
            refusal = self.door.refusal(address) if verdict is Verdict.TELL else None
            await self._accept(reader, writer, refusal)
        finally:
            self.door.addresses.leave(address)

    async def _accept(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        refusal: ParleyError | None,
    ) -> None:
        self._count += 1
        sender = Sender(writer, self.shared.settings.send_timeout_s)
        caller = Caller(reader, sender, self.shared, self._let_in, self._conversations)
        task = asyncio.current_task()
        assert task is not None
        self._callers[task] = caller
        self.shared.metrics.set_wyoming_connections(len(self._callers))
        try:
            await self._serve(caller, writer, f"wyoming_{self._count:06d}", refusal)
        finally:
            writer.close()
            del self._callers[task]
            self.shared.metrics.set_wyoming_connections(len(self._callers))

    async def drain(self, timeout_s: float) -> None:
        """Take on nothing more; return when all that is being done is done, or out of time."""
        self._is_stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                for caller in list(self._callers.values()):
                    await caller.idle.wait()

    async def hang_up(self) -> None:
        """End every call, and wait for them."""
        tasks = list(self._callers)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _let_in(self, work: Work) -> None:
        """A spoken question begins with its hearing: what follows it is not refused any more."""
        if self._is_stopping:
            raise AtCapacity("The server is stopping.", RETRY_AFTER_MS)
        if work is Work.TRANSCRIBE:
            self.admit()

    async def _serve(
        self, caller: Caller, writer: asyncio.StreamWriter, name: str, refusal: ParleyError | None
    ) -> None:
        try:
            if refusal is not None:
                raise refusal
            with self._place():
                await caller.serve()
            log.info("%s: the client left", name)
        except (Gone, TooSlow) as error:
            log.info("%s: closed, %s", name, error.code)
            writer.transport.abort()
        except ParleyError as error:
            log.info("%s: closed, %s", name, error.code)
            with suppress(ParleyError):
                await caller.sender.error(error)
            await caller.sender.end(caller.reader)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Who is only told why it is refused takes none."""
        maximum = self.shared.settings.wyoming_connections_maximum
        if self._places_taken >= maximum:
            raise AtCapacity(f"All {maximum} connections are taken.", RETRY_AFTER_MS)
        self._places_taken += 1
        try:
            yield
        finally:
            self._places_taken -= 1


@asynccontextmanager
async def listening(
    shared: Surroundings, admit: Callable[[], None], door: Doorkeeper, host: str, port: int
) -> AsyncIterator[Switchboard]:
    """Hold the port open; at the end every call is cut. Raises OSError when it cannot be opened."""
    board = Switchboard(shared, admit, door)
    server = await asyncio.start_server(board.accept, host, port, limit=MAXIMUM_LINE_BYTES)
    board.port = server.sockets[0].getsockname()[1]
    try:
        yield board
    finally:
        server.close()
        await board.hang_up()

"""tests/faults/faulty_server.py in a process of its own, for as long as a block runs."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

PATIENCE_S = 50
"""A slow machine is slow, not wrong."""


@dataclass(slots=True)
class ServerProcess:
    """A server that answers, and what it says."""

    process: asyncio.subprocess.Process
    said: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S)

    async def ended(self) -> int:
        """Wait for the end and return the exit code, negative for a signal."""
        async with asyncio.timeout(PATIENCE_S):
            await self.read_to("")
            return await self.process.wait()

    async def read_to(self, pattern: str) -> re.Match[str] | None:
        """Read what it says up to a line with the pattern, or to its end for an empty one."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(line.decode())
            if pattern and (found := re.search(pattern, self.said[-1])):
                return found
        return None


@asynccontextmanager
async def server_process(
    data_dir: Path, fault: str = "none", drain_s: float = 20
) -> AsyncIterator[ServerProcess]:
    """Start it, wait for its address, and kill what is left of it at the end."""
    command = (sys.executable, "-m", "tests.faults.faulty_server", fault, str(data_dir))
    process = await asyncio.create_subprocess_exec(
        *command,
        str(drain_s),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = ServerProcess(process)
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await running.read_to(r"Open http://\S+:(\d+)")
        assert found is not None, "".join(running.said)
        running.port = int(found[1])
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await running.ended()

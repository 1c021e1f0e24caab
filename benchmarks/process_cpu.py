"""How many cores a process of this machine uses between two moments; it starts and stops nothing.

The main thread is told apart: a Parley server's event loop runs in it, all else elsewhere.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field

import psutil


@dataclass(frozen=True, slots=True)
class Cores:
    """Mean cores in use; 1.0 is one core all the time."""

    total: float
    event_loop: float
    """Of the main thread alone."""


@dataclass(slots=True)
class CpuMeter:
    """Measures from its making. Raises psutil.NoSuchProcess when the process is not there."""

    process_id: int
    _at_s: float = field(init=False)
    _used_s: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self._at_s, self._used_s = time.monotonic(), self._read()

    def cores(self) -> Cores:
        """Return what was used since the meter was made."""
        passed_s = max(1e-9, time.monotonic() - self._at_s)
        used_s = [now - before for now, before in zip(self._read(), self._used_s, strict=True)]
        return Cores(*(round(each / passed_s, 4) for each in used_s))

    def _read(self) -> tuple[float, float]:
        process = psutil.Process(self.process_id)
        total = process.cpu_times()
        main = 0.0
        with suppress(psutil.AccessDenied):
            main = sum(
                thread.user_time + thread.system_time
                for thread in process.threads()
                if thread.id == self.process_id
            )
        return total.user + total.system, main


@dataclass(frozen=True, slots=True)
class Meters:
    """The client's process and, where it is on this machine, the server's, from one moment on."""

    client: CpuMeter
    server: CpuMeter | None

    @classmethod
    def start(cls, server_process_id: int | None) -> "Meters":
        """Begin now."""
        server = None if server_process_id is None else CpuMeter(server_process_id)
        return cls(CpuMeter(os.getpid()), server)

    def figures(self) -> dict[str, float | None]:
        """Return cores by the names that results have; None for a server that is elsewhere."""
        server = None if self.server is None else self.server.cores()
        return {
            "client_cores": round(self.client.cores().total, 3),
            "server_cores": None if server is None else round(server.total, 3),
            "server_event_loop_cores": None if server is None else round(server.event_loop, 3),
        }

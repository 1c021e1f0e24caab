"""Ends a blocked network read as soon as its caller cancels. It knows no HTTP beyond the hook.

A blocking read notices an event only when bytes come, which on a hung server is never before its
deadline; shutting the socket down from another thread ends it at once.
"""

import contextlib
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

_POLL_S = 0.1


class Interruption:
    """A context in which `cancel` shuts every socket that `trace` has seen; it owns one thread."""

    def __init__(self, cancel: threading.Event) -> None:
        self._cancel = cancel
        self._ended = threading.Event()
        self._sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=self._watch, name="fetch-cancel", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def trace(self, event: str, details: Mapping[str, Any]) -> None:
        """The `trace` extension of an httpx request: notes each new connection's socket."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._sockets.append(details["return_value"].get_extra_info("socket"))

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_S):
            if self._cancel.is_set():
                self._shut_down()

    def _shut_down(self) -> None:
        for one in tuple(self._sockets):
            # The plain method: that of a TLS socket would take its state from under the reader.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)

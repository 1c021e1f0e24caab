"""JSON to an address outside, from a thread of its own and within a hard deadline.

No redirect is followed, no proxy asked, nothing tried again: what cannot be sent now is counted and
let go, because a turn never waits for it.
"""

import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from server.watching.metrics import Metrics
from server.workers import Workers

log = logging.getLogger(__name__)

DEADLINE_S: Final = 2.0
WAITING_LIMIT: Final = 16
"""Messages that may wait for the thread; more are dropped, and counted."""


class PostFailed(Exception):
    """The address did not take the message in time; the text names no part of the address."""


class Purpose(StrEnum):
    """What is sent: a label of `parley_posts_total`."""

    ALERT = "alert"
    TRACES = "traces"


class PostResult(StrEnum):
    """What became of it: a label of `parley_posts_total`."""

    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


def post_json(url: str, body: bytes, deadline_s: float = DEADLINE_S) -> None:
    """Send it; blocks up to the deadline, whatever the other side does. Raises PostFailed."""
    parts = urlsplit(url)
    kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}[parts.scheme]
    connection = kind(parts.hostname or "", parts.port, timeout=deadline_s)
    # A timeout bounds each wait alone: an answer that drips would hold the thread for hours.
    cutter = threading.Timer(deadline_s, _cut, [connection])
    cutter.daemon = True
    ends_at_s = time.monotonic() + deadline_s
    try:
        cutter.start()
        connection.connect()
        _refuse_after(ends_at_s)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, {"Content-Type": "application/json"})
        status = connection.getresponse().status
        _refuse_after(ends_at_s)
    except (OSError, http.client.HTTPException) as error:
        raise PostFailed(type(error).__name__) from error
    finally:
        cutter.cancel()
        connection.close()
    if not 200 <= status < 300:
        raise PostFailed(f"status {status}")


def _refuse_after(ends_at_s: float) -> None:
    """What was cut may still look like a whole answer."""
    if time.monotonic() >= ends_at_s:
        raise PostFailed("too late")


def _cut(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError):
        if isinstance(connection.sock, socket.socket):
            connection.sock.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class Poster:
    """Sends to one address, in order. For one event loop; `send` never waits."""

    purpose: Purpose
    url: str
    metrics: Metrics
    post: Callable[[str, bytes], None] = post_json
    _waiting: int = field(default=0, init=False)
    _is_failing: bool = field(default=False, init=False)
    _workers: Workers = field(init=False)

    def __post_init__(self) -> None:
        self._workers = Workers(f"post-{self.purpose}", 1)

    def send(self, body: bytes) -> None:
        """Let the thread send it; dropped while WAITING_LIMIT wait."""
        if self._waiting >= WAITING_LIMIT:
            self.metrics.count_post(self.purpose, PostResult.DROPPED)
            return
        self._waiting += 1
        self._workers.submit(lambda: self.post(self.url, body), self._note)

    def close(self) -> None:
        """Let the thread end after what waits."""
        self._workers.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread of a closed poster; False when it still runs."""
        return self._workers.join(timeout_s)

    def _note(self, _: None, error: BaseException | None) -> None:
        self._waiting -= 1
        result = PostResult.SENT if error is None else PostResult.FAILED
        self.metrics.count_post(self.purpose, result)
        if error is not None and not self._is_failing:
            reason = error if isinstance(error, PostFailed) else type(error).__name__
            log.warning("%s could not be sent: %s; it is said once", self.purpose, reason)
        self._is_failing = error is not None

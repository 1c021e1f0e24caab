"""server/watching/post.py: JSON out of the process, on loopback, with receivers that misbehave."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from server.watching.metrics import Metrics
from server.watching.post import WAITING_LIMIT, Poster, PostFailed, Purpose, post_json


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted; answers with `status`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, bytes]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?key=1"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, body))
        self.send_response(self.server.status)
        self.send_header("Location", self.path)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def dripping() -> Iterator[str]:
    """A receiver that takes all and answers one byte every 20 ms, without an end."""
    stopped = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 ")
            while not stopped.wait(0.02):
                connection.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        stopped.set()
        thread.join()
        listener.close()


def test_it_arrives_as_it_was_sent(receiver: Receiver) -> None:
    """Path, query and body."""
    post_json(receiver.url, b'{"alert": "queue_full"}')
    assert receiver.received == [("/hook?key=1", b'{"alert": "queue_full"}')]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_any_other_answer_is_a_failure_and_is_not_followed(receiver: Receiver, status: int) -> None:
    """A redirect could lead anywhere: it is not followed."""
    receiver.status = status
    with pytest.raises(PostFailed, match=str(status)):
        post_json(receiver.url, b"{}")
    assert len(receiver.received) == 1


def test_nobody_there_is_a_failure_without_the_address() -> None:
    """The text of the error may be logged: an address may hold a key."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(PostFailed) as error:
        post_json(f"http://127.0.0.1:{port}/secret-key", b"{}")
    assert "secret" not in str(error.value)
    assert str(port) not in str(error.value)


def test_an_answer_that_drips_is_cut_at_the_deadline() -> None:
    """Each byte is in time, the whole never: it is over soon after the deadline, not in hours."""
    with dripping() as url:
        started_at_s = time.monotonic()
        with pytest.raises(PostFailed):
            post_json(url, b"{}", 0.2)
        assert time.monotonic() - started_at_s >= 0.2


async def test_the_loop_goes_on_and_what_is_too_much_is_dropped() -> None:
    """A receiver that hangs costs the loop nothing; waiting messages are bounded and counted."""
    metrics, go, sent = Metrics(), threading.Event(), []

    def post(url: str, body: bytes) -> None:
        assert go.wait(10)
        sent.append(body)

    poster = Poster(Purpose.ALERT, "http://x", metrics, post)
    for number in range(WAITING_LIMIT + 5):
        poster.send(json.dumps(number).encode())
    told = metrics.render().decode()
    assert 'parley_posts_total{purpose="alert",result="dropped"} 5.0' in told
    go.set()
    await until_posted(metrics, "sent", WAITING_LIMIT)
    assert sent == [str(number).encode() for number in range(WAITING_LIMIT)]
    poster.close()
    assert poster.join(5)


async def test_failures_are_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Three failures, three counts, one line."""
    metrics = Metrics()

    def post(url: str, body: bytes) -> None:
        raise PostFailed("status 500")

    poster = Poster(Purpose.TRACES, "http://x", metrics, post)
    for _ in range(3):
        poster.send(b"{}")
    await until_posted(metrics, "failed", 3)
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["traces could not be sent: status 500; it is said once"]
    poster.close()
    assert poster.join(5)


async def until_posted(metrics: Metrics, result: str, count: int) -> None:
    async with asyncio.timeout(5):
        while f'result="{result}"}} {count}.0' not in metrics.render().decode():
            await asyncio.sleep(0.005)

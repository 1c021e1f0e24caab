"""A stand-in for the model hub on 127.0.0.1, with the faults of a real one. It holds no model."""

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True, slots=True)
class Fault:
    """How one answer goes wrong; the default is a right one."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    cut_after_bytes: int | None = None
    hangs_after_bytes: int | None = None
    flips_a_byte: bool = False
    ignores_range: bool = False
    hides_the_size: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    range: str | None
    if_range: str | None


@dataclass
class Hub:
    """Serves `files` (`repo/resolve/revision/name` to bytes); faults are used up in order.

    With `redirects` large files go through a 302 that carries X-Linked-Etag and X-Linked-Size, as
    on the real hub. `asked` lists the requests for files, redirected ones once.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    redirects: bool = True
    gives_etags: bool = True
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    before_body: threading.Event | None = None
    endpoint: str = ""

    def __enter__(self) -> Self:
        hub = self

        class Handler(_Handler):
            def setup(self) -> None:
                super().setup()
                self.hub = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *unused: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next_fault(self) -> Fault:
        return self.faults.pop(0) if self.faults else Fault()

    def ranges(self) -> list[str | None]:
        return [asked.range for asked in self.asked]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.hub.asked.append(self._as_asked())
        fault = self.hub.next_fault()
        if fault.hangs_after_bytes is not None:
            self._hang()
            self.close_connection = True
            return
        self._head(fault.status or 200, {"Content-Length": "0"})

    def do_GET(self) -> None:
        with contextlib.suppress(ConnectionError):
            if self.path.startswith("/blobs/"):
                self._send(self.path.removeprefix("/blobs/"), is_linked=True)
            else:
                self._resolve(self.path.removeprefix("/"))

    def _resolve(self, name: str) -> None:
        self.hub.asked.append(self._as_asked())
        if name not in self.hub.files:
            self._head(404, {"Content-Length": "0"})
        elif self.hub.redirects and name.endswith((".bin", ".onnx")):
            content = self.hub.files[name]
            headers = {
                "Location": f"/blobs/{name}",
                "Content-Length": "0",
                "X-Linked-Size": str(len(content)),
            }
            if self.hub.gives_etags:
                headers["X-Linked-Etag"] = f'"{sha256(content)}"'
            self._head(302, headers)
        else:
            self._send(name, is_linked=False)

    def _send(self, name: str, is_linked: bool) -> None:
        self.hub.reached.set()
        fault = self.hub.next_fault()
        content = self.hub.files[name]
        tag = f'"{sha256(content)[:40]}"'
        start = 0 if fault.ignores_range else self._start(tag)
        if fault.flips_a_byte:
            content = bytes([content[0] ^ 1]) + content[1:]
        headers = dict(fault.headers)
        if self.hub.gives_etags:
            headers["ETag"] = tag
        if fault.status:
            self._head(fault.status, headers | {"Content-Length": "0"})
            return
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if not fault.hides_the_size:
            headers["Content-Length"] = str(len(content) - start)
        self._head(206 if start else 200, headers)
        self._body(content[start:], fault)

    def _body(self, content: bytes, fault: Fault) -> None:
        if self.hub.before_body:
            self.hub.before_body.wait()
        for end in (fault.cut_after_bytes, fault.hangs_after_bytes):
            content = content[:end]
        self.wfile.write(content)
        if fault.hangs_after_bytes is not None:
            self._hang()

    def _hang(self) -> None:
        self.wfile.flush()
        self.hub.released.wait()

    def _start(self, tag: str) -> int:
        wanted = self.headers.get("Range", "bytes=0-")
        condition = self.headers.get("If-Range", tag)
        start = wanted.removeprefix("bytes=").removesuffix("-")
        return int(start) if condition == tag else 0

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def _as_asked(self) -> Asked:
        range_, if_range = self.headers.get("Range"), self.headers.get("If-Range")
        return Asked(self.command, self.path, range_, if_range)


@contextlib.contextmanager
def running_hub(files: dict[str, bytes], **options: bool) -> Iterator[Hub]:
    with replace(Hub(files), **options) as hub:  # type: ignore[arg-type]
        yield hub

"""Downloads one file over HTTP: resumed, retried, bounded, checked. It knows no model.

Deadlines are for connecting and for each read, so that a large file may take long and a hung server
may not. The result is checked before it gets its name.
"""

import errno
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from models.digest import sha256_of
from models.fetch_error import FetchCancelled, FetchError
from models.interruption import Interruption
from models.part_file import PartFile, Version

PROGRESS_THAT_COUNTS_BYTES = 1 << 20
_LONGEST_PAUSE_S = 30.0

OnBytes = Callable[[int, int | None], None]
"""Called with the bytes that have arrived and the whole size, None while it is unknown."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds of a fetch.

    `attempts` are failures in a row without a further megabyte; the pause between two doubles from
    `pause_s`, or is what the server asks for, at most 30 s.
    """

    connect_s: float = 2.0
    read_s: float = 10.0
    attempts: int = 5
    pause_s: float = 0.5
    lock_wait_s: float = 600.0


@dataclass(frozen=True, slots=True)
class WantedFile:
    """What to download: `name` and `remedy` are for messages, None means not known beforehand."""

    name: str
    url: str
    remedy: str
    sha256: str | None
    size_bytes: int | None
    largest_bytes: int


@dataclass(frozen=True, slots=True)
class _Announced:
    """What the answer's head says of the file."""

    version: Version
    total_bytes: int | None

    @property
    def sha256(self) -> str | None:
        found = re.fullmatch(r'"?([0-9a-f]{64})"?', self.version.linked)
        return found.group(1) if found else None


class Downloader:
    """Downloads files one after the other over one client, which the caller closes.

    Setting `cancel` ends a read within 0.1 s; only a name look-up cannot be ended.
    """

    def __init__(
        self,
        client: httpx.Client,
        limits: FetchLimits,
        cancel: threading.Event,
        interruption: Interruption,
    ) -> None:
        self._client = client
        self._limits = limits
        self._cancel = cancel
        self._extensions = {"trace": interruption.trace}

    def fetch(self, wanted: WantedFile, target: Path, on_bytes: OnBytes) -> str:
        """Download to `target`, going on from `target`.part, and return the file's sha256.

        Raises FetchError. A cut download keeps its part; a wrong one leaves nothing.
        """
        part = PartFile(target)
        furthest_bytes, failures = part.size_bytes, 0
        while True:
            try:
                return self._attempt(wanted, part, target, on_bytes)
            except FetchError as failure:
                if part.size_bytes >= furthest_bytes + PROGRESS_THAT_COUNTS_BYTES:
                    failures = 0
                furthest_bytes = max(furthest_bytes, part.size_bytes)
                failures += 1
                if not failure.retryable or failures >= self._limits.attempts:
                    raise
                self.pause(wanted.name, self._pause_after(failure, failures))

    def pause(self, name: str, seconds: float) -> None:
        """Wait, or raise FetchCancelled as soon as the caller cancels."""
        if self._cancel.wait(seconds):
            raise FetchCancelled(name)

    def _pause_after(self, failure: FetchError, failures: int) -> float:
        asked_s: float | None = failure.retry_after_s
        wait_s = self._limits.pause_s * 2 ** (failures - 1) if asked_s is None else asked_s
        return min(wait_s, _LONGEST_PAUSE_S)

    def _attempt(self, wanted: WantedFile, part: PartFile, target: Path, on_bytes: OnBytes) -> str:
        try:
            announced = self._transfer(wanted, part, on_bytes)
            return self._accept(wanted, part, announced, target)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self.pause(wanted.name, 0)
            raise _network_failure(wanted, error) from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                part.discard()
            raise disk_failure(wanted.name, error) from error

    def _transfer(self, wanted: WantedFile, part: PartFile, on_bytes: OnBytes) -> _Announced:
        self.pause(wanted.name, 0)
        headers, extensions = _request_headers(part), self._extensions
        stream = self._client.stream("GET", wanted.url, headers=headers, extensions=extensions)
        with stream as response:
            if response.status_code == 416:
                part.discard()
                raise FetchError(wanted.name, "the part did not fit", wanted.remedy, retryable=True)
            _refuse_bad_answer(wanted, response)
            announced = _announced(response)
            _refuse_wrong_file(wanted, announced)
            resumes = _continues(part, response, announced)
            with part.resume() if resumes else part.restart(announced.version) as out:
                done_bytes = out.tell()
                on_bytes(done_bytes, announced.total_bytes)
                for chunk in response.iter_raw():
                    self.pause(wanted.name, 0)
                    done_bytes += out.write(chunk)
                    _refuse_too_large(wanted, part, done_bytes)
                    on_bytes(done_bytes, announced.total_bytes)
        return announced

    def _accept(
        self, wanted: WantedFile, part: PartFile, announced: _Announced, target: Path
    ) -> str:
        got_bytes, total_bytes = part.size_bytes, announced.total_bytes
        if total_bytes is not None and got_bytes < total_bytes:
            cause = f"the connection was cut at {got_bytes} of {total_bytes} bytes"
            raise FetchError(wanted.name, cause, wanted.remedy, retryable=True)
        if wanted.size_bytes not in (None, got_bytes):
            part.discard()
            cause = f"it has {got_bytes} bytes, expected {wanted.size_bytes}"
            raise FetchError(wanted.name, cause, _NOT_TRUSTED)
        got = sha256_of(part.path)
        expected = wanted.sha256 or announced.sha256 or got
        if got != expected:
            part.discard()
            raise FetchError(wanted.name, f"its sha256 is {got}, expected {expected}", _NOT_TRUSTED)
        part.finish(target)
        return got


_NOT_TRUSTED = (
    "The file was deleted. Fetch again; if it stays so, the hub's file has changed or something on "
    "the way changes it. To accept a change, delete the file's line from recorded.json"
)


def disk_failure(name: str, error: OSError) -> FetchError:
    """Put an error of the disk into words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FetchError(name, "the disk is full", "Free some space and fetch again")
    remedy = "Check that the models folder (PARLEY_MODELS_DIR) can be written"
    return FetchError(name, f"{error.strerror or error} ({error.filename})", remedy)


def _network_failure(wanted: WantedFile, error: Exception) -> FetchError:
    kind = type(error).__name__
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        cause = f"the hub does not answer ({kind}: {error})"
    elif isinstance(error, httpx.TimeoutException):
        cause = f"the hub stopped sending ({kind})"
    else:
        cause = f"the connection failed ({kind}: {error})"
    retryable = isinstance(error, httpx.TransportError | httpx.StreamError)
    return FetchError(wanted.name, cause, wanted.remedy, retryable)


def _request_headers(part: PartFile) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}
    version, offset = part.version, part.size_bytes
    if version and offset and (version.strong_etag or version.linked):
        headers["Range"] = f"bytes={offset}-"
        if version.strong_etag:
            headers["If-Range"] = version.strong_etag
    return headers


def _refuse_bad_answer(wanted: WantedFile, response: httpx.Response) -> None:
    status = response.status_code
    if status not in (200, 206):
        retryable = status in (408, 429) or status >= 500
        cause, remedy = f"the hub answered {status} {response.reason_phrase}", wanted.remedy
        if status == 404:
            remedy = "The hub has no such file: check HF_ENDPOINT, or get the model by hand"
        raise FetchError(wanted.name, cause, remedy, retryable, _retry_after_s(response))
    if any(step.url.scheme == "https" for step in response.history) and (
        response.url.scheme != "https"
    ):
        raise FetchError(wanted.name, "the hub redirects to an open connection", _NOT_TRUSTED)
    if response.headers.get("Content-Type", "").startswith("text/html"):
        remedy = "A login page of the network may stand in between: open a browser first"
        raise FetchError(wanted.name, "a web page came in place of the file", remedy)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchError(wanted.name, "the file came compressed", wanted.remedy)


def _retry_after_s(response: httpx.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _announced(response: httpx.Response) -> _Announced:
    heads = [step.headers for step in (*response.history, response)]
    linked = next((head["X-Linked-Etag"] for head in heads if "X-Linked-Etag" in head), "")
    size = next((head["X-Linked-Size"] for head in heads if "X-Linked-Size" in head), "")
    if not size.isdecimal():
        _, _, size = response.headers.get("Content-Range", "").partition("/")
    if not size.isdecimal() and response.status_code == 200:
        size = response.headers.get("Content-Length", "")
    version = Version(response.headers.get("ETag", ""), linked)
    return _Announced(version, int(size) if size.isdecimal() else None)


def _refuse_wrong_file(wanted: WantedFile, announced: _Announced) -> None:
    """Spare the download when the head already tells that it would be refused."""
    if wanted.sha256 and announced.sha256 and wanted.sha256 != announced.sha256:
        cause = f"the hub has sha256 {announced.sha256}, expected {wanted.sha256}"
        raise FetchError(wanted.name, cause, _NOT_TRUSTED)
    total_bytes = announced.total_bytes
    if total_bytes is not None and total_bytes > wanted.largest_bytes:
        cause = f"the hub announces {total_bytes} bytes, at most {wanted.largest_bytes} are right"
        raise FetchError(wanted.name, cause, _NOT_TRUSTED)


def _continues(part: PartFile, response: httpx.Response, announced: _Announced) -> bool:
    """Whether the body goes on where the part ends. Raises httpx.RemoteProtocolError if neither."""
    if response.status_code == 200:
        return False
    start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    version = part.version
    if start and version and int(start.group(1)) == part.size_bytes:
        conditional = bool(version.strong_etag) and not announced.version.etag
        if conditional or version.is_the_same(announced.version):
            return True
    part.discard()
    raise httpx.RemoteProtocolError("another part than the missing one was sent")


def _refuse_too_large(wanted: WantedFile, part: PartFile, done_bytes: int) -> None:
    if done_bytes > wanted.largest_bytes:
        part.discard()
        raise FetchError(wanted.name, f"more than {wanted.largest_bytes} bytes came", _NOT_TRUSTED)

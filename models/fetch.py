"""Fetches a whole model from the hub: all of its files or nothing usable.

The layout that results is `MODELS_DIR/NAME/` with every file under its name without the folders of
the repository, so that WhisperModel opens the folder and Piper the .onnx, its .onnx.json beside it.
While a fetch is under way everything lies in `MODELS_DIR/.NAME.partial/`.

It loads no model, and its threads end with its calls, but for a probe that hangs.
"""

import os
import queue
import shutil
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx

from models.catalog import ModelEntry, ModelFile, Source
from models.digest import DigestRecord, hub_key, sha256_of
from models.download import Downloader, FetchLimits, WantedFile, disk_failure
from models.exclusive import exclusive
from models.fetch_error import FetchError
from models.interruption import Interruption
from models.locate import how_to_get, shown_size, sight_fetched

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and the whole model's size, None while it is unknown."""

_SPARE_BYTES = 64 << 20
_LARGEST_UNKNOWN_BYTES = 4 << 30
_REFUSALS = (403, 407, 451)
_GOOD_ENDPOINT = "Set it to an address that starts with https://"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def fetch_entry(
    entry: ModelEntry,
    models_dir: Path,
    endpoint: str,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    limits: FetchLimits | None = None,
) -> Path:
    """Fetch a model, unless it is here and right, and return the path that its engine opens.

    Blocks; safe to call from several threads and processes, which wait for each other. Raises
    FetchError, of which FetchCancelled once `cancel` is set; a later call goes on from there.
    """
    if entry.source is not Source.HUB:
        raise FetchError(entry.name, "it is not on the hub", how_to_get(entry))
    _refuse_bad_endpoint(entry, endpoint)
    limits, cancel = limits or FetchLimits(), cancel or threading.Event()
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with _client(endpoint, limits) as client, Interruption(cancel) as interruption:
            downloader = Downloader(client, limits, cancel, interruption)
            work = _Fetch(entry, models_dir, endpoint, downloader, progress or _silent)
            lock = models_dir / f".{entry.name}.lock"
            with exclusive(lock, limits.lock_wait_s, partial(downloader.pause, entry.name)):
                return work.run()
    except TimeoutError as error:
        remedy = "Wait for it to end, then fetch again"
        raise FetchError(entry.name, "another process is fetching it", remedy, True) from error
    except OSError as error:
        raise disk_failure(entry.name, error) from error


def hub_answers(endpoint: str, within_s: float = 2.0) -> bool:
    """Tell whether the hub can be used, after `within_s` at most, whatever hangs. Never raises.

    The question is put by a daemon thread, because a name look-up cannot be given a deadline.
    """
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def ask() -> None:
        answers.put(_asked(endpoint, within_s))

    threading.Thread(target=ask, name="hub-probe", daemon=True).start()
    try:
        return answers.get(timeout=within_s)
    except queue.Empty:
        return False


def _asked(endpoint: str, within_s: float) -> bool:
    try:
        limits = FetchLimits(connect_s=within_s, read_s=within_s)
        with _client(endpoint, limits) as client:
            status = client.head(endpoint, follow_redirects=False).status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return False
    return status < 500 and status not in _REFUSALS


def _refuse_bad_endpoint(entry: ModelEntry, endpoint: str) -> None:
    try:
        url = httpx.URL(endpoint)
    except httpx.InvalidURL as error:
        raise FetchError(
            entry.name, f"HF_ENDPOINT is no address ({error})", _GOOD_ENDPOINT
        ) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise FetchError(entry.name, f"HF_ENDPOINT is {endpoint!r}", _GOOD_ENDPOINT)


def _client(endpoint: str, limits: FetchLimits) -> httpx.Client:
    """Proxies of the environment are used, except for a hub on this machine."""
    return httpx.Client(
        timeout=httpx.Timeout(limits.read_s, connect=limits.connect_s),
        follow_redirects=True,
        max_redirects=10,
        headers={"User-Agent": "parley"},
        trust_env=httpx.URL(endpoint).host not in _LOOPBACK,
    )


def _silent(done_bytes: int, total_bytes: int | None) -> None:
    pass


class _Tally:
    """Adds up the files of one model; guesses are replaced by what the hub announces."""

    def __init__(self, entry: ModelEntry, progress: Progress) -> None:
        self._done = dict.fromkeys(entry.files, 0)
        self._total = {file: file.likely_bytes for file in entry.files}
        self._progress = progress

    def update(self, file: ModelFile, done_bytes: int, total_bytes: int | None) -> None:
        self._done[file] = done_bytes
        if total_bytes is not None:
            self._total[file] = total_bytes
        sizes = [size for size in self._total.values() if size is not None]
        whole = sum(sizes) if len(sizes) == len(self._total) else None
        self._progress(sum(self._done.values()), whole)


class _Fetch:
    """One fetch of one model, under its lock."""

    def __init__(
        self,
        entry: ModelEntry,
        models_dir: Path,
        endpoint: str,
        downloader: Downloader,
        progress: Progress,
    ) -> None:
        self._entry = entry
        self._base = f"{endpoint.rstrip('/')}/{entry.repo}/resolve/{entry.revision}"
        self._final = models_dir / entry.name
        self._staging = models_dir / f".{entry.name}.partial"
        self._downloader = downloader
        self._record = DigestRecord(models_dir)
        self._tally = _Tally(entry, progress)

    def run(self) -> Path:
        here = sight_fetched(self._entry, self._final.parent, self._record)
        if here.problems:
            self._refuse_small_disk()
            self._stage()
            self._publish()
        self._record.save_if_possible()
        return here.located.path

    def _refuse_small_disk(self) -> None:
        free_bytes = shutil.disk_usage(self._final.parent).free
        needed_bytes = self._entry.likely_bytes or 0
        if free_bytes < needed_bytes + _SPARE_BYTES - _size_of(self._staging):
            size = shown_size(needed_bytes, self._entry.size_is_exact)
            cause = f"the disk has {shown_size(free_bytes, True)} left, the model needs {size}"
            raise FetchError(self._entry.name, cause, "Free some space and fetch again")

    def _stage(self) -> None:
        digests = {}
        try:
            for file in self._entry.files:
                digests[file] = self._stage_file(file)
        finally:
            _remove_if_empty(self._staging)
        for file, digest in digests.items():
            size_bytes = (self._staging / self._entry.local_name(file)).stat().st_size
            self._record.record_download(hub_key(self._entry, file), digest, size_bytes)
        self._record.save()

    def _stage_file(self, file: ModelFile) -> str:
        """Return the sha256 of the file in the staging folder, where it is then whole."""
        name = self._entry.local_name(file)
        staged = self._staging / name
        staged.parent.mkdir(parents=True, exist_ok=True)
        expected = self._expected(file)
        digest = _reused(staged, self._final / name, expected)
        if digest is None:
            digest = self._downloader.fetch(
                self._wanted(file, expected),
                staged,
                lambda done, total: self._tally.update(file, done, total),
            )
        size_bytes = staged.stat().st_size
        self._tally.update(file, size_bytes, size_bytes)
        return digest

    def _expected(self, file: ModelFile) -> str | None:
        recorded = self._record.download(hub_key(self._entry, file))
        return file.sha256 or (recorded.sha256 if recorded else None)

    def _wanted(self, file: ModelFile, expected: str | None) -> WantedFile:
        likely_bytes = file.likely_bytes
        largest = _LARGEST_UNKNOWN_BYTES if likely_bytes is None else 2 * likely_bytes + (1 << 20)
        return WantedFile(
            name=f"{self._entry.name}/{self._entry.local_name(file)}",
            url=f"{self._base}/{file.name}",
            remedy=f"Check the connection, then type: parley models fetch {self._entry.name}",
            sha256=expected,
            size_bytes=file.size_bytes,
            largest_bytes=file.size_bytes or largest,
        )

    def _publish(self) -> None:
        """Rename the staged folder into place; a crash in between loses nothing that was staged."""
        replaced = self._final.with_name(f".{self._final.name}.replaced")
        shutil.rmtree(replaced, ignore_errors=True)
        if self._final.exists():
            os.replace(self._final, replaced)
        os.replace(self._staging, self._final)
        _sync_folder(self._final.parent)
        shutil.rmtree(replaced, ignore_errors=True)


def _reused(staged: Path, published: Path, expected: str | None) -> str | None:
    """Take over what an interrupted fetch finished, or a right file of a damaged model."""
    if staged.is_file():
        digest = sha256_of(staged)
        if expected in (None, digest):
            return digest
        staged.unlink()
    if expected and published.is_file() and sha256_of(published) == expected:
        shutil.copyfile(published, staged)
        return expected
    return None


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

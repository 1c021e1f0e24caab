"""A whole server in a thread of the test process, on a free loopback port."""

import asyncio
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from server.app import App, LoadSpeech
from server.engines.loading import load_speech_engines
from server.settings import Settings

READY_TIMEOUT_S = 60
THREADS_TIMEOUT_S = 5


@dataclass(slots=True)
class RunningApp:
    """A server that answers; `said` is what it told the person who started it."""

    app: App
    said: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of one HTTP request."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def settings_in(folder: Path, prepared_data_dir: Path | None = None) -> Settings:
    """For a server with embedded engines on a free port that touches nothing outside of `folder`.

    It begins with a copy of the prepared data, else with none.
    """
    data_dir = folder / "data"
    if prepared_data_dir is not None:
        shutil.copytree(prepared_data_dir, data_dir)
    return replace(
        Settings(),
        port=0,
        offline=True,
        data_dir=data_dir,
        models_dir=folder / "models",
        hub_cache_dir=folder / "hub",
    )


@contextmanager
def running_app(
    settings: Settings,
    *,
    with_samples: bool = True,
    load_speech: LoadSpeech = load_speech_engines,
) -> Iterator[RunningApp]:
    """Run the app until the block ends, then stop it and wait; its errors are raised here."""
    said: list[str] = []
    ready = threading.Event()
    errors: list[BaseException] = []
    running = RunningApp(App(settings, said.append, with_samples, load_speech), said)

    def on_ready(port: int) -> None:
        running.port = port
        ready.set()

    def work() -> None:
        try:
            asyncio.run(running.app.run(on_ready))
        except BaseException as error:
            errors.append(error)
        finally:
            ready.set()

    before = set(threading.enumerate())
    thread = threading.Thread(target=work, name="server-under-test")
    thread.start()
    try:
        assert ready.wait(READY_TIMEOUT_S)
        if errors:
            raise errors[0]
        yield running
    finally:
        running.app.stop_soon()
        thread.join(READY_TIMEOUT_S)
        assert not thread.is_alive()
        _let_end(set(threading.enumerate()) - before)
    if errors:
        raise errors[0]


def _let_end(threads: set[threading.Thread]) -> None:
    """Wait for the server's background threads: one that is in native code when the interpreter of
    the tests ends would abort it. A server ends its process by itself (`end_process`).
    """
    deadline_s = time.monotonic() + THREADS_TIMEOUT_S
    for thread in threads:
        if thread.name != "tqdm_monitor":  # It never ends, and is the whole process's.
            thread.join(max(0.0, deadline_s - time.monotonic()))

"""The stands of tests/server, whole servers with a witness beside the fault, and figures."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from benchmarks.redis_process import RedisProcess, redis_process
from models.espeak import EspeakLibrary
from models.language_model import LanguageModelFiles
from server.engines.loading import SpeechEngines
from server.pipeline import Stages
from server.settings import Settings
from tests.fakes import FakeRecognizer, FakeSynthesizer
from tests.faults.figures import Figure, Figures
from tests.faults.witness import PATIENCE_S, until
from tests.server.conftest import data_dir, make_stand, prepared_data_dir, spoken, store, vad_model
from tests.server.running import RunningApp, running_app, settings_in

__all__ = [
    "data_dir",
    "faulted_server",
    "make_stand",
    "prepared_data_dir",
    "spoken",
    "store",
    "vad_model",
]

FIGURES = pytest.StashKey[Figures]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-figures", action="store_true", help="write the figures of faults")


def pytest_sessionfinish(session: pytest.Session) -> None:
    figures = session.config.stash.get(FIGURES, Figures())
    if figures.by_row and session.config.getoption("record_figures", False):
        figures.write()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Keeps and prints what the test measures, under the row in its file's name."""
    found = re.match(r"test_(\d\d)_", request.path.name)
    assert found is not None
    row, figures = found[1], request.config.stash.setdefault(FIGURES, Figures())

    def note(what: str, value: float, unit: str) -> None:
        sys.stdout.write(f"row {row}: {what}: {value:.3g} {unit}\n")
        figures.note(row, what, value, unit)

    return note


@pytest.fixture(scope="session")
def faulted_server(
    tmp_path_factory: pytest.TempPathFactory, prepared_data_dir: Path
) -> Iterator[RunningApp]:
    """A server with embedded engines and short patience."""
    folder = tmp_path_factory.mktemp("faults")
    settings = replace(
        settings_in(folder, prepared_data_dir),
        send_timeout_s=0.5,
        ahead_maximum_s=2.0,
    )
    with running_app(settings) as running:
        yield running


@dataclass(frozen=True, slots=True)
class FakedServer:
    """A whole server but for its ears and voice, which can be held and made to fail."""

    running: RunningApp
    recognizer: FakeRecognizer
    synthesizer: FakeSynthesizer

    @property
    def url(self) -> str:
        return self.running.url

    @property
    def stages(self) -> Stages:
        return self.running.app._shared.stages

    def health(self) -> tuple[int, dict[str, Any]]:
        """Return status code and content of /health."""
        code, body = self.running.get("/health")
        return code, json.loads(body)

    async def settled(self) -> "Usage":
        """What is in use by nobody's session, once what went before is over."""
        seen: list[Usage] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(seen) < 5 or len(set(seen[-5:])) > 1 or seen[-1].sessions:
                seen.append(self.usage())
                await asyncio.sleep(0.02)
        return seen[-1]

    async def is_back_at(self, before: "Usage") -> bool:
        """Wait until nothing more is in use than then."""
        await until(lambda: all(n <= b for n, b in zip(self.usage(), before, strict=True)))
        return True

    def usage(self) -> "Usage":
        """What is in use now."""
        app = self.running.app
        assert app._loop is not None
        taken = {one.name: one.permits.in_use + one.permits.waiting for one in self.stages.all()}
        return Usage(
            len(app.sessions),
            sum(taken.values()),
            len(asyncio.all_tasks(app._loop)),
            sum(1 for name in os.listdir("/proc/self/fd") if _is_socket(name)),
        )


class Usage(NamedTuple):
    """What a fault must not leave behind."""

    sessions: int
    permits: int
    tasks: int
    sockets: int


def _is_socket(descriptor: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")
    except FileNotFoundError:
        return False


StartFaked = Callable[..., FakedServer]


@contextmanager
def faked(data_dir: Path, **changes: Any) -> Iterator[FakedServer]:
    """A server with fake ears and voice, with these settings changed."""
    recognizer, synthesizer = FakeRecognizer(), FakeSynthesizer()
    synthesizer.character_ms = 1
    calm = {"prespeak": False, "cache_disk": False, "admission_by_latency": False}
    settings = replace(Settings(), port=0, offline=True, data_dir=data_dir, **{**calm, **changes})

    def load(
        settings: Settings, files: LanguageModelFiles | None, library: EspeakLibrary
    ) -> SpeechEngines:
        return SpeechEngines(recognizer, synthesizer, ())

    with running_app(settings, load_speech=load) as running:
        yield FakedServer(running, recognizer, synthesizer)
        recognizer.go.set()
        synthesizer.go.set()


@pytest.fixture
def start_faked(data_dir: Path) -> Iterator[StartFaked]:
    """Start servers of the test's own, with settings of its own."""
    with ExitStack() as stack:

        def start(**changes: Any) -> FakedServer:
            return stack.enter_context(faked(data_dir, **changes))

        yield start


@pytest.fixture(scope="session")
def one_faked_server(
    tmp_path_factory: pytest.TempPathFactory, prepared_data_dir: Path
) -> Iterator[FakedServer]:
    data_dir = tmp_path_factory.mktemp("faked") / "data"
    with faked(shutil.copytree(prepared_data_dir, data_dir)) as server:
        yield server


@pytest.fixture
def server(one_faked_server: FakedServer) -> Iterator[FakedServer]:
    """The faked server of all tests that leave it as it was: its engines are mended behind each."""
    recognizer, synthesizer = one_faked_server.recognizer, one_faked_server.synthesizer
    yield one_faked_server
    recognizer.error = synthesizer.error = None
    recognizer.text = FakeRecognizer().text
    synthesizer.character_ms = 1
    recognizer.go.set()
    synthesizer.go.set()


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    """A real Redis; where it is not installed the test is skipped and says so."""
    with redis_process() as running:
        if running is None:
            pytest.skip("redis-server is not installed (make system)")
        yield running

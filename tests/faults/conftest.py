"""The stands of tests/server, and one whole server with a healthy witness beside the fault."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.redis_process import RedisProcess, redis_process
from server.settings import Settings
from tests.server.conftest import make_stand, prepared_data_dir, spoken, store, vad_model
from tests.server.running import RunningApp, running_app

__all__ = ["faulted_server", "make_stand", "prepared_data_dir", "spoken", "store", "vad_model"]


@pytest.fixture(scope="session")
def faulted_server(
    tmp_path_factory: pytest.TempPathFactory, prepared_data_dir: Path
) -> Iterator[RunningApp]:
    """A server with embedded engines and short patience."""
    folder = tmp_path_factory.mktemp("faults")
    settings = replace(
        Settings(),
        port=0,
        offline=True,
        data_dir=shutil.copytree(prepared_data_dir, folder / "data"),
        models_dir=folder / "models",
        hub_cache_dir=folder / "hub",
        send_timeout_s=0.5,
        ahead_maximum_s=2.0,
    )
    with running_app(settings) as running:
        yield running


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    """A real Redis; where it is not installed the test is skipped and says so."""
    with redis_process() as running:
        if running is None:
            pytest.skip("redis-server is not installed (make system)")
        yield running

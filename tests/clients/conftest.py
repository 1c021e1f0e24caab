"""One whole server with embedded engines, and a stock OpenAI client pointed at it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.settings import Settings
from tests.server.conftest import prepared_data_dir, spoken
from tests.server.running import RunningApp, running_app

__all__ = ["prepared_data_dir", "spoken"]


@pytest.fixture(scope="session")
def served(
    tmp_path_factory: pytest.TempPathFactory, prepared_data_dir: Path
) -> Iterator[RunningApp]:
    """A server with embedded engines."""
    folder = tmp_path_factory.mktemp("clients")
    settings = replace(
        Settings(),
        port=0,
        offline=True,
        data_dir=shutil.copytree(prepared_data_dir, folder / "data"),
        models_dir=folder / "models",
        hub_cache_dir=folder / "hub",
    )
    with running_app(settings) as running:
        yield running

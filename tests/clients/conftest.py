"""Whole servers with embedded engines for stock clients, one of them with a chat endpoint."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.llm_server import LlmServer, llm_server
from tests.server.conftest import prepared_data_dir, spoken
from tests.server.running import RunningApp, running_app, settings_in

__all__ = ["prepared_data_dir", "spoken"]


@pytest.fixture(scope="session")
def served(
    tmp_path_factory: pytest.TempPathFactory, prepared_data_dir: Path
) -> Iterator[RunningApp]:
    """A server with embedded engines."""
    with running_app(settings_in(tmp_path_factory.mktemp("clients"), prepared_data_dir)) as running:
        yield running


@pytest.fixture
def served_with_llm(
    tmp_path: Path, prepared_data_dir: Path
) -> Iterator[tuple[RunningApp, LlmServer]]:
    """The same, with a local chat endpoint that plays what it is told."""
    with llm_server() as llm:
        settings = settings_in(tmp_path, prepared_data_dir)
        chat = {"llm_base_url": llm.base_url, "llm_model": "test-model", "llm_retries": 0}
        with running_app(replace(settings, **chat)) as running:  # type: ignore[arg-type]
            yield running, llm

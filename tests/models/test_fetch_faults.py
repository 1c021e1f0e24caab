"""Fetching from a hub that is absent, busy, hung or hostile, onto a disk that is full."""

import dataclasses
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from models.catalog import find_entry
from models.download import FetchLimits
from models.fetch import fetch_entry
from models.fetch_error import FetchError
from models.part_file import PartFile, Version
from tests.models.entries import hub_files, whisper_entry
from tests.models.fetching import MODEL_PATH, QUICK, Fetcher, only_model, visible
from tests.models.hub import Fault, Hub, running_hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub(hub_files()) as running:
        yield running


@pytest.fixture
def fetch(hub: Hub, tmp_path: Path) -> Fetcher:
    return Fetcher(hub, tmp_path)


def test_a_wrong_size_is_refused(fetch: Fetcher, hub: Hub, tmp_path: Path) -> None:
    """An exact size of the catalogue is checked too."""
    with pytest.raises(FetchError, match=r"bytes, expected 400000"):
        fetch(only_model(size_bytes=400_000))
    assert visible(tmp_path) == []


@pytest.mark.parametrize("hides_the_size", [True, False])
def test_an_endless_file_is_refused(
    hides_the_size: bool, fetch: Fetcher, hub: Hub, tmp_path: Path
) -> None:
    """No more is taken than a model of that kind can be, announced or not."""
    hub.redirects = False
    hub.files[MODEL_PATH] = bytes(2_000_000)
    hub.faults = [Fault(hides_the_size=hides_the_size)]
    with pytest.raises(FetchError, match=r"announces|came"):
        fetch(only_model(), limits=QUICK)
    assert visible(tmp_path) == []


def test_a_missing_file_is_named(fetch: Fetcher, hub: Hub) -> None:
    """A 404 is final and tells which file of which model."""
    del hub.files[MODEL_PATH]
    with pytest.raises(FetchError, match=r"base\.en/model\.bin: the hub answered 404") as caught:
        fetch()
    assert not caught.value.retryable
    assert "HF_ENDPOINT" in caught.value.remedy


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_hub_is_asked_again(status: int, fetch: Fetcher, hub: Hub) -> None:
    """Errors that pass are retried, as soon as the hub says."""
    hub.faults = [Fault(status=status, headers=(("Retry-After", "0"),))]
    fetch(only_model(), limits=dataclasses.replace(QUICK, pause_s=1000))
    assert len(hub.asked) == 2


def test_retries_are_bounded(fetch: Fetcher, hub: Hub) -> None:
    """A hub that keeps failing is given up, as retryable, with the command to type."""
    hub.faults = [Fault(status=500)] * 9
    with pytest.raises(FetchError, match="500") as caught:
        fetch(only_model())
    assert caught.value.retryable
    assert "parley models fetch base.en" in caught.value.remedy
    assert len(hub.asked) == QUICK.attempts


@pytest.mark.parametrize("after_bytes", [0, 50_000])
def test_a_hung_hub_meets_the_deadline(after_bytes: int, fetch: Fetcher, hub: Hub) -> None:
    """A hub that stops sending is given up; it would never have gone on by itself."""
    hub.faults = [Fault(hangs_after_bytes=after_bytes)]
    with pytest.raises(FetchError, match="stopped sending"):
        fetch(only_model(), limits=FetchLimits(read_s=0.2, attempts=1))


def test_a_web_page_is_no_model(fetch: Fetcher, hub: Hub, tmp_path: Path) -> None:
    """The login page of a hotel's network is not recorded as a configuration."""
    hub.faults = [Fault(headers=(("Content-Type", "text/html; charset=utf-8"),))]
    with pytest.raises(FetchError, match="a web page came"):
        fetch(only_model())
    assert visible(tmp_path) == []


def test_nobody_there(tmp_path: Path) -> None:
    """A refused connection is an error in words, and may pass."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FetchError, match="does not answer") as caught:
        fetch_entry(whisper_entry(), tmp_path, f"http://127.0.0.1:{port}", limits=QUICK)
    assert caught.value.retryable


@pytest.mark.parametrize("endpoint", ["", "hub.example", "file:///etc", "http://a:b", "https://"])
def test_a_bad_endpoint_is_named(endpoint: str, tmp_path: Path) -> None:
    """A mistyped HF_ENDPOINT is named and not retried."""
    with pytest.raises(FetchError, match="HF_ENDPOINT") as caught:
        fetch_entry(whisper_entry(), tmp_path, endpoint, limits=QUICK)
    assert not caught.value.retryable


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is the full disk here")
def test_a_disk_that_fills_up(
    fetch: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to do and the part gives its space back."""
    real_restart = PartFile.restart

    def restart(part: PartFile, version: Version) -> IO[bytes]:
        real_restart(part, version).close()
        return Path("/dev/full").open("wb")

    monkeypatch.setattr(PartFile, "restart", restart)
    with pytest.raises(FetchError, match="the disk is full") as caught:
        fetch(only_model())
    assert "Free some space" in caught.value.remedy
    assert not caught.value.retryable
    assert visible(tmp_path) == []


def test_a_disk_that_is_too_small(fetch: Fetcher, hub: Hub) -> None:
    """A model that cannot fit is refused before anything is downloaded."""
    with pytest.raises(FetchError, match="the disk has"):
        fetch(only_model(approximate_bytes=1 << 60))
    assert hub.asked == []


def test_a_models_folder_that_cannot_be_made(hub: Hub, tmp_path: Path) -> None:
    """The folder is named with the variable that moves it."""
    (tmp_path / "file").touch()
    with pytest.raises(FetchError, match="PARLEY_MODELS_DIR"):
        fetch_entry(whisper_entry(), tmp_path / "file" / "models", hub.endpoint)


def test_what_is_in_a_wheel_is_not_fetched(hub: Hub, tmp_path: Path) -> None:
    """The error names the package to install."""
    with pytest.raises(FetchError, match=r"pip install .* pocketsphinx"):
        fetch_entry(find_entry("pocketsphinx-en-us"), tmp_path, hub.endpoint)
    assert hub.asked == []

"""Fetching from the hub: whole, cut and resumed, wrong, mended, cancelled, at once."""

import dataclasses
import json
import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from models.fetch import fetch_entry
from models.fetch_error import FetchCancelled, FetchError
from models.locate import Places, locate
from tests.models.entries import CONTENTS, VOICE, WEIGHTS, hub_files, voice_entry, whisper_entry
from tests.models.fetching import MODEL_PATH, QUICK, Fetcher, only_model, visible
from tests.models.hub import Fault, Hub, running_hub, sha256


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub(hub_files()) as running:
        yield running


@pytest.fixture
def fetch(hub: Hub, tmp_path: Path) -> Fetcher:
    return Fetcher(hub, tmp_path)


def test_a_whole_fetch(fetch: Fetcher, tmp_path: Path) -> None:
    """Every file arrives under the model's folder, is recorded, and is found from then on."""
    progress: list[tuple[int, int | None]] = []

    path = fetch(progress=lambda done, total: progress.append((done, total)))

    assert path == tmp_path / "base.en"
    assert {one.name: one.read_bytes() for one in path.iterdir()} == CONTENTS
    assert visible(tmp_path) == sorted(
        ["base.en", "recorded.json", *(f"base.en/{name}" for name in CONTENTS)]
    )
    recorded = json.loads((tmp_path / "recorded.json").read_bytes())["downloads"]
    entry = recorded["Someone/whisper-base.en@main/model.bin"]
    assert (entry["sha256"], entry["size_bytes"]) == (sha256(WEIGHTS), len(WEIGHTS))
    assert progress[-1] == (sum(map(len, CONTENTS.values())),) * 2
    assert progress == sorted(progress, key=lambda pair: pair[0])
    located = locate(whisper_entry(), Places(tmp_path))
    assert located
    assert located.path == path


def test_a_voice_lies_beside_its_description(fetch: Fetcher, tmp_path: Path) -> None:
    """A Piper voice is opened by its .onnx, without the repository's folders."""
    path = fetch(voice_entry())
    assert path == tmp_path / "en_US-someone-medium" / "en_US-someone-medium.onnx"
    assert path.read_bytes() == VOICE
    assert path.with_name(f"{path.name}.json").is_file()


def test_a_second_fetch_asks_nothing(fetch: Fetcher, hub: Hub) -> None:
    """A model that is here and right is not fetched again."""
    fetch()
    hub.asked.clear()
    fetch()
    assert hub.asked == []


@pytest.mark.parametrize("redirects", [True, False])
def test_a_cut_connection_is_resumed(redirects: bool, fetch: Fetcher, hub: Hub) -> None:
    """Only the rest is asked for, on the condition that the file is still the same."""
    hub.redirects = redirects
    hub.faults = [Fault(cut_after_bytes=100_000)]
    path = fetch(only_model())
    assert (path / "model.bin").read_bytes() == WEIGHTS
    assert hub.ranges() == [None, "bytes=100000-"]
    assert hub.asked[1].if_range == f'"{sha256(WEIGHTS)[:40]}"'


def test_a_link_that_breaks_again_and_again(fetch: Fetcher, hub: Hub) -> None:
    """As long as each attempt brings a further megabyte, breaks are not counted as failures."""
    hub.files[MODEL_PATH] = WEIGHTS * 16
    hub.faults = [Fault(cut_after_bytes=1_200_000)] * 4
    entry = only_model(approximate_bytes=len(WEIGHTS) * 16)
    path = fetch(entry, limits=dataclasses.replace(QUICK, attempts=2))
    assert (path / "model.bin").read_bytes() == WEIGHTS * 16
    assert hub.ranges()[-1] == "bytes=4800000-"


def test_a_link_that_never_gets_further(fetch: Fetcher, hub: Hub) -> None:
    """The same first megabyte again and again is no progress."""
    hub.files[MODEL_PATH] = WEIGHTS * 16
    hub.faults = [Fault(cut_after_bytes=1_200_000, ignores_range=True)] * 20
    with pytest.raises(FetchError, match="peer closed connection"):
        fetch(only_model(approximate_bytes=len(WEIGHTS) * 16))
    assert len(hub.asked) == QUICK.attempts


def test_an_interrupted_fetch_goes_on_later(fetch: Fetcher, hub: Hub) -> None:
    """A new call, as of a new process, goes on from what an earlier one left; nothing shows yet."""
    hub.faults = [Fault(cut_after_bytes=100_000)]
    with pytest.raises(FetchError, match="peer closed connection") as caught:
        fetch(only_model(), limits=dataclasses.replace(QUICK, attempts=1))
    assert caught.value.retryable
    path = fetch(only_model())
    assert hub.ranges() == [None, "bytes=100000-"]
    assert (path / "model.bin").read_bytes() == WEIGHTS


def test_half_a_model_is_not_there(fetch: Fetcher, hub: Hub, tmp_path: Path) -> None:
    """While a file is missing the model is absent; what came whole is not asked for again."""
    del hub.files["Someone/whisper-base.en/resolve/main/vocabulary.txt"]
    with pytest.raises(FetchError, match="404"):
        fetch()
    assert locate(whisper_entry(), Places(tmp_path)) is None
    assert not (tmp_path / "base.en").exists()
    hub.files |= hub_files()
    hub.asked.clear()
    fetch()
    assert [asked.path for asked in hub.asked] == [
        "/Someone/whisper-base.en/resolve/main/vocabulary.txt"
    ]


def test_a_file_that_changed_meanwhile_restarts(fetch: Fetcher, hub: Hub) -> None:
    """The bytes of two versions are never put together."""
    hub.faults = [Fault(cut_after_bytes=100_000)]
    with pytest.raises(FetchError):
        fetch(only_model(), limits=dataclasses.replace(QUICK, attempts=1))
    hub.files[MODEL_PATH] = WEIGHTS[::-1]
    path = fetch(only_model())
    assert (path / "model.bin").read_bytes() == WEIGHTS[::-1]


def test_a_hub_that_ignores_the_range(fetch: Fetcher, hub: Hub) -> None:
    """An answer 200 to a request for the rest starts the file anew."""
    hub.faults = [Fault(cut_after_bytes=100_000), Fault(ignores_range=True)]
    assert (fetch(only_model()) / "model.bin").read_bytes() == WEIGHTS


def test_without_an_etag_nothing_is_resumed(fetch: Fetcher, hub: Hub) -> None:
    """Bytes of an unknown version are not continued."""
    hub.gives_etags = False
    hub.faults = [Fault(cut_after_bytes=100_000)]
    assert (fetch(only_model()) / "model.bin").read_bytes() == WEIGHTS
    assert hub.ranges() == [None, None]


def test_a_part_that_is_too_long_is_dropped(fetch: Fetcher, hub: Hub, tmp_path: Path) -> None:
    """An answer 416 throws the part away and the next attempt starts at the beginning."""
    hub.faults = [Fault(cut_after_bytes=100_000)]
    with pytest.raises(FetchError):
        fetch(only_model(), limits=dataclasses.replace(QUICK, attempts=1))
    hub.faults = [Fault(status=416)]
    assert (fetch(only_model()) / "model.bin").read_bytes() == WEIGHTS
    assert hub.ranges() == [None, "bytes=100000-", None]


@pytest.mark.parametrize("known_beforehand", [True, False])
def test_a_wrong_hash_is_refused(
    known_beforehand: bool, fetch: Fetcher, hub: Hub, tmp_path: Path
) -> None:
    """The catalogue's sha256, or the one that the hub announces, is the judge; nothing stays."""
    hub.faults = [Fault(flips_a_byte=True)]
    entry = only_model(sha256=sha256(WEIGHTS)) if known_beforehand else only_model()
    with pytest.raises(FetchError) as caught:
        fetch(entry)
    got = sha256(b"\1" + WEIGHTS[1:])
    assert f"its sha256 is {got}, expected {sha256(WEIGHTS)}" in str(caught.value)
    assert "recorded.json" in caught.value.remedy
    assert not caught.value.retryable
    assert visible(tmp_path) == []


def test_a_known_change_is_not_even_downloaded(fetch: Fetcher, hub: Hub) -> None:
    """When the hub announces another sha256 than the catalogue's, no byte is taken."""
    with pytest.raises(FetchError, match="the hub has sha256"):
        fetch(only_model(sha256=sha256(b"other")))
    assert not hub.faults
    assert len(hub.asked) == 1


def test_what_was_recorded_binds_later_downloads(fetch: Fetcher, hub: Hub, tmp_path: Path) -> None:
    """A hub file that changed since its first download is refused, and the old one is reported."""
    (fetch() / "config.json").write_bytes(b"changed here")
    assert locate(whisper_entry(), Places(tmp_path)) is None
    hub.files["Someone/whisper-base.en/resolve/main/config.json"] = b"changed there"
    with pytest.raises(FetchError, match=r"config\.json: its sha256 is"):
        fetch()


def test_a_damaged_model_is_mended(fetch: Fetcher, hub: Hub) -> None:
    """Only the damaged file is downloaded again."""
    path = fetch()
    (path / "config.json").write_bytes(b"{}")
    hub.asked.clear()
    assert fetch() == path
    assert {one.name: one.read_bytes() for one in path.iterdir()} == CONTENTS
    assert [asked.path.rsplit("/")[-1] for asked in hub.asked] == ["config.json"]


def test_cancel_keeps_what_came(fetch: Fetcher, hub: Hub) -> None:
    """A cancelled fetch stops at the next bytes and is continued by the next one."""
    cancel = threading.Event()
    hub.faults = [Fault(cut_after_bytes=100_000)]

    def stop(done_bytes: int, total_bytes: int | None) -> None:
        if done_bytes >= 100_000:
            cancel.set()

    with pytest.raises(FetchCancelled) as caught:
        fetch(only_model(), cancel=cancel, progress=stop)
    assert caught.value.code == "fetch_cancelled"
    fetch(only_model())
    assert hub.ranges() == [None, "bytes=100000-"]


def test_cancel_ends_a_pause(fetch: Fetcher, hub: Hub) -> None:
    """Nobody waits for a pause between two attempts."""
    cancel = threading.Event()
    hub.faults = [Fault(status=503)]
    with ThreadPoolExecutor(1) as pool:
        limits = dataclasses.replace(QUICK, pause_s=1000)
        running = pool.submit(fetch, only_model(), cancel=cancel, limits=limits)
        assert hub.reached.wait(10)
        cancel.set()
        with pytest.raises(FetchCancelled):
            running.result()


@pytest.mark.parametrize("after_bytes", [0, 50_000])
def test_cancel_ends_a_read(after_bytes: int, fetch: Fetcher, hub: Hub) -> None:
    """A hub that hangs does not hold up a cancelled fetch, whose deadline would be far away."""
    cancel = threading.Event()
    hub.faults = [Fault(hangs_after_bytes=after_bytes)]
    with ThreadPoolExecutor(1) as pool:
        limits = dataclasses.replace(QUICK, read_s=1000)
        running = pool.submit(fetch, only_model(), cancel=cancel, limits=limits)
        assert hub.reached.wait(10)
        cancel.set()
        with pytest.raises(FetchCancelled):
            running.result()


def test_two_at_once_download_once(fetch: Fetcher, hub: Hub) -> None:
    """The second waits for the first and finds the model."""
    hub.before_body = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(fetch), pool.submit(fetch)]
        assert hub.reached.wait(10)
        hub.before_body.set()
        paths = {one.result() for one in running}
    assert len(paths) == 1
    assert len(hub.asked) == len(CONTENTS)


def test_two_processes_download_once(hub: Hub, tmp_path: Path) -> None:
    """The lock holds between processes too."""
    call = partial(fetch_entry, whisper_entry(), tmp_path, hub.endpoint)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        running = [pool.submit(call), pool.submit(call)]
        paths = {one.result() for one in running}
    assert paths == {tmp_path / "base.en"}
    assert len(hub.asked) == len(CONTENTS)


def test_waiting_for_another_process_is_bounded(fetch: Fetcher, hub: Hub) -> None:
    """A fetch that finds another one at work gives up after its limit and says so."""
    hub.before_body = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(fetch)
        assert hub.reached.wait(10)
        with pytest.raises(FetchError, match="another process") as caught:
            fetch(limits=dataclasses.replace(QUICK, lock_wait_s=0))
        hub.before_body.set()
        first.result()
    assert caught.value.retryable

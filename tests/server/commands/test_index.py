import json
from pathlib import Path

import pytest

from rag.index_kinds import IndexPolicy
from rag.snapshot import FILE_NAMES
from rag.snapshot_folder import SnapshotFolder
from rag.store import Store
from server.cli import main
from server.commands import index as cli_index
from server.settings import load_settings
from tests.rag.indexes import DIMENSION, FINGERPRINT, clouds, put


class CloudEmbedder:
    """Only says whose vectors the store holds."""

    fingerprint = FINGERPRINT
    dimension = DIMENSION


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with 500 passages, where 100 are the bound of FLAT."""
    monkeypatch.setenv("PARLEY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PARLEY_INDEX_FLAT_MAX", "100")
    monkeypatch.setattr(cli_index, "load_embedder", lambda settings, say: CloudEmbedder())
    with Store(tmp_path / "store.sqlite3", FINGERPRINT, DIMENSION) as store:
        put(store, "first", clouds(500))
    return tmp_path


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_status_rebuild_status(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is due, then what was built; verify finds it whole."""
    assert main(["index", "status", "--json"]) == 0
    before = told(capsys)
    assert (before["kind"], before["due"], before["snapshot"]) == ("FLAT", "IVF", None)
    assert main(["index", "rebuild"]) == 0
    assert "recall@10" in capsys.readouterr().out
    assert main(["index", "status", "--json"]) == 0
    after = told(capsys)
    assert (after["kind"], after["due"], after["alerts"]) == ("IVF", None, [])
    assert main(["index", "verify"]) == 0
    assert main(["index", "tune", "--recall", "0.6"]) == 0
    assert main(["index", "status"]) == 0
    assert "snapshot.nprobe" in capsys.readouterr().out


def test_verify_names_what_was_changed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 1; without an index there is nothing to verify."""
    assert main(["index", "verify"]) == 0
    assert main(["index", "rebuild"]) == 0
    capsys.readouterr()
    folder = SnapshotFolder(data / "indexes")
    (folder.folder_of(folder.current()) / FILE_NAMES[1]).write_bytes(b"")
    assert main(["index", "verify", "--json"]) == 1
    versions = told(capsys)["versions"]
    assert isinstance(versions, dict)
    assert FILE_NAMES[1] in versions[folder.current()]


def test_a_rebuild_without_the_memory_for_it_is_not_begun(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It fails and says why."""
    monkeypatch.setattr(cli_index, "memory_shortage", lambda *known: "Too little memory.")
    assert main(["index", "rebuild"]) == 1
    assert "Too little memory." in capsys.readouterr().err


def test_a_small_corpus_needs_no_index(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was published for a larger one is removed."""
    assert main(["index", "rebuild"]) == 0
    monkeypatch.setenv("PARLEY_INDEX_FLAT_MAX", "1000")
    assert main(["index", "rebuild"]) == 0
    assert "exactly" in capsys.readouterr().out
    assert SnapshotFolder(data / "indexes").versions() == []


def test_the_index_settings_are_read_and_checked() -> None:
    """Names, kinds and the one contradiction."""
    settings = load_settings(
        {"PARLEY_INDEX_POLICY": "measured", "PARLEY_INDEX_RECALL": "0.99"}
    ).settings
    assert settings.index_policy is IndexPolicy.MEASURED
    assert settings.index_recall == 0.99
    with pytest.raises(Exception, match="PARLEY_INDEX_FLAT_MAX must be at most"):
        load_settings({"PARLEY_INDEX_FLAT_MAX": "10", "PARLEY_INDEX_IVF_MAX": "5"})

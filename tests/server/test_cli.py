"""The command line: bad input is named, exit codes tell, JSON is one object."""

import json
import os
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from rag.ingest_report import Failure, IngestReport, Progress
from server.cli import main
from server.commands.doctor import diagnose
from server.commands.ingest import IngestRequest, format_rate, format_report, run_ingest
from server.engines.preparation import load_embedder, open_store
from server.settings import load_settings


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything is written under the test's own folder."""
    monkeypatch.setenv("PARLEY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PARLEY_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("PARLEY_OFFLINE", "1")
    return tmp_path


def make_wav(path: Path, channels: int = 1, width: int = 2, rate_hz: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(channels)
        stream.setsampwidth(width)
        stream.setframerate(rate_hz)
        stream.writeframes(bytes(channels * width * 1600))
    return path


def no_file(folder: Path) -> Path:
    return folder / "absent.wav"


def empty_file(folder: Path) -> Path:
    (folder / "empty.wav").touch()
    return folder / "empty.wav"


def text_file(folder: Path) -> Path:
    (folder / "text.wav").write_text("This is no audio, but long enough to be a file of it.")
    return folder / "text.wav"


def deep_file(folder: Path) -> Path:
    return make_wav(folder / "deep.wav", width=3)


def wide_file(folder: Path) -> Path:
    return make_wav(folder / "wide.wav", channels=8)


@pytest.mark.parametrize("make", [no_file, empty_file, text_file, deep_file, wide_file])
def test_ask_names_what_is_wrong_with_the_file(
    make: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing, empty, no WAV, 24-bit, 8 channels: exit code 2, the file's name and the cause."""
    path = make(tmp_path)
    assert main(["ask", str(path)]) == 2
    told = capsys.readouterr().err
    assert path.name in told
    assert "Traceback" not in told


def test_ask_says_when_no_server_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A given --url that nobody listens on: exit code 1 and what to do."""
    wav = make_wav(tmp_path / "ok.wav")
    assert main(["ask", str(wav), "--url", "ws://127.0.0.1:9/ws"]) == 1
    assert "make run" in capsys.readouterr().err


def test_ingest_reports_every_bad_file_and_reads_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Binary, broken PDF and wrong encoding are named with their cause; the good one is in."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "good.md").write_text("# Boats\n\nThe boat leaves at nine in the morning.\n")
    (folder / "binary.txt").write_bytes(bytes(range(256)) * 40)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 and nothing more")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n")
    assert main(["ingest", str(folder), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["read"] == 1
    failed = {Path(failure["path"]).name: failure["reason"] for failure in report["failed"]}
    assert set(failed) == {"binary.txt", "broken.pdf"}
    assert all(failed.values())
    assert [Path(path).name for path in report["unsupported"]] == ["picture.png"]
    assert main(["ingest", str(folder), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["skipped_unchanged"] == 1


def test_ingest_of_a_path_that_is_not_there_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, by name, before anything is loaded."""
    assert main(["ingest", "/nowhere/at/all"]) == 2
    assert "/nowhere/at/all does not exist" in capsys.readouterr().err


def test_the_report_is_readable() -> None:
    """Counts, failures with reasons, and no endless list of other kinds."""
    report = IngestReport(
        3, 2, (Failure("/a/b.pdf", "it is damaged"),), ("/a/1.png",) * 9, 1, 40, 30, 2.5
    )
    text = format_report(report)
    assert "Read 3 files (40 passages) in 2.5 s; 2 unchanged, 1 removed, 1 failed" in text
    assert "/a/b.pdf: it is damaged" in text
    assert "and 4 more of other kinds" in text
    assert "10 of the passages had not changed" in text
    stopped = replace(report, stopped="the disk is full", not_reached=7, is_dry_run=True)
    assert "stopped: the disk is full; 7 files were not stored" in format_report(stopped)
    assert "Would read 3 files" in format_report(stopped)
    assert asdict(report)["read"] == 3


def test_ingest_dry_run_collection_and_tags(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run stores nothing; what is stored bears the collection and the tags of the line."""
    (folders / "boats.md").write_text("# Boats\n\nThe boat leaves at nine.\n")
    line = ["ingest", str(folders / "boats.md"), "--collection", "board", "--tag", "B, a"]
    assert main([*line, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "Would read 1 files (1 passages)" in out
    assert "now holds 0 documents" in out
    assert main([*line, "--tag", "c"]) == 0
    settings = load_settings().settings
    with open_store(settings, load_embedder(settings, lambda text: None)) as store:
        (record,) = store.documents()
    assert (record.collection, record.tags) == ("board", ("a", "b", "c"))


def test_progress_tells_rate_and_time_left() -> None:
    """Passages a second, and the time by the bytes that were read, unchanged files aside."""
    progress = Progress(3, 9, Path("a.md"), 120, 1_000, 1_600, 600, 100.0)
    assert format_rate(progress) == "1 passages/s, 2:30 left"
    nothing_read = replace(progress, bytes_skipped=1_000, seconds=0.0)
    assert format_rate(nothing_read) == "0 passages/s"


def test_watching_ingests_what_changes(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder is read at once and again after a change, until it is stopped."""
    documents = folders / "documents"
    documents.mkdir()
    (documents / "boats.md").write_text("# Boats\n\nAt nine.\n")

    looks = iter(range(1, 5))

    def wait(seconds: float) -> bool:
        """A file changes before the first look; after the fourth there is an end."""
        number = next(looks)
        if number == 1:
            (documents / "new.md").write_text("# New\n\nAt ten.\n")
        return number == 4

    request = IngestRequest([documents], as_json=True, watches=True)
    assert run_ingest(request, load_settings().settings, wait) == 0
    reports = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(told["read"], told["skipped_unchanged"]) for told in reports] == [(1, 0), (1, 1)]


def test_doctor_tells_settings_origins_and_engines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each value with where it came from; which engine runs, and why."""
    monkeypatch.setenv("PARLEY_PRESET", "production")
    monkeypatch.setenv("PARLEY_STT_PERMITS", "3")
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["settings"]["stt_permits"]["from"] == "PARLEY_STT_PERMITS"
    assert told["settings"]["sessions_maximum"]["from"] == "preset production"
    assert told["settings"]["port"]["from"] == "default"
    assert told["engines"]["stt"]["engine"] == "pocketsphinx (embedded)"
    assert "base.en" in told["engines"]["stt"]["why"]
    assert main(["doctor"]) == 0
    assert "espeak-ng (embedded)" in capsys.readouterr().out


def test_doctor_hides_the_token_and_tells_a_demand_that_cannot_be_met() -> None:
    """A secret is only said to be set; PARLEY_STT=whisper without weights is a problem."""
    findings = diagnose(
        load_settings({"PARLEY_TOKEN": "s3cret", "PARLEY_STT": "whisper", "PARLEY_OFFLINE": "1"})
    )
    assert "s3cret" not in json.dumps(findings.plain())
    assert "parley models fetch base.en" in findings.problems[0]


def test_bad_settings_stop_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All mistakes at once, exit code 2."""
    monkeypatch.setenv("PARLEY_PORT", "none")
    monkeypatch.setenv("PARLEY_TTS", "festival")
    assert main(["doctor"]) == 2
    told = capsys.readouterr().err
    assert "PARLEY_PORT" in told
    assert "auto, piper, espeak" in told


def test_serve_refuses_an_open_door(capsys: pytest.CaptureFixture[str]) -> None:
    """Off loopback without a token; a port that is none."""
    assert main(["serve", "--host", "0.0.0.0"]) == 1
    assert "PARLEY_TOKEN" in capsys.readouterr().err
    assert main(["serve", "--port", "70000"]) == 2


def test_a_closed_pipe_is_no_traceback() -> None:
    """`parley doctor | head -1`: the reader leaves, and nothing is said of it."""
    command = [sys.executable, "-c", "from server.cli import main; raise SystemExit(main())"]
    with subprocess.Popen(
        [*command, "doctor"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.parametrize("command", [[], ["serve"], ["ask"], ["ingest"], ["models"], ["doctor"]])
def test_help_is_there(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Every command explains itself."""
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    assert stopped.value.code == 0
    assert "usage: parley" in capsys.readouterr().out

"""server/watching/history.py: seven days of minutes, through damage and jumping clocks."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from server.watching.history import KEPT_S, History, HistoryError, Minute, columns

FIRST = Minute(1_000_000_000, 3, 300.0, 512.5, 2, 1, 0.4, 0.8, 0.9, 200 << 20, 12.5, "queue_full")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.sqlite3"


def minute(number: int) -> Minute:
    return replace(FIRST, at_unix_s=FIRST.at_unix_s + 60 * number)


def test_rows_survive_a_restart(path: Path) -> None:
    """Another process reads what one kept, oldest first, as it was."""
    for number in range(5):
        History(path).keep(minute(number))
    assert History(path).latest(3) == [minute(2), minute(3), minute(4)]


def test_nothing_kept_is_no_row_and_no_file(path: Path) -> None:
    """Looking does not write."""
    assert History(path).latest(10) == []
    assert not path.exists()


def test_rows_older_than_seven_days_go(path: Path) -> None:
    """The row of exactly seven days ago stays, the one before it goes."""
    history = History(path)
    for number in (0, 1, KEPT_S // 60 + 1):
        history.keep(minute(number))
    assert history.latest(10) == [minute(1), minute(KEPT_S // 60 + 1)]


def test_a_clock_that_jumps_back_replaces_and_never_grows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same minute twice is one row; the number of rows has its own bound."""
    monkeypatch.setattr("server.watching.history.KEPT_ROWS", 3)
    history = History(path)
    for number in (5, 4, 3, 3, 2, 1, 5):
        history.keep(minute(number))
    assert history.latest(10) == [minute(3), minute(4), minute(5)]


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(path: Path) -> None:
    """Reading it gives nothing; writing keeps the old bytes beside the new file."""
    path.parent.mkdir()
    path.write_bytes(b"no database at all" * 100)
    history = History(path)
    assert history.latest(10) == []
    history.keep(FIRST)
    assert history.latest(10) == [FIRST]
    assert path.with_suffix(".damaged").read_bytes().startswith(b"no database")


def test_a_file_of_a_newer_parley_is_left_alone(path: Path) -> None:
    """It is not read, not written and not deleted."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(HistoryError, match="version 99"):
        History(path).keep(FIRST)
    assert History(path).latest(1) == []


def test_a_disk_that_takes_nothing_is_a_history_error(path: Path) -> None:
    """A file where the folder should be: the one error that the caller expects."""
    path.parent.write_text("in the way")
    with pytest.raises(HistoryError):
        History(path).keep(FIRST)


def test_columns_are_a_list_for_each_field() -> None:
    """As `/history` tells them."""
    told = columns([minute(0), minute(1)])
    assert told["at_unix_s"] == [1_000_000_000, 1_000_000_060]
    assert told["alerts"] == ["queue_full", "queue_full"]
    assert columns([])["answers"] == []

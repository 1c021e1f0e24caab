"""docs/faults.md is what the tests say, and forty rows have a test that was seen to fail."""

from pathlib import Path

import pytest

from benchmarks.faults_page import PAGE, ROWS, fault_files, read_file, whole_page


def test_the_page_is_up_to_date() -> None:
    """`python -m benchmarks.faults_page` writes it."""
    assert PAGE.read_text() == whole_page()


def test_every_test_tells_its_promise_and_each_file_how_it_was_seen_to_fail() -> None:
    """A test that nobody has seen fail proves little."""
    for each in fault_files():
        assert each.fault, each.path.name
        assert each.seen, f"{each.path.name} does not say how it was seen to fail"
        assert each.promises, each.path.name
        assert all(each.promises.values()), each.path.name


def test_all_rows_have_a_test() -> None:
    """Rows 1 to 40."""
    assert set(ROWS) - {each.row for each in fault_files()} == set()


def test_a_file_that_names_another_row_is_refused(tmp_path: Path) -> None:
    """Its number is in its name, too."""
    path = tmp_path / "test_07_something.py"
    path.write_text('"""Row 8: something else."""\n')
    with pytest.raises(ValueError, match="Row N"):
        read_file(path)

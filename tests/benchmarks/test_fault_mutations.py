"""benchmarks/fault_mutations.py: every row is broken by a change that can still be made."""

from pathlib import Path

import pytest

from benchmarks.fault_mutations import ROOT, Mutation, StaleMutation, read_mutations, read_report
from benchmarks.faults_page import ROWS, fault_files

MUTATIONS = read_mutations()


def test_every_row_has_one() -> None:
    """A promise that nothing breaks is not kept by anything either."""
    assert {each.row for each in MUTATIONS} == set(ROWS)
    assert len({each.key for each in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.key)
def test_it_can_be_made_and_its_test_is_there(mutation: Mutation) -> None:
    """What it replaces stands once in the code; what is to fail then is a test of its row."""
    for changed, text in mutation.applied(ROOT).items():
        assert text != (ROOT / changed).read_text(encoding="utf-8")
    name, _, test = mutation.test.partition("::")
    (file,) = [each for each in fault_files() if each.path.name == name]
    assert file.row == mutation.row
    assert not test or test in file.promises
    assert mutation.name.startswith(("with ", "without "))


def test_what_is_no_longer_in_the_code_is_an_error(tmp_path: Path) -> None:
    """Else a protection could go, and its mutation with it, unseen."""
    (tmp_path / "a.py").write_text("one\ntwo\ntwo\n")
    for old in ("three", "two"):
        with pytest.raises(StaleMutation):
            Mutation(1, "without it", "a.py", old, "", "test_01").applied(tmp_path)
    also = [["a.py", "1", "I"]]
    made = Mutation(1, "without it", "a.py", "one", "1", "", also).applied(tmp_path)
    assert made == {"a.py": "I\ntwo\ntwo\n"}


def test_only_a_test_that_fails_has_seen_it(tmp_path: Path) -> None:
    """An error of set-up, such as a module that cannot be imported, proves nothing."""
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase name="test_a"><error message="no module"/></testcase>'
        '<testcase name="test_b"><failure message="assert 1\n == 2"/></testcase>'
        '<testcase name="test_c"><skipped/></testcase></testsuite></testsuites>'
    )
    run = read_report(report, 1, "")
    assert (run.failures, run.skipped) == (("test_b: assert 1 == 2",), 1)
    assert read_report(tmp_path / "none.xml", 2, "").failures == ()

"""server/uploads/names.py: which names a document may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import UploadError
from server.uploads.names import MAXIMUM_CHARACTERS, checked_name


@pytest.mark.parametrize("name", ["notes.md", "B\u00fccher 2026.PDF", "a.b.txt", "-rf.md"])
def test_ordinary_names_stay(name: str) -> None:
    """Spaces, accents, several dots and capitals are nobody's harm."""
    assert checked_name(name) == name


def test_accents_are_composed() -> None:
    """A Mac's decomposed name and a PC's are one document."""
    assert checked_name("cafe\u0301.md") == "caf\u00e9.md"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("../notes.md", "slash"),
        ("a/b.md", "slash"),
        ("..\\notes.md", "slash"),
        ("..", "folder"),
        (".hidden.md", "dot"),
        ("a\0.md", "cannot be shown"),
        ("a\n.md", "cannot be shown"),
        ("gpj.\u202edm.md", "cannot be shown"),
        (" a.md", "cannot be shown"),
        ("a" * MAXIMUM_CHARACTERS + ".md", "longer"),
        ("\U00020000" * 80 + ".md", "longer"),
        ("notes.exe", "Accepted: "),
        ("notes", "Accepted: "),
    ],
)
def test_what_leads_elsewhere_or_cannot_be_shown_is_refused(name: str, told: str) -> None:
    """Each with what is wrong."""
    with pytest.raises(UploadError, match=told):
        checked_name(name)


@given(st.text(max_size=300))
def test_a_name_that_passes_is_one_visible_file_of_a_known_kind(name: str) -> None:
    """Or it is refused with the documented error, never another."""
    try:
        checked = checked_name(name + ".md")
    except UploadError:
        return
    assert "/" not in checked
    assert not checked.startswith(".")
    assert len(checked.encode()) <= 255

"""Judges the name of a document that a client sends. Pure: it opens and writes nothing."""

import unicodedata
from pathlib import PurePosixPath

from rag.documents import SUPPORTED_SUFFIXES
from server.errors import UploadError

MAXIMUM_CHARACTERS = 120
MAXIMUM_BYTES = 200
"""Most file systems take 255; the rest is for the endings of unfinished files."""


def checked_name(name: str) -> str:
    """Return the name in composed form, fit to be a file of the uploads' folder.

    Raises UploadError for what leads elsewhere, hides, cannot be shown, or is of no kind that is
    read. Direction marks and other invisible signs count as what cannot be shown.
    """
    composed = unicodedata.normalize("NFC", name)
    if "/" in composed or "\\" in composed or composed in (".", ".."):
        raise UploadError("Its name holds a slash or names a folder; send the file name alone.")
    if not composed.isprintable() or composed != composed.strip():
        raise UploadError("Its name holds signs that cannot be shown; rename it.")
    if composed.startswith("."):
        raise UploadError("Its name begins with a dot, which hides it; rename it.")
    if len(composed) > MAXIMUM_CHARACTERS or len(composed.encode()) > MAXIMUM_BYTES:
        raise UploadError(f"Its name is longer than {MAXIMUM_CHARACTERS} characters; shorten it.")
    if PurePosixPath(composed).suffix.lower() not in SUPPORTED_SUFFIXES:
        accepted = ", ".join(sorted(SUPPORTED_SUFFIXES))
        raise UploadError(f"Its kind is not read. Accepted: {accepted}.")
    return composed

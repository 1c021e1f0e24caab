"""Opens the ZIP archives that DOCX and EPUB are, within limits. It unpacks nothing to disk."""

import zipfile
import zlib
from pathlib import Path

from rag.blocks import DocumentError

MAXIMUM_MEMBERS = 10_000
MAXIMUM_MEMBER_BYTES = 50_000_000
MAXIMUM_ARCHIVE_BYTES = 200_000_000
"""Uncompressed, by what the archive's list says; zipfile never gives more than the list says."""

MAXIMUM_RATIO = 200
"""Uncompressed to compressed. Text packs 3 to 20 times, long tables in XML up to about 100 times;
a run of zeros 1,000 times."""

RATIO_FREE_BYTES = 1_000_000
"""A member up to this size may have any ratio."""

ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError)
"""What zipfile raises on archives that are damaged, encrypted or packed in a way unknown to it."""


def open_archive(path: Path) -> zipfile.ZipFile:
    """Raises DocumentError when it is no archive or is one that would swell beyond the limits."""
    try:
        archive = zipfile.ZipFile(path)
    except ARCHIVE_ERRORS as error:
        raise DocumentError(f"its archive cannot be read ({type(error).__name__})") from None
    try:
        check_members(archive.infolist())
    except DocumentError:
        archive.close()
        raise
    return archive


def check_members(members: list[zipfile.ZipInfo]) -> None:
    """Raises DocumentError at the first limit that is exceeded."""
    if len(members) > MAXIMUM_MEMBERS:
        raise DocumentError(f"its archive has more than {MAXIMUM_MEMBERS} members")
    if sum(member.file_size for member in members) > MAXIMUM_ARCHIVE_BYTES:
        raise DocumentError(f"its archive would unpack to more than {MAXIMUM_ARCHIVE_BYTES} bytes")
    for member in members:
        if member.file_size > MAXIMUM_MEMBER_BYTES:
            raise DocumentError(
                f"a member of its archive would unpack to more than {MAXIMUM_MEMBER_BYTES} bytes"
            )
        is_large = member.file_size > RATIO_FREE_BYTES
        if is_large and member.file_size > MAXIMUM_RATIO * member.compress_size:
            raise DocumentError(f"a member of its archive unpacks to over {MAXIMUM_RATIO} times")
        if member.flag_bits & 1:
            raise DocumentError("its archive is encrypted; save a copy without a password")


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Raises DocumentError when the member is missing or damaged."""
    try:
        return archive.read(name)
    except KeyError:
        raise DocumentError("its archive lacks a part that it names") from None
    except ARCHIVE_ERRORS as error:
        raise DocumentError(f"its archive cannot be read ({type(error).__name__})") from None

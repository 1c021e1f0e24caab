"""Bytes to text: UTF-8 or UTF-16, and a clear error for anything else. It guesses no encoding."""

from rag.blocks import DocumentError


def decode(content: bytes) -> str:
    """UTF-8, with or without a mark, or UTF-16 with one. Raises DocumentError for anything else."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if encoding == "utf-8-sig" and b"\0" in content:
        raise DocumentError("it is a binary file, not text")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"it is not valid {encoding.removesuffix('-sig').upper()} (byte {error.start}); "
            "save it as UTF-8"
        ) from None

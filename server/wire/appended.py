"""Audio in base64, within the protocol's limit. It decodes no samples."""

import base64
import binascii

from server.wire.dialect import MOST_APPENDED_BYTES
from server.wire.fields import Fields


def decode_base64(told: Fields, name: str) -> bytes:
    """Return the bytes. Raises InvalidEvent when it is no base64, or more than 15 MiB."""
    coded = told.value(name)
    if not isinstance(coded, str):
        raise told.refuse(name, "must be base64.", "invalid_type")
    if len(coded) * 3 // 4 > MOST_APPENDED_BYTES + 2:
        limit = MOST_APPENDED_BYTES // 1024 // 1024
        raise told.refuse(name, f"may hold at most {limit} MiB of audio.", "audio_too_large")
    try:
        return base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        raise told.refuse(name, "must be base64.") from None

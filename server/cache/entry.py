"""The envelope round a cached value outside this process: who made it, for which key, unharmed.

It knows no values. What does not open is a miss, never an error of a turn.
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"PRLC"
VERSION: Final = 1
MAXIMUM_BODY_BYTES: Final = 32 << 20
FUTURE_TOLERANCE_S: Final = 300.0
"""A clock that was set back makes entries from the future; older than a correction, they go."""

_FIELDS = struct.Struct("<4sB8s16sdfI")
_CHECKSUM_BYTES = 16
HEADER_BYTES: Final = _FIELDS.size + _CHECKSUM_BYTES


class BadEntry(Exception):
    """Cut, flipped, foreign, of another version or for another key; to be deleted."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An opened envelope. `created_at_s` is wall time; `cost_ms` is what making the value took."""

    body: bytes
    created_at_s: float
    cost_ms: float

    def age_s(self, now_s: float) -> float:
        """Seconds since it was made, never negative."""
        return max(0.0, now_s - self.created_at_s)


def seal(key: str, schema: bytes, body: bytes, created_at_s: float, cost_ms: float) -> bytes:
    """Return the envelope. `schema` is 8 bytes that name the shape of the body."""
    fields = _FIELDS.pack(
        MAGIC, VERSION, schema, _digest(key.encode()), created_at_s, cost_ms, len(body)
    )
    return fields + _checksum(fields, body) + body


def unseal(key: str, schema: bytes, blob: bytes) -> Sealed:
    """Open and check everything. Raises BadEntry with a reason that contains no content."""
    if len(blob) < HEADER_BYTES:
        raise BadEntry("cut")
    fields, checksum, body = (
        blob[: _FIELDS.size],
        blob[_FIELDS.size : HEADER_BYTES],
        blob[HEADER_BYTES:],
    )
    magic, version, made_as, key_digest, created_at_s, cost_ms, size = _FIELDS.unpack(fields)
    if magic != MAGIC:
        raise BadEntry("foreign")
    if version != VERSION or made_as != schema:
        raise BadEntry("of another version")
    if size != len(body):
        raise BadEntry("cut")
    if size > MAXIMUM_BODY_BYTES:
        raise BadEntry("too big")
    if checksum != _checksum(fields, body):
        raise BadEntry("flipped")
    if key_digest != _digest(key.encode()):
        raise BadEntry("of another key")
    return Sealed(body, created_at_s, cost_ms)


def is_fresh(sealed: Sealed, now_s: float, keep_s: float) -> bool:
    """Whether the age by wall clock is within the limit, and not from a clock that ran ahead."""
    age_s = now_s - sealed.created_at_s
    return -FUTURE_TOLERANCE_S <= age_s < keep_s


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _checksum(fields: bytes, body: bytes) -> bytes:
    checksum = hashlib.blake2b(fields, digest_size=_CHECKSUM_BYTES)
    checksum.update(body)
    return checksum.digest()

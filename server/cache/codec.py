"""Frozen dataclasses to bytes and back: JSON for what is text, raw bytes for arrays. No pickle.

The shape of the dataclass, with all it contains, has a digest: a value of another shape is never
decoded. It reads no files and checks no sums; server/cache/entry.py does.

Sound is kept as PCM: python -m benchmarks.cache reads 200 KB of it in a hundredth of the time that
FLAC takes to decode, which at 42% of the size costs 2 ms, most of what a lookup may take.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from server.cache.entry import MAXIMUM_BODY_BYTES

Value = TypeVar("Value")

COMPRESSED_FROM_BYTES: Final = 512
"""Text shorter than this gains nothing."""

_HEAD = struct.Struct("<BII")
"""Whether the text is compressed, its bytes as stored, its bytes as JSON."""

_SCALARS: Final = (bool, int, float, str)
_DTYPES: Final = {"<i2", "<f4", "<f8", "<i8"}


class CodecError(ValueError):
    """The bytes are no such value; the text contains none of them."""


@dataclass(frozen=True, slots=True)
class Codec(Generic[Value]):
    """Encodes values of one dataclass. Safe from several threads."""

    kind: type[Value]
    schema: bytes
    """8 bytes that change whenever a field, or a type within, does."""

    @classmethod
    def of(cls, kind: type[Value]) -> "Codec[Value]":
        """Raises TypeError for a field that cannot be encoded."""
        described = _describe(kind, kind.__name__)
        return cls(kind, hashlib.blake2b(described.encode(), digest_size=8).digest())

    def encode(self, value: Value) -> bytes:
        """Return the bytes; the text in them is compressed where that pays."""
        arrays: list[bytes] = []
        packed = _pack(value, self.kind, arrays)
        text = json.dumps(packed, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )
        stored = zlib.compress(text, 1) if len(text) >= COMPRESSED_FROM_BYTES else text
        is_smaller = len(stored) < len(text)
        head = _HEAD.pack(is_smaller, len(stored) if is_smaller else len(text), len(text))
        return b"".join([head, stored if is_smaller else text, *arrays])

    def decode(self, body: bytes) -> Value:
        """Return the value. Raises CodecError for anything else than `encode` gave."""
        try:
            is_compressed, size, text_size = _HEAD.unpack_from(body)
            start = _HEAD.size + size
            text = (
                _inflated(body[_HEAD.size : start], text_size)
                if is_compressed
                else body[_HEAD.size : start]
            )
            packed = json.loads(text.decode("utf-8", "surrogatepass"))
            value: Value = _unpack(packed, self.kind, memoryview(body)[start:])
        except (struct.error, zlib.error, ValueError, TypeError, IndexError, KeyError) as error:
            raise CodecError(f"not a {self.kind.__name__}: {type(error).__name__}") from None
        except RecursionError:
            raise CodecError(f"not a {self.kind.__name__}: too deep") from None
        return value


def _inflated(stored: bytes, text_size: int) -> bytes:
    """Never more than was announced, and that never more than an entry may have."""
    if text_size > MAXIMUM_BODY_BYTES:
        raise ValueError("too big")
    text = zlib.decompressobj().decompress(stored, text_size)
    if len(text) != text_size:
        raise ValueError("of another size")
    return text


@cache
def _shape(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Each field's name and type, in order."""
    hints = get_type_hints(kind)
    return tuple((one.name, hints[one.name]) for one in fields(kind))


def _describe(kind: Any, where: str) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        told = (f"{name}:{_describe(hint, name)}" for name, hint in _shape(kind))
        return f"{getattr(kind, '__name__', '')}({','.join(told)})"
    if kind in _SCALARS or kind is NoneType or kind is Ellipsis:
        return str(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"{kind.__name__}{[member.value for member in kind]}"
    if origin is np.ndarray:
        return str(kind)
    if origin in (tuple, list, frozenset, dict, Mapping, Union, UnionType) or (
        isinstance(origin, type) and issubclass(origin, Mapping)
    ):
        return f"{origin}[{','.join(_describe(one, where) for one in inner)}]"
    raise TypeError(f"{where} is {kind!r}, which the cache cannot encode")


def _pack(value: Any, kind: Any, arrays: list[bytes]) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return [_pack(getattr(value, name), hint, arrays) for name, hint in _shape(kind)]
    if origin is np.ndarray:
        array = np.ascontiguousarray(value)
        offset = sum(map(len, arrays))
        arrays.append(array.tobytes())
        return [array.dtype.str, list(array.shape), offset]
    if origin in (tuple, list):
        kinds = _kinds_of(inner, len(value))
        return [_pack(one, of, arrays) for one, of in zip(value, kinds, strict=True)]
    if origin is frozenset:
        return sorted(_pack(one, inner[0], arrays) for one in value)
    if isinstance(value, Mapping):
        return {str(name): _pack(one, inner[1], arrays) for name, one in value.items()}
    if origin in (Union, UnionType):
        return _pack(value, _member(value, inner), arrays)
    return value.value if isinstance(value, Enum) else _plain(value)


def _plain(value: Any) -> Any:
    """NumPy scalars as Python's own; they stand in fields that are declared float or int."""
    return value.item() if isinstance(value, np.generic) else value


def _member(value: Any, kinds: tuple[Any, ...]) -> Any:
    """The one of a union's types that the value has."""
    plain = _plain(value)
    for kind in kinds:
        if kind is type(plain) or (kind is NoneType and plain is None):
            return kind
    raise TypeError(f"{type(value).__name__} is none of the declared types")


def _unpack(packed: Any, kind: Any, arrays: memoryview) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        shape = zip(packed, _shape(kind), strict=True)
        made = {name: _unpack(each, hint, arrays) for each, (name, hint) in shape}
        return kind(**made)
    if origin is np.ndarray:
        return _array(packed, arrays)
    if origin in (tuple, list):
        kinds = _kinds_of(inner, len(packed))
        members = [_unpack(one, of, arrays) for one, of in zip(packed, kinds, strict=True)]
        return tuple(members) if origin is tuple else members
    if origin is frozenset:
        return frozenset(_unpack(one, inner[0], arrays) for one in packed)
    if isinstance(packed, dict):
        return {name: _unpack(one, inner[1], arrays) for name, one in packed.items()}
    if origin in (Union, UnionType):
        return _unpack(packed, _member(packed, inner), arrays) if packed is not None else None
    return _scalar(packed, kind)


def _kinds_of(inner: tuple[Any, ...], count: int) -> list[Any]:
    is_open = len(inner) == 2 and inner[1] is Ellipsis
    return [inner[0]] * count if is_open or len(inner) == 1 else list(inner)


def _array(packed: Any, arrays: memoryview) -> Any:
    dtype, shape, offset = packed
    if dtype not in _DTYPES or any(size < 0 for size in shape) or offset < 0:
        raise ValueError("no such array")
    count = int(np.prod(shape, dtype=np.int64))
    return np.frombuffer(arrays, dtype, count, offset).reshape(shape).copy()


def _scalar(packed: Any, kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(packed)
    if kind is float and type(packed) is int:
        return float(packed)
    if type(packed) is not kind:
        raise TypeError("another type was declared")
    return packed

"""The keys of the cache: what a value depends on, in parts that can be matched. It keeps nothing.

`parley:1:<stage>:<engine>:<more>:<digest>`: the parts name engines, voices, speeds and index
generations; words and sound are in the digest only, so that no key tells what was said.
"""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

import audio
import models
import rag

PREFIX: Final = "parley:1:"
"""Of every key in Redis and on disk; the number grows when the keys change their meaning."""

EPOCH_KEY: Final = f"{PREFIX}epoch"
"""A counter in Redis that grows with every invalidation; see server/cache/ladder.py."""

LEASE: Final = "lease"
CONVERSATION: Final = "conversation"
HISTORY: Final = "history"
NO_STAGES: Final = frozenset({LEASE, CONVERSATION, HISTORY})
"""First parts of keys that stand where a stage's name does and hold no cached value."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._+=-]")


def cache_key(stage: str, parts: tuple[str, ...], content: bytes) -> str:
    """Return the key, without PREFIX, of what `stage` makes of `content`.

    The digest covers the parts as they are and the code that answers, so that a release which
    answers otherwise never meets older answers.
    """
    digest = hashlib.blake2b(code_digest(), digest_size=16)
    for part in (*(part.encode() for part in parts), content):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    shown = ":".join(_UNSAFE.sub("_", part) for part in parts)
    return f"{stage}:{shown}:{digest.hexdigest()}"


def patterns_of(tag: str) -> tuple[str, ...]:
    """Return the globs of the keys that carry the tag: a part that is it, or begins with it and -.

    So `tts` is a stage, `espeak` an engine of any version, and `g4` a generation of the index.
    """
    shown = _UNSAFE.sub("_", tag)
    return (f"{shown}:*", f"*:{shown}:*", f"*:{shown}-*")


def stage_of(key: str) -> str | None:
    """Return the stage whose value is under the key, with PREFIX; None for what is no cached value:
    the epoch, a lease, a conversation, a history, another program's key.
    """
    stage, colon, _ = key.removeprefix(PREFIX).partition(":")
    is_value = key.startswith(PREFIX) and colon and stage not in NO_STAGES
    return stage if is_value else None


@cache
def code_digest() -> bytes:
    """Return a digest of the sources that make cached values: audio/, models/, rag/, pipeline."""
    digest = hashlib.blake2b(digest_size=16)
    for package in (audio, models, rag):
        for path in sorted(Path(str(package.__file__)).parent.rglob("*.py")):
            digest.update(path.read_bytes())
    digest.update(Path(__file__).parents[1].joinpath("pipeline.py").read_bytes())
    return digest.digest()

"""What a client may ask for in vain: read strictly, kept, told again, and listed as in vain.

Pure: it raises InvalidEvent naming the field. What has an effect is read elsewhere.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from server.wire.fields import Fields

MOST_TOKENS = 1_000_000
LONGEST_NAME = 200
_LLM_ONLY = ("instructions", "tools", "tool_choice", "parallel_tool_calls")
_NEVER = ("tracing", "truncation", "reasoning", "temperature")
_NOT_OF_A_TRANSCRIPTION = ("language", "languages", "prompt", "keywords", "delay")
"""What the recogniser is not asked: its language and words are the server's own."""


class Effort(StrEnum):
    """Of reasoning."""

    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"


class Delay(StrEnum):
    """Of a transcription."""

    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"


class NoiseReduction(StrEnum):
    """Where the microphone is."""

    NEAR_FIELD = "near_field"
    FAR_FIELD = "far_field"


def read_kept(asked: Fields) -> dict[str, Any]:
    """Return `truncation`, `tracing` and `reasoning`, those that are there."""
    kept: dict[str, Any] = {}
    if asked.has("truncation"):
        kept["truncation"] = _read_truncation(asked)
    if asked.has("tracing"):
        kept["tracing"] = _read_tracing(asked)
    if asked.has("reasoning"):
        effort = asked.child("reasoning").choice("effort", Effort)
        kept["reasoning"] = None if asked.is_null("reasoning") else _set({"effort": effort})
    return kept


def read_transcription(parent: Fields, name: str) -> Mapping[str, Any] | None:
    """Return what is told of the transcription; None when none is wanted."""
    told = parent.child(name)
    known = {
        "model": told.text("model", LONGEST_NAME),
        "language": told.text("language", 40),
        "languages": told.texts("languages", 50),
        "prompt": told.text("prompt", 8192),
        "keywords": told.texts("keywords", 500),
        "delay": told.choice("delay", Delay),
    }
    return None if parent.is_null(name) else _set(known)


def read_noise_reduction(parent: Fields, name: str) -> Mapping[str, Any] | None:
    """Return what is told of the noise reduction; None when none is wanted."""
    if parent.is_null(name):
        return None
    told = parent.child(name)
    kind = told.choice("type", NoiseReduction)
    if kind is None:
        raise told.refuse("type", "must be near_field or far_field.", "missing_required_parameter")
    return _set({"type": kind, "strength": told.number("strength", 0.0, 1.0)})


def asked_in_vain(session: Fields, *, calls_functions: bool) -> tuple[str, ...]:
    """Return the paths of what nothing here honours, so that nothing is silently dropped."""
    names = _NEVER if calls_functions else (*_LLM_ONLY, *_NEVER)
    heard = session.child("audio").child("input")
    told = heard.child("transcription")
    asked = [
        *((session, name) for name in names),
        (heard, "noise_reduction"),
        *((told, name) for name in _NOT_OF_A_TRANSCRIPTION),
    ]
    found = [fields.at(name) for fields, name in asked if _is_set(fields.value(name))]
    return (*found, *session.unknown())


def _read_truncation(asked: Fields) -> Any:
    value = asked.value("truncation")
    if value in (None, "auto", "disabled"):
        return value or "auto"
    told = asked.child("truncation")
    if told.needed_text("type", 40) != "retention_ratio":
        raise told.refuse("type", "must be retention_ratio.")
    ratio = told.number("retention_ratio", 0.0, 1.0)
    if ratio is None:
        raise told.refuse("retention_ratio", "is missing.", "missing_required_parameter")
    limits = told.child("token_limits")
    most = limits.whole("post_instructions", 0, MOST_TOKENS)
    kept = {"type": "retention_ratio", "retention_ratio": ratio}
    return kept if most is None else kept | {"token_limits": {"post_instructions": most}}


def _read_tracing(asked: Fields) -> Any:
    if asked.value("tracing") in (None, "auto"):
        return asked.value("tracing")
    told = asked.child("tracing")
    return _set(
        {
            "workflow_name": told.text("workflow_name", LONGEST_NAME),
            "group_id": told.text("group_id", LONGEST_NAME),
            "metadata": told.opaque("metadata"),
        }
    )


def _is_set(value: object) -> bool:
    return value not in (None, "", [], {})


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}

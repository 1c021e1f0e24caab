"""The beta's names for what the GA protocol calls otherwise. It sends nothing."""

from collections.abc import Mapping
from typing import Any

BETA_TYPES: Mapping[str, str] = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "conversation.item.added": "conversation.item.created",
}
NOT_IN_BETA = frozenset(("conversation.item.done",))
_PARTS: Mapping[str, str] = {"output_text": "text", "output_audio": "audio"}


def as_beta(told: dict[str, Any]) -> dict[str, Any]:
    """Return an event with the beta's type and the beta's names for an answer's parts."""
    told["type"] = BETA_TYPES.get(told["type"], told["type"])
    if "item" in told:
        told["item"] = _item(told["item"])
    if "response" in told:
        response = dict(told["response"])
        response["output"] = [_item(item) for item in response.get("output", ())]
        response["modalities"] = _modalities(response.get("output_modalities"))
        told["response"] = response
    return told


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    if "content" not in item:
        return dict(item)
    parts = [{**part, "type": _PARTS.get(part["type"], part["type"])} for part in item["content"]]
    return {**item, "content": parts}


def _modalities(told: list[str] | None) -> list[str]:
    return ["text"] if told == ["text"] else ["audio", "text"]

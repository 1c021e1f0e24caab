"""The `session` object: what a client may ask for, what is made of it, and how it is told.

Pure: an update gives another config or raises the error that names the field. What takes effect
where is said beside each field; what has none is told in `parley.without_effect`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from models.llm import Tool
from models.tts import SLOWEST_SPEED
from rag.filter import EVERYTHING, Filter
from server.wire.audio_formats import AudioFormat
from server.wire.detection import Detection

FASTEST_ASKED = 2.0
SLOWEST_ASKED = SLOWEST_SPEED
LONGEST_INSTRUCTIONS = 65_536
MOST_TOOLS = 128
MOST_OUTPUT_TOKENS = 4096

STOCK_VOICES = frozenset(
    ("alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse")
)
"""Voices that stock clients ask for by default: each is the voice in use, and told as that."""


class SessionType(StrEnum):
    """What a session is for."""

    REALTIME = "realtime"
    TRANSCRIPTION = "transcription"
    """Utterances are transcribed and not answered."""


class Modality(StrEnum):
    """How an answer is given."""

    AUDIO = "audio"
    """Spoken, with its transcript."""
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """What one session is set to. Fields that a response may replace are used by server/turn.py."""

    input_format: AudioFormat
    output_format: AudioFormat
    speed: float
    detection: Detection | None
    """None: the client commits what was said."""
    model: str = "parley"
    type: SessionType = SessionType.REALTIME
    modality: Modality = Modality.AUDIO
    transcription: Mapping[str, Any] | None = None
    """Whether transcripts of speech are told; its model and language are the server's own."""
    noise_reduction: Mapping[str, Any] | None = None
    instructions: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: str | Mapping[str, Any] = "auto"
    calls_in_parallel: bool = True
    """Whether one response may call several functions."""
    narrowing: Filter = EVERYTHING
    """What answers may come from."""
    max_output_tokens: int | None = None
    """None: no limit ("inf")."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """Fields without effect (truncation, tracing, reasoning), told again as they came."""
    without_effect: tuple[str, ...] = ()
    """Paths of what the client asked for and nothing here honours."""
    voice: str = ""
    """The name of the one chosen; "" for the server's own."""

    def told_as(self, session_id: str, voice: str, parley: Mapping[str, Any]) -> dict[str, Any]:
        """Return the `session` object of the GA protocol; `voice` is the one in use."""
        heard = {
            "format": self.input_format.wire(),
            "transcription": self.transcription,
            "noise_reduction": self.noise_reduction,
            "turn_detection": None if self.detection is None else self.detection.wire(),
        }
        told: dict[str, Any] = {
            "type": str(self.type),
            "object": "realtime.session",
            "id": session_id,
            "include": None,
            "audio": {"input": heard},
            "expires_at": 0,
            "parley": {**parley, "without_effect": list(self.without_effect)},
        }
        if self.type is SessionType.TRANSCRIPTION:
            return told
        told["audio"]["output"] = {
            "format": self.output_format.wire(),
            "voice": voice,
            "speed": self.speed,
        }
        return told | {
            "model": self.model,
            "output_modalities": [str(self.modality)],
            "instructions": self.instructions,
            "tools": list(map(_told_tool, self.tools)),
            "tool_choice": self.tool_choice,
            "parallel_tool_calls": self.calls_in_parallel,
            "max_output_tokens": self.max_output_tokens or "inf",
            "truncation": self.kept.get("truncation", "auto"),
            "tracing": self.kept.get("tracing"),
            "reasoning": self.kept.get("reasoning"),
            "prompt": None,
        }

    def told_as_beta(
        self, session_id: str, voice: str, parley: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the `session` object as the beta had it: flat."""
        told = self.told_as(session_id, voice, parley)
        audio = told.pop("audio")
        modalities = ["text"] if self.modality is Modality.TEXT else ["audio", "text"]
        return told | {
            "modalities": modalities,
            "voice": voice,
            "input_audio_format": self.input_format.beta_name,
            "output_audio_format": self.output_format.beta_name,
            "input_audio_transcription": self.transcription,
            "input_audio_noise_reduction": self.noise_reduction,
            "turn_detection": audio["input"]["turn_detection"],
            "speed": self.speed,
            "temperature": self.kept.get("temperature", 0.8),
            "max_response_output_tokens": self.max_output_tokens or "inf",
        }

    def with_effect_told(self, paths: tuple[str, ...]) -> "SessionConfig":
        """Return it with what the last update asked for in vain."""
        return replace(self, without_effect=paths)


def _told_tool(tool: Tool) -> dict[str, object]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }

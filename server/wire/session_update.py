"""Reads the `session` of session.update, and what response.create replaces of it, GA or beta.

Pure: each gives another config, or raises InvalidEvent naming the field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from models.llm import Tool
from server.wire.audio_formats import read_beta_format, read_format
from server.wire.detection import Detection, read_detection
from server.wire.dialect import LONGEST_MODEL_CHARACTERS
from server.wire.fields import Fields
from server.wire.narrowing import parse_narrowing
from server.wire.session_config import (
    FASTEST_ASKED,
    LONGEST_INSTRUCTIONS,
    MOST_OUTPUT_TOKENS,
    MOST_TOOLS,
    SLOWEST_ASKED,
    STOCK_VOICES,
    Modality,
    SessionConfig,
    SessionType,
)
from server.wire.without_effect import (
    asked_in_vain,
    read_kept,
    read_noise_reduction,
    read_transcription,
)


@dataclass(frozen=True, slots=True)
class Surround:
    """What a session is read against: what it is set to, and what this server can do."""

    now: SessionConfig
    default_detection: Detection
    voice: str
    """The name of the server's own voice."""
    is_beta: bool = False
    has_llm: bool = False
    other_voices: tuple[str, ...] = ()

    def means_own(self, voice: str) -> bool:
        """Whether the server's own voice is what is spoken under that name."""
        return voice in STOCK_VOICES or voice in (self.voice, "default")


def read_session(session: Fields, around: Surround) -> SessionConfig:
    """Return the config with the client's wishes."""
    now = around.now
    kind = session.choice("type", SessionType)
    if kind is not None and kind is not now.type:
        raise session.refuse("type", f"is {now.type} and cannot be changed.")
    config = read_answering(session, around)
    config = _read_audio(session.child("audio"), config, around)
    ours = session.child("parley")
    if ours.has("filter"):
        config = replace(config, narrowing=parse_narrowing(ours.value("filter")))
    if around.is_beta:
        config = _read_beta(session, config, around)
    calls_functions = around.has_llm and bool(config.tools)
    return config.with_effect_told(asked_in_vain(session, calls_functions=calls_functions))


def read_answering(asked: Fields, around: Surround) -> SessionConfig:
    """Return the config with what a session and a single response have in common."""
    now = around.now
    instructions = asked.text("instructions", LONGEST_INSTRUCTIONS)
    in_parallel = asked.flag("parallel_tool_calls")
    asked.text("model", LONGEST_MODEL_CHARACTERS)
    _refuse_prompt(asked)
    _refuse_logprobs(asked)
    return replace(
        now,
        modality=_read_modalities(asked, "output_modalities", now.modality),
        instructions=now.instructions if instructions is None else instructions,
        tools=_read_tools(asked, now.tools),
        tool_choice=_read_tool_choice(asked, now.tool_choice),
        calls_in_parallel=now.calls_in_parallel if in_parallel is None else in_parallel,
        max_output_tokens=_read_limit(asked, "max_output_tokens", now.max_output_tokens),
        kept={**now.kept, **read_kept(asked)},
    )


def read_output(audio: Fields, config: SessionConfig, around: Surround) -> SessionConfig:
    """Return the config with `audio.output`: format, voice and speed."""
    output = audio.child("output")
    speed = output.number("speed", SLOWEST_ASKED, FASTEST_ASKED)
    return replace(
        config,
        voice=_read_voice(output, config.voice, around),
        output_format=read_format(output, config.output_format),
        speed=config.speed if speed is None else speed,
    )


def _read_audio(audio: Fields, config: SessionConfig, around: Surround) -> SessionConfig:
    heard = audio.child("input")
    config = replace(
        read_output(audio, config, around),
        input_format=read_format(heard, config.input_format),
        detection=read_detection(heard, config.detection, around.default_detection),
    )
    if heard.has("transcription"):
        config = replace(config, transcription=read_transcription(heard, "transcription"))
    if heard.has("noise_reduction"):
        config = replace(config, noise_reduction=read_noise_reduction(heard, "noise_reduction"))
    return config


def _read_beta(session: Fields, config: SessionConfig, around: Surround) -> SessionConfig:
    """The flat fields of the beta's session, beside the GA ones."""
    config = replace(
        read_beta_answering(session, config, around),
        input_format=read_beta_format(session, "input_audio_format", config.input_format),
        detection=read_detection(session, config.detection, around.default_detection),
    )
    if session.has("input_audio_transcription"):
        told = read_transcription(session, "input_audio_transcription")
        config = replace(config, transcription=told)
    if session.has("input_audio_noise_reduction"):
        told = read_noise_reduction(session, "input_audio_noise_reduction")
        config = replace(config, noise_reduction=told)
    return config


def read_beta_answering(asked: Fields, config: SessionConfig, around: Surround) -> SessionConfig:
    """Return the config with the beta's flat fields that a session and a response both have."""
    speed = asked.number("speed", SLOWEST_ASKED, FASTEST_ASKED)
    temperature = asked.number("temperature", 0.0, 2.0)
    kept = {} if temperature is None else {"temperature": temperature}
    return replace(
        config,
        modality=_read_modalities(asked, "modalities", config.modality, may_be_both=True),
        output_format=read_beta_format(asked, "output_audio_format", config.output_format),
        max_output_tokens=_read_limit(
            asked, "max_response_output_tokens", config.max_output_tokens
        ),
        speed=config.speed if speed is None else speed,
        voice=_read_voice(asked, config.voice, around),
        kept={**config.kept, **kept},
    )


def _read_modalities(
    asked: Fields, name: str, now: Modality, *, may_be_both: bool = False
) -> Modality:
    listed = asked.texts(name, 2)
    if listed is None:
        return now
    wanted = set(listed)
    if may_be_both and wanted == set(Modality):
        return Modality.AUDIO
    if len(wanted) != 1 or not wanted <= set(Modality):
        raise asked.refuse(name, 'must be ["audio"] or ["text"].')
    return Modality(listed[0])


def _read_tools(asked: Fields, now: tuple[Tool, ...]) -> tuple[Tool, ...]:
    listed = asked.children("tools", MOST_TOOLS)
    if listed is None:
        return now
    tools = tuple(map(_read_tool, listed))
    for number, tool in enumerate(tools):
        if tool.name in {earlier.name for earlier in tools[:number]}:
            raise listed[number].refuse("name", "is the name of another tool too.")
    return tools


def _read_tool(told: Fields) -> Tool:
    kind = told.text("type", 40) or "function"
    if kind != "function":
        raise told.refuse("type", "must be function: no other tools are run here.", "unsupported")
    name = told.needed_text("name", 64)
    if not name.replace("-", "_").isidentifier() and not name.replace("-", "").isalnum():
        raise told.refuse("name", "may have letters, digits, _ and - only.")
    return Tool(name, told.text("description", 4096) or "", told.opaque("parameters") or {})


def _read_tool_choice(asked: Fields, now: str | Mapping[str, Any]) -> str | Mapping[str, Any]:
    choice = asked.value("tool_choice")
    if choice is None:
        return now
    if choice in ("auto", "none", "required"):
        return str(choice)
    if isinstance(choice, dict) and choice.get("type") == "function":
        name = asked.child("tool_choice").needed_text("name", 64)
        return {"type": "function", "name": name}
    raise asked.refuse("tool_choice", "must be auto, none, required or one function.")


def _read_limit(asked: Fields, name: str, now: int | None) -> int | None:
    if asked.value(name) == "inf":
        return None
    limit = asked.whole(name, 1, MOST_OUTPUT_TOKENS)
    return now if limit is None else limit


def _read_voice(output: Fields, now: str, around: Surround) -> str:
    """Return the name of the voice to speak with, "" for the server's own."""
    value = output.value("voice")
    if isinstance(value, dict):
        raise output.refuse("voice", "of one's own are not made here.", "unsupported")
    name = output.text("voice", 100)
    if name is None:
        return now
    if around.means_own(name):
        return ""
    if name not in around.other_voices:
        known = ", ".join([around.voice, *around.other_voices])
        stock = ", ".join(sorted(STOCK_VOICES))
        raise output.refuse("voice", f"must be one of {known}; {stock} are all {around.voice}.")
    return name


def _refuse_prompt(asked: Fields) -> None:
    if asked.value("prompt") is not None:
        raise asked.refuse("prompt", "refers to prompts stored elsewhere.", "unsupported")


def _refuse_logprobs(asked: Fields) -> None:
    if asked.texts("include", 8):
        raise asked.refuse("include", "asks for what the recognisers do not tell.", "unsupported")

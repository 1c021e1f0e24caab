"""What a Wyoming client may ask for: an event in, one frozen dataclass or InvalidEvent out.

It acts on none of them; server/wyoming/caller.py does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from wyoming.event import Event

from server.asked import LONGEST_QUESTION_CHARACTERS
from server.errors import InvalidEvent
from server.wyoming.sound import SoundFormat, check_format

LANGUAGE: Final = "en"
"""The only one that Parley hears, speaks and reads."""

MAXIMUM_TEXT_CHARACTERS: Final = 10_000
"""Of one request to speak: ten minutes of speech."""

_MAXIMUM_PING_CHARACTERS: Final = 1000
_MAXIMUM_NAME_CHARACTERS: Final = 200
_PLAIN_TEXT: Final = "text"


@dataclass(frozen=True, slots=True)
class Describe:
    """`describe`: tell what there is."""


@dataclass(frozen=True, slots=True)
class Ping:
    """`ping`: give the text back."""

    text: str | None


@dataclass(frozen=True, slots=True)
class Transcribe:
    """`transcribe`: audio will follow. It may be left out."""


@dataclass(frozen=True, slots=True)
class AudioStart:
    """`audio-start`: speech in this format follows."""

    format: SoundFormat


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """`audio-chunk`: some of it."""

    format: SoundFormat
    audio: bytes


@dataclass(frozen=True, slots=True)
class AudioStop:
    """`audio-stop`: that was all of it."""


@dataclass(frozen=True, slots=True)
class Question:
    """`transcript`, sent by a client: a question to answer."""

    text: str
    conversation_id: str = ""
    """What the client calls the conversation that it belongs to."""


@dataclass(frozen=True, slots=True)
class Synthesize:
    """`synthesize`: speak a whole text. Within a stream it only repeats that stream's text."""

    text: str
    voice: str = ""
    """By its name in `info`; "" for the server's own."""


@dataclass(frozen=True, slots=True)
class SynthesizeStart:
    """`synthesize-start`: a text to speak follows in pieces."""

    voice: str = ""


@dataclass(frozen=True, slots=True)
class SynthesizeChunk:
    """`synthesize-chunk`: one piece, cut anywhere."""

    text: str


@dataclass(frozen=True, slots=True)
class SynthesizeStop:
    """`synthesize-stop`: that was all of it."""


Request = (
    Describe
    | Ping
    | Transcribe
    | AudioStart
    | AudioChunk
    | AudioStop
    | Question
    | Synthesize
    | SynthesizeStart
    | SynthesizeChunk
    | SynthesizeStop
)


def request_of(event: Event) -> Request | None:
    """Return what is asked for, None for an event that is not for Parley.

    The protocol wants unknown events dropped. A model that is asked for by name is not looked at:
    there is one at a time, and which one may change while a client remembers. Raises InvalidEvent
    naming the field.
    """
    parse = _PARSERS.get(event.type)
    return None if parse is None else parse(event)


def _ping(event: Event) -> Ping:
    has_text = event.data.get("text") is not None
    return Ping(_text(event, _MAXIMUM_PING_CHARACTERS) if has_text else None)


def _transcribe(event: Event) -> Transcribe:
    _check_language(event.data)
    return Transcribe()


def _audio_chunk(event: Event) -> AudioChunk:
    return AudioChunk(check_format(event.data), event.payload or b"")


def _question(event: Event) -> Question:
    _check_language(event.data)
    conversation = _name(event, "context", "conversation_id")
    return Question(_text(event, LONGEST_QUESTION_CHARACTERS), conversation)


def _synthesize(event: Event) -> Synthesize:
    _check_text_format(event.data)
    return Synthesize(_text(event, MAXIMUM_TEXT_CHARACTERS), _name(event, "voice", "name"))


def _synthesize_start(event: Event) -> SynthesizeStart:
    _check_text_format(event.data)
    return SynthesizeStart(_name(event, "voice", "name"))


def _name(event: Event, field: str, part: str) -> str:
    """A name within an object; "" for none, and for what can be none."""
    inside = event.data.get(field)
    named = inside.get(part) if isinstance(inside, dict) else None
    is_name = isinstance(named, str) and len(named) <= _MAXIMUM_NAME_CHARACTERS
    return str(named) if is_name else ""


def _text(event: Event, longest: int) -> str:
    text = event.data.get("text")
    if not isinstance(text, str):
        raise InvalidEvent("`text` must be a string.", "text")
    if len(text) > longest:
        raise InvalidEvent(f"`text` may have {longest} characters.", "text", code="too_large")
    # Half of a surrogate pair cannot be sent back.
    return text.encode("utf-8", "replace").decode()


def _check_language(data: Mapping[str, Any]) -> None:
    language = data.get("language")
    if language is None:
        return
    if not isinstance(language, str):
        raise InvalidEvent("`language` must be a string.", "language")
    if language.lower().replace("_", "-").split("-")[0] != LANGUAGE:
        raise InvalidEvent(
            f"Parley knows English only: send `{LANGUAGE}`.",
            "language",
            code="unsupported_language",
        )


def _check_text_format(data: Mapping[str, Any]) -> None:
    if data.get("text_format", _PLAIN_TEXT) not in (None, _PLAIN_TEXT):
        raise InvalidEvent("Plain text is accepted, no SSML.", "text_format")


_PARSERS: Mapping[str, Callable[[Event], Request]] = {
    "describe": lambda event: Describe(),
    "ping": _ping,
    "transcribe": _transcribe,
    "audio-start": lambda event: AudioStart(check_format(event.data)),
    "audio-chunk": _audio_chunk,
    "audio-stop": lambda event: AudioStop(),
    "transcript": _question,
    "synthesize": _synthesize,
    "synthesize-start": _synthesize_start,
    "synthesize-chunk": lambda event: SynthesizeChunk(_text(event, MAXIMUM_TEXT_CHARACTERS)),
    "synthesize-stop": lambda event: SynthesizeStop(),
}

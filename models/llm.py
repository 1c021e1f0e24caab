"""What every chat model promises: messages and tools in, pieces of an answer out as they are made.

Holds no client; `models/llm_client.py` speaks to any OpenAI-compatible endpoint over HTTP.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Role(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a tool to be run. It runs none, and neither does anything in models/."""

    id: str
    """What the tool's result must name; made up here where the endpoint gives none."""
    name: str
    arguments: str
    """JSON as the model wrote it: it may be malformed, and may not fit the tool's schema."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Role
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant's message: what it asked for."""
    tool_call_id: str = ""
    """Of a tool's message: the call that it answers."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for."""

    name: str
    description: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    """JSON Schema of its arguments."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a model is asked. What is None or empty is left to the endpoint."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or the name of the one tool to be called."""
    maximum_tokens: int | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next characters of the answer, never none."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the endpoint counted."""

    prompt_tokens: int
    completion_tokens: int


class FinishReason(StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    LENGTH = "length"
    """Its token limit cut the answer."""
    TOOL_CALLS = "tool_calls"
    FILTERED = "content_filter"
    OTHER = "other"
    """The endpoint gave another reason, or none."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The last piece of every answer that was not cut off."""

    reason: FinishReason
    usage: Usage | None = None
    """None when the endpoint does not tell."""


Piece = TextDelta | ToolCall | Finish
"""Text comes as it is made, a tool call once it is whole, then one Finish."""


class LlmFault(StrEnum):
    """What went wrong with a call: a label of metrics, and what decides on another try."""

    UNREACHABLE = "unreachable"
    """Refused, unknown host, no route, TLS failure."""
    CONNECT_TIMEOUT = "connect_timeout"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    STALLED = "stalled"
    """The next token did not come."""
    TOTAL_TIMEOUT = "total_timeout"
    BUSY = "busy"
    """429: too many requests, or no quota."""
    SERVER_ERROR = "server_error"
    """A 5xx, or an error told in the stream."""
    REFUSED = "refused"
    """Another status: wrong key, unknown model, a request that it does not take."""
    CUT = "cut"
    """The connection ended within the answer."""
    GARBLED = "garbled"
    """No event stream, or not of this protocol."""
    TOO_LARGE = "too_large"
    """More than may be taken of one answer."""


_WORTH_ANOTHER_TRY = frozenset(LlmFault) - {
    LlmFault.REFUSED,
    LlmFault.GARBLED,
    LlmFault.TOO_LARGE,
}


class LlmError(Exception):
    """A call failed. The text names the endpoint and the fault, never a key or what was said."""

    def __init__(
        self, fault: LlmFault, message: str, retry_after_s: float | None = None, status: int = 0
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.retry_after_s = retry_after_s
        """How long the endpoint wants to be left alone; None when it does not tell."""
        self.status = status
        """Of HTTP, 0 where there was none."""

    @property
    def is_worth_another_try(self) -> bool:
        """Whether the same call may succeed later: not after a refusal or garbage."""
        return self.fault in _WORTH_ANOTHER_TRY


@dataclass(frozen=True, slots=True)
class ChatDeadlines:
    """How long each phase of a call may take."""

    connect_s: float = 2.0
    """To the TCP and TLS connection, and to a place in the pool."""
    first_token_s: float = 6.0
    """From the call to the first piece."""
    between_tokens_s: float = 3.0
    """From one sign of progress to the next; tokens of hidden reasoning are one."""
    total_s: float = 30.0


class ChatModel(Protocol):
    """For one event loop; any number of calls at once."""

    @property
    def name(self) -> str:
        """What people read: model and host."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same request may be answered otherwise; a part of cache keys."""

    def chat(
        self, request: ChatRequest, within_s: float | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Piece]]:
        """Open a call: `async with model.chat(request) as pieces: async for piece in pieces`.

        `within_s` bounds the whole call where it is less than its total deadline. Entering sends
        nothing yet: all is done by the iteration, which raises LlmError. Leaving early, or being
        cancelled, closes the connection, by which endpoints stop generating.
        """

    async def models(self) -> tuple[str, ...]:
        """The models that the endpoint says it has. Raises LlmError when it does not answer."""

    async def close(self) -> None:
        """Close every connection, once no call runs any more."""

"""The OpenAI chat completions protocol, as data: a request's body, and pieces from its chunks.

It opens no connection. Endpoints differ in the small: what some leave out or spell otherwise is
taken as it was meant, and what no reading fits is an error.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from models.llm import (
    ChatRequest,
    Finish,
    FinishReason,
    LlmError,
    LlmFault,
    Message,
    Piece,
    TextDelta,
    Tool,
    ToolCall,
    Usage,
)

DONE: Final = "[DONE]"
"""The data of the last event."""
MOST_TOOL_CALLS: Final = 32
LONGEST_NAME_CHARACTERS: Final = 256
"""Of a tool call's id and name; OpenAI's own have at most 64."""
LONGEST_ARGUMENTS_CHARACTERS: Final = 64 << 10


def body_of(model: str, request: ChatRequest) -> dict[str, object]:
    """The JSON of a streamed request; only what is asked for is in it."""
    body: dict[str, object] = {
        "model": model,
        "messages": [_message(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        body["tool_choice"] = _tool_choice(request.tool_choice)
    if request.maximum_tokens is not None:
        body["max_tokens"] = request.maximum_tokens
    if request.temperature is not None:
        body["temperature"] = request.temperature
    return body


def _message(message: Message) -> dict[str, object]:
    wire: dict[str, object] = {"role": str(message.role), "content": message.text}
    if message.tool_calls:
        wire["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    if message.tool_call_id:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _tool_call(call: ToolCall) -> dict[str, object]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _tool(tool: Tool) -> dict[str, object]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters or {"type": "object", "properties": {}},
    }
    return {"type": "function", "function": function}


def _tool_choice(choice: str) -> object:
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


@dataclass(slots=True)
class _OpenCall:
    """A tool call whose parts still come."""

    index: int
    id: str
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class ChunkReader:
    """Turns one answer's chunks into its pieces. After DONE, or `end`, it is not fed again."""

    is_finished: bool = False
    """The model told why it stopped; usage may still follow."""
    is_done: bool = False
    _calls: list[_OpenCall] = field(default_factory=list)
    _reason: FinishReason = FinishReason.OTHER
    _usage: Usage | None = None

    def read(self, event: str) -> list[Piece]:
        """Return what one event brings, often nothing. Raises LlmError."""
        if event.strip() == DONE:
            return self.end()
        chunk = _object(_parsed(event))
        if chunk.get("error"):
            raise LlmError(LlmFault.SERVER_ERROR, "The endpoint told an error within its answer.")
        self._usage = _usage(chunk.get("usage")) or self._usage
        choices = chunk.get("choices") or []
        if not isinstance(choices, list):
            raise _garbled()
        return [piece for choice in choices[:1] for piece in self._choice(_object(choice))]

    def end(self) -> list[Piece]:
        """Return the tool calls and the Finish."""
        self.is_done = True
        calls = [ToolCall(call.id, call.name, call.arguments or "{}") for call in self._calls]
        reason = FinishReason.TOOL_CALLS if calls else self._reason
        return [*calls, Finish(reason, self._usage)]

    def _choice(self, choice: Mapping[str, Any]) -> Iterator[Piece]:
        delta = _object(choice.get("delta") or {})
        text = delta.get("content")
        if isinstance(text, str) and text:
            yield TextDelta(_without_surrogates(text))
        elif text and not isinstance(text, str):
            raise _garbled()
        calls = delta.get("tool_calls") or []
        if not isinstance(calls, list):
            raise _garbled()
        for part in calls:
            self._take_call(_object(part))
        if reason := choice.get("finish_reason"):
            self.is_finished = True
            known = isinstance(reason, str) and reason in list(FinishReason)
            self._reason = FinishReason(reason) if known else FinishReason.OTHER

    def _take_call(self, part: Mapping[str, Any]) -> None:
        """Some repeat the id in every part, some give each call the index 0, some give neither."""
        call = self._open_call(part.get("index"), part.get("id"))
        function = _object(part.get("function") or {})
        call.name += _text(function.get("name"))
        arguments = function.get("arguments")
        whole = json.dumps(arguments) if isinstance(arguments, dict) else _text(arguments)
        call.arguments += whole
        if (
            len(call.name) > LONGEST_NAME_CHARACTERS
            or len(call.arguments) > LONGEST_ARGUMENTS_CHARACTERS
        ):
            raise LlmError(LlmFault.TOO_LARGE, "The endpoint sent too large a tool call.")

    def _open_call(self, index: object, call_id: object) -> _OpenCall:
        number = index if isinstance(index, int) else 0
        same = [call for call in self._calls if call.index == number]
        if same and (not call_id or call_id == same[-1].id):
            return same[-1]
        if len(self._calls) >= MOST_TOOL_CALLS:
            raise LlmError(LlmFault.TOO_LARGE, "The endpoint sent too many tool calls.")
        own = _text(call_id)[:LONGEST_NAME_CHARACTERS] or f"call_{len(self._calls)}"
        self._calls.append(_OpenCall(number, own))
        return self._calls[-1]


def model_names(text: str) -> tuple[str, ...]:
    """The ids in the answer to GET /models. Raises LlmError."""
    listed = _object(_parsed(text)).get("data")
    if not isinstance(listed, list):
        raise _garbled()
    return tuple(_text(_object(entry).get("id")) for entry in listed)


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header, which may be a date; None for what is neither."""
    if not header:
        return None
    try:
        seconds = float(header) if header[0].isdigit() else _until(header, now)
    except (ValueError, TypeError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until(date: str, now: datetime) -> float:
    return (parsedate_to_datetime(date) - now).total_seconds()


def _parsed(text: str) -> object:
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        raise _garbled() from None
    return parsed


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _garbled()
    return value


def _text(value: object) -> str:
    return _without_surrogates(value) if isinstance(value, str) else ""


def _without_surrogates(text: str) -> str:
    """JSON may carry half a surrogate pair, which no UTF-8 can: it becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    counts = [value.get("prompt_tokens"), value.get("completion_tokens")]
    prompt, completion = (count if isinstance(count, int) else 0 for count in counts)
    return Usage(prompt, completion)


def _garbled() -> LlmError:
    return LlmError(LlmFault.GARBLED, "The endpoint does not speak the chat protocol.")

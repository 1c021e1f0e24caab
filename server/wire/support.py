"""What of the GA protocol is spoken here, event by event and field by field: the tables of
docs/realtime.md. It parses and sends nothing.

`python -m server.wire.support` writes them into that page; a test fails when it is out of date, or
when openai-python knows an event that is not listed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from server.wire.beta import BETA_TYPES
from server.wire.orders import OWN_RESPONSE, SPEECH, STOCK_RESPONSE, Order

PAGE = Path(__file__).parents[2] / "docs" / "realtime.md"
BEGINS, ENDS = "<!-- generated: begin -->", "<!-- generated: end -->"

_NO_WEBRTC = "never sent: for WebRTC and SIP only"
_NO_MCP = (
    "never sent: tools of the type `mcp` are refused (`unsupported`, param `session.tools[0].type`)"
)

CLIENT_EVENTS: Mapping[str, str] = {
    "session.update": "supported; the fields below",
    "input_audio_buffer.append": "supported; at most 15 MiB of audio (`audio_too_large`), whole "
    "samples (`bad_frame`)",
    "input_audio_buffer.commit": "supported; nothing said: `input_audio_buffer_commit_empty`. "
    "It asks for no response",
    "input_audio_buffer.clear": "supported",
    "output_audio_buffer.clear": "supported over WebSocket too: ends the answer",
    "conversation.item.create": "supported; the fields below",
    "conversation.item.retrieve": "supported; `item_not_found`. Audio itself is not kept",
    "conversation.item.delete": "supported; `item_not_found`",
    "conversation.item.truncate": "supported: transcript and history hold the words heard by then. "
    "More than was sent, or no spoken answer: refused, naming the field",
    "response.create": "supported; the fields below. While an answer is given "
    "`conversation_already_has_active_response`, nothing to answer `no_question`",
    "response.cancel": "supported; none, or no such, is given: `response_cancel_not_active`",
}

SERVER_EVENTS: Mapping[str, str] = {
    "session.created": "sent",
    "session.updated": "sent: the whole session as it now is",
    "conversation.created": "never sent: the GA protocol's sessions begin without it",
    "conversation.item.created": "sent to beta clients, instead of `conversation.item.added`",
    "conversation.item.added": "sent",
    "conversation.item.done": "sent; not to beta clients, who do not know it",
    "conversation.item.deleted": "sent; also when a question goes on and its first item is "
    "joined to the next",
    "conversation.item.retrieved": "sent",
    "conversation.item.truncated": "sent",
    "conversation.item.input_audio_transcription.delta": "sent while the person speaks, when "
    "`transcription` is set",
    "conversation.item.input_audio_transcription.completed": "sent when `transcription` is set",
    "conversation.item.input_audio_transcription.failed": "sent when `transcription` is set",
    "conversation.item.input_audio_transcription.segment": "never sent: speakers are not told "
    "apart",
    "error": "sent; `type`, `code`, `message`, `param`, `event_id`",
    "input_audio_buffer.cleared": "sent; also when speech turned out to be the answer's echo",
    "input_audio_buffer.committed": "sent",
    "input_audio_buffer.dtmf_event_received": "never sent: for SIP only",
    "input_audio_buffer.speech_started": "sent",
    "input_audio_buffer.speech_stopped": "sent",
    "input_audio_buffer.timeout_triggered": "sent with `idle_timeout_ms`, counted in the audio "
    "received",
    "output_audio_buffer.started": _NO_WEBRTC,
    "output_audio_buffer.stopped": _NO_WEBRTC,
    "output_audio_buffer.cleared": "sent in answer to `output_audio_buffer.clear`",
    "rate_limits.updated": "sent with an empty list: nothing is limited by tokens",
    "response.created": "sent",
    "response.done": "sent; `usage` is an estimate (server/wire/usage.py)",
    "response.output_item.added": "sent",
    "response.output_item.done": "sent",
    "response.content_part.added": "sent",
    "response.content_part.done": "sent",
    "response.output_audio.delta": "sent, at most 400 ms ahead of real time",
    "response.output_audio.done": "sent",
    "response.output_audio_transcript.delta": "sent, a sentence or clause at a time",
    "response.output_audio_transcript.done": "sent",
    "response.output_text.delta": "sent",
    "response.output_text.done": "sent",
    "response.function_call_arguments.delta": "sent where a language model is configured",
    "response.function_call_arguments.done": "sent where a language model is configured",
    "mcp_list_tools.in_progress": _NO_MCP,
    "mcp_list_tools.completed": _NO_MCP,
    "mcp_list_tools.failed": _NO_MCP,
    "response.mcp_call_arguments.delta": _NO_MCP,
    "response.mcp_call_arguments.done": _NO_MCP,
    "response.mcp_call.in_progress": _NO_MCP,
    "response.mcp_call.completed": _NO_MCP,
    "response.mcp_call.failed": _NO_MCP,
}

SESSION_FIELDS: Mapping[str, str] = {
    "type": "`realtime`; `transcription` with `?intent=transcription`. Cannot be changed",
    "model": "any, told again as it was in the address",
    "output_modalities": '`["audio"]` or `["text"]`',
    "instructions": "kept; they guide a language model that is offered `tools`",
    "tools, tool_choice": "kept; functions only. Called by a language model, where one is "
    "configured. `mcp`: refused (`unsupported`, of a choice `invalid_value`)",
    "parallel_tool_calls": "honoured: false for one call a response",
    "max_output_tokens": "honoured: 1 to 4096 or `inf`; four characters are a token. The response "
    "is then `incomplete`",
    "audio.input.format, audio.output.format": "`type`: `audio/pcm` (24 kHz; any `rate` from 8 to "
    "96 kHz), `audio/pcmu`, `audio/pcma`",
    "audio.input.transcription": "turns the events on. `model` is the server's own; `language`, "
    "`languages`, `prompt`, `keywords`, `delay`: without effect",
    "audio.input.noise_reduction": "`type`, `strength`: told again; without effect",
    "audio.input.turn_detection": "`type`: `server_vad` (`threshold` 0.05 to 0.99, "
    "`prefix_padding_ms` to 2000, `silence_duration_ms` 100 to 5000, `idle_timeout_ms` from 1000), "
    "`semantic_vad` (`eagerness`), both with `create_response` and `interrupt_response`; null: "
    "the client commits",
    "audio.output.voice": "one of `session.parley.voices`; `default` and the stock names are the "
    "server's own. Told as what it is. Another name is refused, and so is an `id` (`unsupported`)",
    "audio.output.speed": "0.25 to 2",
    "include": "refused (`unsupported`): the recognisers tell no logprobs",
    "prompt": "refused (`unsupported`): there are no stored prompts",
    "truncation, tracing, reasoning": "told again; without effect",
    "parley.filter": "ours: which documents may answer, as on `/ws`",
}
ITEM_FIELDS: Mapping[str, str] = {
    "type": "`message`, `function_call`, `function_call_output`; `item_reference` in the `input` "
    "of a response. Others are refused (`unsupported`)",
    "id": "kept; one that is taken is refused. Without it the server makes one",
    "object, status": "accepted; every item of a client is `completed`",
    "role": "`user`, `assistant`, `system`",
    "content": "1 to 16 parts, 32,768 characters in all",
    "content.type": "`input_text` of the user and the system, `input_audio` of the user, "
    "`output_text` and `output_audio` (the beta's `text` and `audio`) of the assistant. Others, "
    "`input_image` too: refused (`invalid_value`)",
    "content.text": "kept; not blank of the user",
    "content.audio": "of `input_audio`: in the session's input format; understood where there is "
    "no `transcript`, and not kept. Of `output_audio`: ignored",
    "content.transcript": "kept",
    "content.image_url, content.detail": "ignored: there are no images",
    "name, call_id, arguments": "of a `function_call`; `call_id` is made up where there is none",
    "output": "of a `function_call_output`, which needs its `call_id`",
}
RESPONSE_FIELDS: Mapping[str, str] = {
    "conversation": '`auto`; `"none"`: beside the conversation and the answer, up to four '
    "(`too_many_responses`)",
    "input": "up to 64 items or references to some of the conversation: what is answered instead "
    "of it. `[]`: `no_question`",
    "metadata": "told again; up to 16 keys",
    "instructions, tools, tool_choice, parallel_tool_calls": "for this response, as in "
    "`session.update`",
    "output_modalities, max_output_tokens, audio.output": "likewise: `format`, `voice`, `speed`",
    "reasoning": "without effect",
    "prompt": "refused (`unsupported`)",
}
BETA_FIELDS: Mapping[str, str] = {
    "modalities": "`output_modalities`; `text` and `audio` together are audio",
    "voice, speed": "of `audio.output`",
    "input_audio_format, output_audio_format": "`pcm16` (24 kHz), `g711_ulaw`, `g711_alaw`",
    "input_audio_transcription, input_audio_noise_reduction, turn_detection": "of `audio.input`",
    "max_response_output_tokens": "`max_output_tokens`",
    "temperature": "told again; without effect",
}
ADDED_FIELDS: Mapping[str, str] = {
    "session.parley": "ours altogether: [protocol.md](protocol.md#ours)",
    "error.retryable": "whether the same may succeed later",
    "error.retry_after_ms": "of `at_capacity`: how long to wait before",
    "error.stage": "of a failed stage: which one",
    "session.audio.input.turn_detection.threshold": "also of `semantic_vad`, which hears by it",
    "session.audio.input.turn_detection.prefix_padding_ms": "likewise",
    "session.audio.input.turn_detection.silence_duration_ms": "likewise; `semantic_vad` "
    "waits so long where words tell nothing",
}


def tables() -> str:
    """Return the generated part of the page."""
    return "\n".join(
        [
            *_table("Client events", ("event", "here"), CLIENT_EVENTS),
            *_table("Server events", ("event", "here"), SERVER_EVENTS),
            *_table("`session.update`", ("field", "here"), SESSION_FIELDS),
            *_table("`conversation.item.create`", ("field of `item`", "here"), ITEM_FIELDS),
            *_table("`response.create`", ("field of `response`", "here"), RESPONSE_FIELDS),
            *_table("The beta's fields", ("field", "here"), BETA_FIELDS),
            *_table("The beta's server events", ("event", "instead of"), _beta_events()),
            *_table("Fields beside the protocol's", ("field", "here"), ADDED_FIELDS),
            *_order("A response: what may follow what", STOCK_RESPONSE),
            *_order("Speech and its item", SPEECH),
            *_order("A response on `/ws`", OWN_RESPONSE),
        ]
    )


def _beta_events() -> Mapping[str, str]:
    return {beta: f"`{name}`" for name, beta in BETA_TYPES.items()}


def with_tables(page: str) -> str:
    """Return the page with its generated part written anew."""
    before, _, rest = page.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    return f"{before}{BEGINS}\n\n{tables()}\n{ENDS}{after}"


def _table(title: str, heads: tuple[str, str], rows: Mapping[str, str]) -> Iterator[str]:
    yield from (f"## {title}", "", f"| {heads[0]} | {heads[1]} |", "|---|---|")
    yield from (f"| {_coded(name)} | {told} |" for name, told in rows.items())
    yield ""


def _order(title: str, order: Order) -> Iterator[str]:
    rows = {event: ", ".join(map(_coded, following)) for event, following in order.items()}
    yield from _table(title, ("after", "may come"), rows)


def _coded(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))

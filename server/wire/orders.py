"""Which server events may follow which: the documented sequences, as tables. It sends nothing.

docs/realtime.md shows them; tests hold every sequence against them (tests/orders.py). There is a
table for each kind of subject that events tell of: a response (by its response_id), speech that
becomes an item (by its item_id), and the session as a whole.
"""

from collections.abc import Mapping

START, END = "start", "end"

Order = Mapping[str, tuple[str, ...]]
"""For each event the events of the same subject that may follow it; START and END are its ends."""

_WORDS = "response.output_audio_transcript.delta"
_TEXT = "response.output_text.delta"
_SOUND = "response.output_audio.delta"
_SOUND_DONE = "response.output_audio.done"
_WORDS_DONE = "response.output_audio_transcript.done"
_TEXT_DONE = "response.output_text.done"
_PART = "response.content_part.added"
_PART_DONE = "response.content_part.done"
_ITEM = "response.output_item.added"
_ITEM_DONE = "response.output_item.done"
_SOURCES = "parley.sources"
_ARGUMENTS = "response.function_call_arguments.delta"
_ARGUMENTS_DONE = "response.function_call_arguments.done"

STOCK_RESPONSE: Order = {
    START: ("response.created",),
    "response.created": (_ITEM, "response.done"),
    _ITEM: (_PART, _ARGUMENTS, _ARGUMENTS_DONE, _ITEM_DONE),
    _PART: (_WORDS, _TEXT, _SOUND_DONE, _WORDS_DONE, _TEXT_DONE),
    _WORDS: (_WORDS, _SOUND, _SOUND_DONE, _WORDS_DONE),
    _SOUND: (_SOUND, _WORDS, _SOUND_DONE),
    _TEXT: (_TEXT, _TEXT_DONE),
    _SOUND_DONE: (_WORDS_DONE,),
    _WORDS_DONE: (_PART_DONE,),
    _TEXT_DONE: (_PART_DONE,),
    _PART_DONE: (_ITEM_DONE,),
    _ARGUMENTS: (_ARGUMENTS, _ARGUMENTS_DONE, _ITEM_DONE),
    _ARGUMENTS_DONE: (_ITEM_DONE,),
    _ITEM_DONE: (_ITEM, "response.done"),
    "response.done": (END,),
}
"""A response on /v1/realtime; events under `parley.` are left out."""

OWN_RESPONSE: Order = {
    START: ("response.created", "parley.turn"),
    "response.created": (_ITEM,),
    _ITEM: (_PART, _ARGUMENTS, _ARGUMENTS_DONE),
    _ARGUMENTS: (_ARGUMENTS, _ARGUMENTS_DONE),
    _ARGUMENTS_DONE: (_ITEM_DONE,),
    _PART: (_SOURCES,),
    _SOURCES: (_WORDS, _TEXT, _SOUND_DONE, _WORDS_DONE, _TEXT_DONE, _ITEM_DONE),
    _WORDS: ("parley.words", _ITEM_DONE),
    "parley.words": (_WORDS, _SOURCES, _SOUND_DONE, _ITEM_DONE),
    _TEXT: (_TEXT, _SOURCES, _TEXT_DONE, _ITEM_DONE),
    _SOUND_DONE: (_SOURCES, _WORDS_DONE, _ITEM_DONE),
    _WORDS_DONE: (_PART_DONE,),
    _TEXT_DONE: (_PART_DONE,),
    _PART_DONE: (_ITEM_DONE,),
    _ITEM_DONE: (_ITEM, "response.done"),
    "response.done": ("parley.turn",),
    "parley.turn": (END,),
}
"""A response on /ws, where sound is binary; one that was cut ends with its item.

Sources come anew when a language model cites more while it speaks, or the documents take over.
"""

_STARTED = "input_audio_buffer.speech_started"
_STOPPED = "input_audio_buffer.speech_stopped"
_COMMITTED = "input_audio_buffer.committed"
_TIMEOUT = "input_audio_buffer.timeout_triggered"
_ADDED = "conversation.item.added"
_DONE = "conversation.item.done"
_DELETED = "conversation.item.deleted"
_HEARD = "conversation.item.input_audio_transcription.delta"
_UNDERSTOOD = "conversation.item.input_audio_transcription.completed"
_FAILED = "conversation.item.input_audio_transcription.failed"

SPEECH: Order = {
    START: (_STARTED, _STOPPED, _COMMITTED, _TIMEOUT),
    _STARTED: (_HEARD, _STOPPED, _COMMITTED, _STARTED, END),
    _HEARD: (_HEARD, _STOPPED, _COMMITTED, _STARTED, END),
    _STOPPED: (_COMMITTED,),
    _TIMEOUT: (_COMMITTED,),
    _COMMITTED: (_ADDED,),
    _ADDED: (_DONE,),
    _DONE: (_UNDERSTOOD, _FAILED, _DELETED, END),
    _UNDERSTOOD: (_DELETED, END),
    _FAILED: (_DELETED, END),
    _DELETED: (END,),
}
"""Speech and its item. It may end untold: cleared by the client, or an echo (a `cleared` follows).

Without `speech_started` it was committed by the client; an id is told again when speech that was
cleared is followed by more.
"""

SESSION: Order = {START: ("session.created",), "session.created": (END,)}
"""The first event of all; everything else may follow."""


def may_follow(order: Order, before: str, event: str) -> bool:
    """Whether an event may come right behind another of the same subject."""
    return event in order.get(before, ())

"""Who has the floor: what the start and the end of speech mean under a session's settings. Pure.

server/state.py tells what happens then.
"""

from audio.endpoint import EndReason
from server.errors import InvalidEvent
from server.hearing.interruption import Interruption
from server.state import Action, Signal
from server.wire.detection import DetectionType
from server.wire.dialect import Dialect
from server.wire.session_config import SessionConfig, SessionType

_REFUSALS = {
    Action.REFUSE_EMPTY_COMMIT: (
        "Nothing was said since the last commit.",
        "input_audio_buffer_commit_empty",
    ),
    Action.REFUSE_CANCEL: ("No such answer is being given.", "response_cancel_not_active"),
    Action.REFUSE_RESPONSE: (
        "An answer is being given: wait for response.done, or cancel it.",
        "conversation_already_has_active_response",
    ),
    Action.REFUSE_ANSWER: ("A session for transcription answers nothing.", "unsupported"),
}


def refusal(action: Action, param: str | None = None) -> InvalidEvent:
    """Return the error that a refusing action tells the client."""
    message, code = _REFUSALS[action]
    return InvalidEvent(message, param, code=code)


def onset_signal(config: SessionConfig, dialect: Dialect, *, goes_on: bool) -> Signal:
    """Return what the start of speech is; `goes_on` after a cut at the longest utterance.

    On /v1/realtime server_vad interrupts at once, as that protocol says; semantic_vad, and /ws
    always, first find out what was said (docs/adr/0010).
    """
    detection = config.detection
    if goes_on or (detection is not None and not detection.interrupts_response):
        return Signal.SPEECH_WENT_ON
    is_semantic = detection is not None and detection.type is DetectionType.SEMANTIC_VAD
    is_judged = is_semantic or not dialect.is_stock
    return Signal.SPEECH_STARTED if is_judged else Signal.BARGED_IN


def end_signal(
    config: SessionConfig,
    dialect: Dialect,
    reason: EndReason,
    *,
    is_answering: bool,
    is_doubtful: bool,
) -> Signal:
    """Return what the end of an utterance is: answered, judged, or kept until it is asked about.

    On /v1/realtime what the client commits is answered when it sends response.create.
    """
    detection = config.detection
    if config.type is SessionType.TRANSCRIPTION:
        return Signal.UTTERANCE_KEPT
    if dialect.is_stock and (detection is None or reason is EndReason.COMMIT):
        return Signal.UTTERANCE_KEPT
    if detection is not None and not detection.creates_response:
        return Signal.UTTERANCE_KEPT
    if detection is not None and not detection.interrupts_response and is_answering:
        return Signal.UTTERANCE_KEPT
    may_doubt = is_doubtful and onset_signal(config, dialect, goes_on=False) is not Signal.BARGED_IN
    return Signal.DOUBTED if may_doubt else Signal.UTTERANCE_ENDED


def judged_signal(kind: Interruption, *, is_more_coming: bool) -> Signal | None:
    """Return what speech into an answer has come to; None while more is being said."""
    if kind is Interruption.QUESTION:
        return Signal.INTERRUPTED_MIDWAY if is_more_coming else Signal.INTERRUPTED
    if kind is Interruption.STOP:
        return Signal.STOPPED_MIDWAY if is_more_coming else Signal.STOPPED
    return None if is_more_coming else Signal.DISMISSED

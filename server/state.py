"""The session as a table: (state, signal) to (state, action). It does nothing itself.

Every pair has a written result; tests enumerate the table and docs draw it.
"""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """What a session is doing, as the person sees it."""

    IDLE = "idle"
    HEARING = "hearing"
    THINKING = "thinking"
    SPEAKING = "speaking"
    HELD = "held"
    """Someone speaks into the answer: it stands still until it is known what they said."""


class Signal(StrEnum):
    """What happens to a session."""

    SPEECH_STARTED = "speech_started"
    SPEECH_DROPPED = "speech_dropped"
    SPEECH_WENT_ON = "speech_went_on"
    """An utterance was cut at its limit and the person speaks on: the cut part is answered."""
    BARGED_IN = "barged_in"
    """Someone speaks where whatever is said ends the answer (server_vad of /v1/realtime)."""
    UTTERANCE_ENDED = "utterance_ended"
    UTTERANCE_KEPT = "utterance_kept"
    """An utterance ended that is answered only when the client asks for it."""
    DOUBTED = "doubted"
    """An utterance ended that began so soon after the answer that it may be its echo."""
    QUESTION_TYPED = "question_typed"
    COMMIT = "commit"
    CLEAR = "clear"
    CANCEL = "cancel"
    FIRST_AUDIO = "first_audio"
    TURN_ENDED = "turn_ended"
    INTERRUPTED = "interrupted"
    """What was said into the answer is a new question."""
    INTERRUPTED_MIDWAY = "interrupted_midway"
    """The same, and the person speaks again already: both parts are one question."""
    STOPPED = "stopped"
    """It was an order to be quiet."""
    STOPPED_MIDWAY = "stopped_midway"
    """The same, and the person speaks again already: what follows is heard by itself."""
    DISMISSED = "dismissed"
    """It was "uh-huh", the answer's echo, or nothing."""


class Action(StrEnum):
    """What the session does about it."""

    NOTHING = "nothing"
    ANNOUNCE_SPEECH = "announce_speech"
    TAKE_BACK = "take_back"
    """Speech went on before the answer began: stop the turn and keep its audio for the next."""
    INTERRUPT = "interrupt"
    """Tell that someone speaks, and stop the answer for it."""
    KEEP = "keep"
    """Make what was said an item, and no turn of it."""
    STOP_AND_CARRY = "stop_and_carry"
    """Stop the answer and keep what was said for the utterance that is being heard."""
    HUSH = "hush"
    """Tell that somebody spoke, and stop the answer; what was said is forgotten."""
    HUSH_AND_HEAR = "hush_and_hear"
    """The same, but what is being said now is heard."""
    HOLD = "hold"
    JUDGE = "judge"
    RELEASE = "release"
    RELEASE_AND_CLEAR = "release_and_clear"
    START_TURN = "start_turn"
    REPLACE_TURN = "replace_turn"
    COMMIT_AUDIO = "commit_audio"
    CLEAR_AUDIO = "clear_audio"
    CANCEL_TURN = "cancel_turn"
    REFUSE_EMPTY_COMMIT = "refuse_empty_commit"
    REFUSE_CANCEL = "refuse_cancel"
    REFUSE_RESPONSE = "refuse_response"
    """Not in the table: an answer is being given, and the client asks for another."""
    REFUSE_ANSWER = "refuse_answer"
    """Not in the table: a session for transcription is asked for an answer."""


_IDLE, _HEARING, _THINKING, _SPEAKING, _HELD = State
_S, _A = Signal, Action

TABLE: Mapping[tuple[State, Signal], tuple[State, Action]] = {
    (_IDLE, _S.SPEECH_STARTED): (_HEARING, _A.ANNOUNCE_SPEECH),
    (_IDLE, _S.SPEECH_DROPPED): (_IDLE, _A.NOTHING),
    (_IDLE, _S.UTTERANCE_ENDED): (_THINKING, _A.START_TURN),
    (_IDLE, _S.QUESTION_TYPED): (_THINKING, _A.START_TURN),
    (_IDLE, _S.COMMIT): (_IDLE, _A.REFUSE_EMPTY_COMMIT),
    (_IDLE, _S.CLEAR): (_IDLE, _A.CLEAR_AUDIO),
    (_IDLE, _S.CANCEL): (_IDLE, _A.REFUSE_CANCEL),
    (_IDLE, _S.FIRST_AUDIO): (_IDLE, _A.NOTHING),
    (_IDLE, _S.TURN_ENDED): (_IDLE, _A.NOTHING),
    (_HEARING, _S.SPEECH_STARTED): (_HEARING, _A.NOTHING),
    (_HEARING, _S.SPEECH_DROPPED): (_IDLE, _A.RELEASE),
    (_HEARING, _S.UTTERANCE_ENDED): (_THINKING, _A.START_TURN),
    (_HEARING, _S.QUESTION_TYPED): (_THINKING, _A.START_TURN),
    (_HEARING, _S.COMMIT): (_HEARING, _A.COMMIT_AUDIO),
    (_HEARING, _S.CLEAR): (_IDLE, _A.CLEAR_AUDIO),
    (_HEARING, _S.CANCEL): (_HEARING, _A.REFUSE_CANCEL),
    (_HEARING, _S.FIRST_AUDIO): (_HEARING, _A.NOTHING),
    (_HEARING, _S.TURN_ENDED): (_HEARING, _A.NOTHING),
    (_THINKING, _S.SPEECH_STARTED): (_HEARING, _A.TAKE_BACK),
    (_THINKING, _S.SPEECH_DROPPED): (_THINKING, _A.NOTHING),
    (_THINKING, _S.UTTERANCE_ENDED): (_THINKING, _A.REPLACE_TURN),
    (_THINKING, _S.QUESTION_TYPED): (_THINKING, _A.REPLACE_TURN),
    (_THINKING, _S.COMMIT): (_THINKING, _A.REFUSE_EMPTY_COMMIT),
    (_THINKING, _S.CLEAR): (_THINKING, _A.CLEAR_AUDIO),
    (_THINKING, _S.CANCEL): (_IDLE, _A.CANCEL_TURN),
    (_THINKING, _S.FIRST_AUDIO): (_SPEAKING, _A.NOTHING),
    (_THINKING, _S.TURN_ENDED): (_IDLE, _A.NOTHING),
    (_SPEAKING, _S.SPEECH_STARTED): (_HELD, _A.HOLD),
    (_SPEAKING, _S.SPEECH_DROPPED): (_SPEAKING, _A.NOTHING),
    (_SPEAKING, _S.UTTERANCE_ENDED): (_THINKING, _A.REPLACE_TURN),
    (_SPEAKING, _S.QUESTION_TYPED): (_THINKING, _A.REPLACE_TURN),
    (_SPEAKING, _S.COMMIT): (_SPEAKING, _A.REFUSE_EMPTY_COMMIT),
    (_SPEAKING, _S.CLEAR): (_SPEAKING, _A.CLEAR_AUDIO),
    (_SPEAKING, _S.CANCEL): (_IDLE, _A.CANCEL_TURN),
    (_SPEAKING, _S.FIRST_AUDIO): (_SPEAKING, _A.NOTHING),
    (_SPEAKING, _S.TURN_ENDED): (_IDLE, _A.NOTHING),
    (_HELD, _S.SPEECH_STARTED): (_HELD, _A.NOTHING),
    (_HELD, _S.SPEECH_DROPPED): (_SPEAKING, _A.RELEASE),
    (_HELD, _S.UTTERANCE_ENDED): (_HELD, _A.JUDGE),
    (_HELD, _S.QUESTION_TYPED): (_THINKING, _A.REPLACE_TURN),
    (_HELD, _S.COMMIT): (_HELD, _A.REFUSE_EMPTY_COMMIT),
    (_HELD, _S.CLEAR): (_SPEAKING, _A.RELEASE_AND_CLEAR),
    (_HELD, _S.CANCEL): (_IDLE, _A.CANCEL_TURN),
    (_HELD, _S.FIRST_AUDIO): (_HELD, _A.NOTHING),
    (_HELD, _S.TURN_ENDED): (_HEARING, _A.NOTHING),
    (_HELD, _S.INTERRUPTED): (_THINKING, _A.REPLACE_TURN),
    (_HELD, _S.DISMISSED): (_SPEAKING, _A.RELEASE),
    (_HEARING, _S.DISMISSED): (_IDLE, _A.RELEASE),
    **{(state, _S.DISMISSED): (state, _A.NOTHING) for state in (_IDLE, _THINKING, _SPEAKING)},
    (_IDLE, _S.INTERRUPTED): (_THINKING, _A.START_TURN),
    (_HEARING, _S.INTERRUPTED): (_THINKING, _A.START_TURN),
    (_THINKING, _S.INTERRUPTED): (_THINKING, _A.REPLACE_TURN),
    (_SPEAKING, _S.INTERRUPTED): (_THINKING, _A.REPLACE_TURN),
    **{(state, _S.INTERRUPTED_MIDWAY): (_HEARING, _A.STOP_AND_CARRY) for state in State},
    **{(state, _S.STOPPED): (_IDLE, _A.HUSH) for state in State},
    **{(state, _S.STOPPED_MIDWAY): (_HEARING, _A.HUSH_AND_HEAR) for state in State},
    (_IDLE, _S.BARGED_IN): (_HEARING, _A.ANNOUNCE_SPEECH),
    (_HEARING, _S.BARGED_IN): (_HEARING, _A.NOTHING),
    (_THINKING, _S.BARGED_IN): (_HEARING, _A.TAKE_BACK),
    (_SPEAKING, _S.BARGED_IN): (_HEARING, _A.INTERRUPT),
    (_HELD, _S.BARGED_IN): (_HEARING, _A.INTERRUPT),
    (_IDLE, _S.UTTERANCE_KEPT): (_IDLE, _A.KEEP),
    (_HEARING, _S.UTTERANCE_KEPT): (_IDLE, _A.KEEP),
    (_THINKING, _S.UTTERANCE_KEPT): (_THINKING, _A.KEEP),
    (_SPEAKING, _S.UTTERANCE_KEPT): (_SPEAKING, _A.KEEP),
    (_HELD, _S.UTTERANCE_KEPT): (_SPEAKING, _A.KEEP),
    (_IDLE, _S.DOUBTED): (_HEARING, _A.JUDGE),
    (_HEARING, _S.DOUBTED): (_HEARING, _A.JUDGE),
    (_THINKING, _S.DOUBTED): (_THINKING, _A.REPLACE_TURN),
    (_SPEAKING, _S.DOUBTED): (_SPEAKING, _A.JUDGE),
    (_HELD, _S.DOUBTED): (_HELD, _A.JUDGE),
    (_IDLE, _S.SPEECH_WENT_ON): (_HEARING, _A.ANNOUNCE_SPEECH),
    (_HEARING, _S.SPEECH_WENT_ON): (_HEARING, _A.NOTHING),
    (_THINKING, _S.SPEECH_WENT_ON): (_THINKING, _A.ANNOUNCE_SPEECH),
    (_SPEAKING, _S.SPEECH_WENT_ON): (_SPEAKING, _A.ANNOUNCE_SPEECH),
    (_HELD, _S.SPEECH_WENT_ON): (_HELD, _A.NOTHING),
}

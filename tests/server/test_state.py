"""server/state.py: every pair of state and signal has a written result."""

import itertools

import pytest

from server.state import TABLE, Action, Signal, State


def test_the_table_is_whole() -> None:
    """All pairs are there and nothing else."""
    assert set(TABLE) == set(itertools.product(State, Signal))


@pytest.mark.parametrize("state", State)
def test_every_state_can_be_left_for_idle(state: State) -> None:
    """No state is a trap: some run of signals leads back to idle."""
    seen, frontier = {state}, [state]
    while frontier:
        now = frontier.pop()
        for signal in Signal:
            following, _ = TABLE[now, signal]
            if following not in seen:
                seen.add(following)
                frontier.append(following)
    assert State.IDLE in seen


@pytest.mark.parametrize("signal", Signal)
def test_a_late_turn_end_or_audio_never_stops_hearing(signal: Signal) -> None:
    """What a stopped turn still reports does not disturb the person who speaks."""
    if signal in (Signal.FIRST_AUDIO, Signal.TURN_ENDED):
        assert TABLE[State.HEARING, signal] == (State.HEARING, Action.NOTHING)


def test_speech_before_the_answer_takes_the_question_back() -> None:
    """Going on speaking while Parley thinks joins both parts into one question."""
    assert TABLE[State.THINKING, Signal.SPEECH_STARTED] == (State.HEARING, Action.TAKE_BACK)


def test_speech_during_the_answer_interrupts() -> None:
    """Barge-in: held at once, ended when a question or "stop" was heard."""
    assert TABLE[State.SPEAKING, Signal.SPEECH_STARTED] == (State.HELD, Action.HOLD)
    assert TABLE[State.HELD, Signal.UTTERANCE_ENDED] == (State.HELD, Action.JUDGE)
    assert TABLE[State.HELD, Signal.INTERRUPTED] == (State.THINKING, Action.REPLACE_TURN)
    assert TABLE[State.HELD, Signal.STOPPED] == (State.IDLE, Action.HUSH)
    assert TABLE[State.HELD, Signal.DISMISSED] == (State.SPEAKING, Action.RELEASE)

"""server/admission.py: refused before the target breaks, by count and by prediction."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from server.admission import RETRY_AFTER_MS, Admission
from server.errors import AtCapacity
from server.governor import Governor
from server.pipeline import Stages
from server.settings import Settings
from server.watching.metrics import Metrics

SETTINGS = replace(Settings(), sessions_maximum=4, target_ms=700, endpoint_shortest_ms=300)


@pytest.fixture
def admission() -> Iterator[Admission]:
    metrics = Metrics()
    stages = Stages.build(SETTINGS, metrics)
    stages.stt.typical_ms, stages.tts.typical_ms = 200.0, 250.0
    yield Admission(SETTINGS, stages, Governor(stages.cores, metrics), metrics)
    for stage in stages.all():
        stage.close()
        assert stage.join(5)


def test_an_idle_server_takes_all_its_places_and_no_more(admission: Admission) -> None:
    """The last place is given; the next one is told when to come back."""
    for sessions in range(4):
        admission.check(sessions)
    with pytest.raises(AtCapacity, match="All 4 places are taken") as refused:
        admission.check(4)
    assert refused.value.retry_after_ms == RETRY_AFTER_MS


def test_what_stands_in_line_is_added_twice(admission: Admission) -> None:
    """450 ms of work, and half a call in line at both heavy stages: 450 + 2 x 0.5 x 250."""
    admission.governor.load = 1.5
    assert admission.predicted_ms == pytest.approx(700)
    admission.check(2)


def test_a_session_that_would_wait_too_long_is_refused(admission: Admission) -> None:
    """The message has both figures, and the time to come back grows with the line."""
    admission.governor.load = 2.0
    with pytest.raises(AtCapacity, match="about 950 ms now; 700 is the limit") as refused:
        admission.check(2)
    assert refused.value.retry_after_ms == RETRY_AFTER_MS + 250
    assert b'parley_refused_sessions_total{code="at_capacity"} 1.0' in admission.metrics.render()


def test_the_first_session_is_never_refused_for_load(admission: Admission) -> None:
    """Nobody else would be hurt; and a server that refuses everyone helps nobody."""
    admission.governor.load = 9.0
    admission.check(0)


def test_a_slow_machine_is_not_closed_for_being_slow(admission: Admission) -> None:
    """Where a turn alone takes longer than the target, only the load counts."""
    admission.stages.stt.typical_ms = 2000.0
    admission.check(2)
    admission.governor.load = 2.0
    with pytest.raises(AtCapacity):
        admission.check(2)


def test_nobody_is_let_in_while_memory_is_short(admission: Admission) -> None:
    """Not even the first: the process would be killed, and who runs with it."""
    short = replace(admission, is_memory_short=lambda: True)
    with pytest.raises(AtCapacity, match="Memory is too short") as refused:
        short.check(0)
    assert refused.value.retry_after_ms == RETRY_AFTER_MS


def test_the_judgement_can_be_turned_off(admission: Admission) -> None:
    """Then only the places count."""
    settings = replace(SETTINGS, admission_by_latency=False)
    admission.governor.load = 9.0
    replace(admission, settings=settings).check(2)

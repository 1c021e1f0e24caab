"""server/timeline.py: contiguous slices that sum to voice-to-voice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.timeline import Segment, Timeline


def test_segments_are_contiguous() -> None:
    """Each mark closes the slice since the one before; queue time is split off."""
    timeline = Timeline(10.0)
    timeline.mark(Segment.ENDPOINT_WAIT, 10.5)
    timeline.mark(Segment.STT_FINAL, 10.7, queue_ms=50, stage="stt")
    timeline.first_audio_sent(10.8)
    assert timeline.segments_ms() == pytest.approx(
        {"endpoint_wait": 500, "queue_stt": 50, "stt_final": 150, "send": 100}
    )
    assert timeline.voice_to_voice_ms == pytest.approx(800)


def test_one_stage_that_did_two_things_is_split() -> None:
    """Embedding is told apart from search, never more than there was."""
    timeline = Timeline(0.0)
    timeline.mark(Segment.SEARCH, 0.010)
    timeline.move(Segment.SEARCH, Segment.EMBED, 4.0)
    assert timeline.segments_ms() == pytest.approx({"search": 6.0, "embed": 4.0})
    timeline.move(Segment.SEARCH, Segment.EMBED, 100.0)
    assert timeline.segments_ms() == pytest.approx({"search": 0.0, "embed": 10.0})


def test_no_audio_no_total() -> None:
    """A turn that was never heard has no voice-to-voice; only the first audio ends it."""
    timeline = Timeline(0.0)
    timeline.mark(Segment.ENDPOINT_WAIT, 1.0)
    assert timeline.voice_to_voice_ms is None
    timeline.first_audio_sent(2.0)
    timeline.first_audio_sent(9.0)
    assert timeline.voice_to_voice_ms == pytest.approx(2000)


@given(
    st.lists(
        st.tuples(st.floats(0, 5), st.floats(0, 10_000), st.sampled_from(["stt", "tts"])),
        max_size=12,
    )
)
def test_the_sum_is_the_total_whatever_is_marked(marks: list[tuple[float, float, str]]) -> None:
    """Segments sum to voice-to-voice within 5 ms, with any queue times claimed."""
    timeline, now_s = Timeline(100.0), 100.0
    for step_s, queue_ms, stage in marks:
        now_s += step_s
        timeline.mark(Segment.STT_FINAL, now_s, queue_ms, stage)
    timeline.first_audio_sent(now_s + 0.25)
    total_ms = timeline.voice_to_voice_ms
    assert total_ms is not None
    assert sum(timeline.segments_ms().values()) == pytest.approx(total_ms, abs=5)
    assert all(value >= 0 for value in timeline.segments_ms().values())

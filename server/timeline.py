"""Where a turn's milliseconds went: contiguous segments from the end of speech to the first audio.

Each mark closes the slice since the mark before it, so that the slices cannot overlap or leave
gaps. It reads no clock of its own choice: times are given on that of time.monotonic().
"""

from enum import StrEnum


class Segment(StrEnum):
    """The named slices of voice-to-voice latency, in the order they happen."""

    ENDPOINT_WAIT = "endpoint_wait"
    STT_FINAL = "stt_final"
    EMBED = "embed"
    SEARCH = "search"
    ANSWER_FIRST = "answer_first"
    TTS_FIRST = "tts_first"
    SEND = "send"


class Timeline:
    """One turn's segments."""

    def __init__(self, speech_ended_at_s: float) -> None:
        self._speech_ended_at_s = speech_ended_at_s
        self._cursor_s = speech_ended_at_s
        self._first_audio_at_s: float | None = None
        self._segments_ms: dict[str, float] = {}

    def mark(self, segment: Segment, now_s: float, queue_ms: float = 0.0, stage: str = "") -> None:
        """Close the slice since the last mark; `queue_ms` of it go to `queue_<stage>`."""
        elapsed_ms = max(0.0, (now_s - self._cursor_s) * 1000)
        waited_ms = min(queue_ms, elapsed_ms)
        if waited_ms > 0:
            self._add(f"queue_{stage}", waited_ms)
        self._add(segment, elapsed_ms - waited_ms)
        self._cursor_s = max(self._cursor_s, now_s)

    def move(self, source: Segment, target: Segment, milliseconds: float) -> None:
        """Give a part of one closed slice to another, as when one stage did two things."""
        part_ms = min(milliseconds, self._segments_ms.get(source, 0.0))
        self._add(source, -part_ms)
        self._add(target, part_ms)

    def first_audio_sent(self, now_s: float) -> None:
        """End the timeline; a second call is without effect."""
        if self._first_audio_at_s is None:
            self.mark(Segment.SEND, now_s)
            self._first_audio_at_s = now_s

    @property
    def voice_to_voice_ms(self) -> float | None:
        """End of speech to first audio, from its two ends alone; None before the first audio."""
        if self._first_audio_at_s is None:
            return None
        return max(0.0, (self._first_audio_at_s - self._speech_ended_at_s) * 1000)

    def segments_ms(self) -> dict[str, float]:
        """Return name to milliseconds; they sum to voice_to_voice_ms once it is known."""
        return {name: round(value, 3) for name, value in self._segments_ms.items()}

    def _add(self, name: str, milliseconds: float) -> None:
        self._segments_ms[str(name)] = self._segments_ms.get(str(name), 0.0) + milliseconds

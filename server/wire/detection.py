"""`turn_detection`: when an utterance is over, whether it is answered, and whether it interrupts.

Pure; server/session_settings.py makes the ears hear so.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from server.wire.fields import Fields

SHORTEST_IDLE_MS, LONGEST_IDLE_MS = 1_000, 3_600_000


class DetectionType(StrEnum):
    """How the end of an utterance is found."""

    SERVER_VAD = "server_vad"
    """After a fixed silence. On /v1/realtime whatever is said into an answer interrupts it."""
    SEMANTIC_VAD = "semantic_vad"
    """After a silence that depends on the words. Only a question interrupts."""


class Eagerness(StrEnum):
    """How soon semantic_vad takes an utterance to be over."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Detection:
    """What a session applies; times in milliseconds."""

    type: DetectionType
    threshold: float
    prefix_padding_ms: int
    silence_duration_ms: int
    creates_response: bool = True
    interrupts_response: bool = True
    idle_timeout_ms: int | None = None
    eagerness: Eagerness = Eagerness.AUTO

    def wire(self) -> dict[str, object]:
        """Return the object of the wire; `threshold` and the times hold for both types."""
        told: dict[str, object] = {
            "type": str(self.type),
            "threshold": self.threshold,
            "prefix_padding_ms": self.prefix_padding_ms,
            "silence_duration_ms": self.silence_duration_ms,
            "create_response": self.creates_response,
            "interrupt_response": self.interrupts_response,
        }
        if self.type is DetectionType.SERVER_VAD:
            return told | {"idle_timeout_ms": self.idle_timeout_ms}
        return told | {"eagerness": str(self.eagerness)}


def read_detection(parent: Fields, now: Detection | None, default: Detection) -> Detection | None:
    """Return `turn_detection` with what is asked for; None for null."""
    if not parent.has("turn_detection"):
        return now
    if parent.is_null("turn_detection"):
        return None
    told = parent.child("turn_detection")
    kind = told.choice("type", DetectionType) or DetectionType.SERVER_VAD
    before = now or default
    silence_ms = told.whole("silence_duration_ms", 100, 5000)
    prefix_ms = told.whole("prefix_padding_ms", 0, 2000)
    creates = told.flag("create_response")
    interrupts = told.flag("interrupt_response")
    threshold = told.number("threshold", 0.05, 0.99)
    idle_ms = told.whole("idle_timeout_ms", SHORTEST_IDLE_MS, LONGEST_IDLE_MS)
    if idle_ms is not None and kind is not DetectionType.SERVER_VAD:
        raise told.refuse("idle_timeout_ms", "is for server_vad only.")
    return replace(
        before,
        type=kind,
        threshold=threshold or before.threshold,
        prefix_padding_ms=before.prefix_padding_ms if prefix_ms is None else prefix_ms,
        silence_duration_ms=silence_ms or before.silence_duration_ms,
        creates_response=before.creates_response if creates is None else creates,
        interrupts_response=before.interrupts_response if interrupts is None else interrupts,
        idle_timeout_ms=idle_ms,
        eagerness=told.choice("eagerness", Eagerness) or Eagerness.AUTO,
    )

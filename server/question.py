"""What a turn answers, and what it may use for it. It asks and answers nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from audio.pcm import Samples
from server.governor import Step
from server.hearing.endpointing import Wait
from server.speaking.response import Wish
from server.speaking.unheard import Unheard


@dataclass(frozen=True, slots=True)
class Question:
    """What a turn answers: speech at 16 kHz, or typed text."""

    item_id: str
    asked_at_s: float
    """When the speech ended or the text arrived, on the clock of time.monotonic()."""
    wish: Wish
    """How it is to be answered."""
    samples: Samples | None = None
    text: str = ""
    wait: Wait | None = None
    """How long the endpoint waited and why; None for typed text."""
    ahead: Mapping[str, str] | None = None
    """What the speculation found in the caches, by stage; None when there was none."""
    rest: Unheard | None = None
    """What is left to be said of an answer whose connection was lost."""
    is_told: bool = False
    """Whether the transcript was told, or is being told, by somebody else."""
    steps: tuple[Step, ...] = ()
    """What is given up under load: as in the speculation, whose results would else not fit."""

    def again(self, transcript: str) -> "Question":
        """Return it to be asked once more, by its words where they are known."""
        is_known = bool(transcript) or self.samples is None
        samples = None if is_known else self.samples
        return replace(self, samples=samples, text=transcript, ahead=None, is_told=is_known)


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """What one turn may use."""

    timeout_s: float
    lead_ms: int
    answer_maximum_characters: int
    rate_hz: int
    speed: float

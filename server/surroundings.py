"""What all sessions of a process share. It builds none of it: server/app.py does."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from audio.vad import VadModel
from server.deadline import Deadline
from server.engines.room import EngineRoom
from server.governor import Governor
from server.pipeline import Pipeline, Stages
from server.settings import Settings
from server.watching.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sessions of a process share."""

    settings: Settings
    stages: Stages
    engine_room: EngineRoom
    vad_model: VadModel
    metrics: Metrics
    governor: Governor
    version: str
    offers: Mapping[str, object] = field(default_factory=dict)
    """What `session.created` tells beside the engines: what else may be asked of this server."""

    def pipeline(self, asked_at_s: float | None = None) -> Pipeline:
        """Bind the stages for a question whose speech ended then; None for just now."""
        settings = self.settings
        ended_at_s = time.monotonic() if asked_at_s is None else asked_at_s
        needed = Deadline(ended_at_s + settings.target_ms / 1000)
        return Pipeline(
            self.stages,
            self.engine_room.current,
            settings.search_hits,
            needed,
            self.governor.steps,
            maximum_characters=settings.answer_maximum_characters,
        )

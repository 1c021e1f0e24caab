"""What all sessions of a process share. It builds none of it: server/app.py does."""

from dataclasses import dataclass

from audio.vad import VadModel
from server.engines.room import EngineRoom
from server.governor import Governor
from server.pipeline import Stages
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

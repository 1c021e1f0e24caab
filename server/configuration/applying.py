"""Which parts of a running server are told of changed settings. It reads and judges none."""

from server.admission import Admission
from server.configuration.live import Apply
from server.door.doorkeeper import Doorkeeper
from server.door.memory_guard import MemoryGuard
from server.surroundings import Surroundings
from server.watching.health_watch import HealthWatch
from server.watching.structured_log import set_level


def appliers_of(
    shared: Surroundings,
    admission: Admission,
    door: Doorkeeper,
    health: HealthWatch,
    memory: MemoryGuard,
) -> list[Apply]:
    """Return what puts settings into effect: assignments, which cannot fail half-way."""
    return [
        shared.stages.apply,
        lambda settings: shared.governor.enable(settings.degradation),
        admission.apply,
        door.apply,
        health.apply,
        memory.apply,
        lambda settings: set_level(settings.log_level),
    ]

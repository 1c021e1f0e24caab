"""server/watching/reports.py: what the process says of itself."""

import json

from server.admission import Admission
from server.watching.health_watch import make_health_watch
from server.watching.reports import Reports
from tests.server.conftest import MakeStand


async def test_health_tells_what_is_calibrated_and_in_effect(make_stand: MakeStand) -> None:
    """The values that the engines were loaded with, and what is said of them."""
    stand = make_stand(stt_permits=2, tts_threads=2, stt_margin_frames=384)
    shared = stand.shared
    admission = Admission(shared.settings, shared.stages, shared.governor, shared.metrics)
    health = make_health_watch(shared, ())
    page = Reports(shared, {}, admission, health, "Calibrated yesterday.").health()
    health.close()
    told = json.loads(page.body)["calibration"]
    assert told["note"] == "Calibrated yesterday."
    assert (told["stt_permits"], told["tts_threads"], told["stt_margin_frames"]) == (2, 2, 384)
    await stand.end()

"""docs/tuning.md, "What can be switched off": all of it off, and a spoken question is answered."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from audio.wavfile import read_wav
from benchmarks.demo import judge, read_demo_questions
from server.client import ask_once
from server.settings import Settings, load_settings, variable_of
from tests.server.running import running_app, settings_in

PAGE = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text()
SWITCHES = {
    name: value if value != "empty" else ""
    for name, value in re.findall(
        r"\| `(PARLEY_\w+)` \| `?(\w+)`? \|", PAGE.split("## What can be switched off")[1]
    )
}
"""Variable to the value that switches it off, as the page's table has them."""


@pytest.fixture
def everything_off(tmp_path: Path, prepared_data_dir: Path) -> Settings:
    """As the variables say; only the folders and the port are the test's."""
    off = load_settings(SWITCHES).settings
    own = settings_in(tmp_path, prepared_data_dir)
    folders = ("data_dir", "models_dir", "hub_cache_dir", "port", "offline")
    return replace(off, speech_speed=2.0, **{name: getattr(own, name) for name in folders})


async def test_with_everything_off_a_spoken_question_is_answered(everything_off: Settings) -> None:
    """Twice the same: the right document, heard and spoken anew, and nothing done ahead."""
    question = read_demo_questions()[0]
    recording = read_wav(question.wav)
    with running_app(everything_off) as server:
        for _ in range(2):
            reply = await ask_once(server.url, recording.samples, recording.rate_hz)
            assert judge(question, reply) == []
            assert set(reply.turn["cache"].values()) == {"miss"}
            assert reply.turn["segments"]["stt_final"] > 1
        stats = json.loads(server.get("/stats")[1])
        health = json.loads(server.get("/health")[1])
    assert stats["stages"]["stt"]["count"] == stats["stages"]["search"]["count"] == 2
    assert (stats["speculations"], stats["partials"], stats["degraded"]) == ({}, {}, [])
    assert "hit_rate_low" not in {alert["name"] for alert in stats["alerts"]}
    assert sum(stage["size_bytes"] for stage in stats["cache"].values()) == 0
    assert not (everything_off.cache_dir).exists()
    assert health["calibration"]["stt_margin_frames"] == 3000


def test_the_table_has_every_switch() -> None:
    """Each changes a setting from how it is, and no setting of the cache and of work ahead that is
    on or off is missing.
    """
    off, usual = load_settings(SWITCHES).settings, Settings()
    changed = {
        item.name
        for item in fields(Settings)
        if getattr(off, item.name) != getattr(usual, item.name)
    }
    assert changed | {"redis_url"} == {
        item.name for item in fields(Settings) if variable_of(item.name) in SWITCHES
    }
    optimisations = {"cache_enabled", "cache_disk", "cache_lease", "speculation", "partials"}
    optimisations |= {"prespeak", "degradation", "admission_by_latency", "endpoint_by_words"}
    assert optimisations | {"biasing", "rewarm_questions"} <= changed

"""docs/tuning.md names settings, alerts and figures that exist."""

import re
from dataclasses import fields
from pathlib import Path

from server.settings import PRESETS, Preset, Settings, variable_of
from server.watching.alerts import AlertName
from server.watching.metrics import Metrics

PAGE = (Path(__file__).parent.parent / "docs" / "tuning.md").read_text()


def test_every_setting_named_exists() -> None:
    """Each PARLEY_ variable of the page is read by server/settings.py."""
    known = {variable_of(item.name) for item in fields(Settings)}
    named = set(re.findall(r"PARLEY_[A-Z_]*[A-Z]", PAGE))
    assert len(named) > 20
    assert named <= known


def test_every_alert_is_explained() -> None:
    """A row, or a place in one, for each."""
    table = PAGE.split("## Alerts")[1].split("## Traces")[0]
    assert {name for name in AlertName if f"`{name}`" in table} == set(AlertName)


def test_the_targets_are_those_of_the_presets() -> None:
    """The three figures that the page gives."""
    for preset in Preset:
        target_ms = PRESETS[preset].get("target_ms", Settings().target_ms)
        assert f"`{preset}` {target_ms}" in PAGE


def test_the_figures_of_stats_are_called_as_it_calls_them() -> None:
    """The keys of `/stats` that come from the metrics and are explained."""
    for key in ("voice_to_voice_ms", "segments", "queues", "loop_lag_ms"):
        assert f"`{key}`" in PAGE
        assert key in Metrics().summary()

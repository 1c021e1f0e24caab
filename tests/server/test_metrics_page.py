"""docs/metrics.md, the dashboard and the Prometheus rules name exactly what the server exports."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, Metric

from audio.pcm import Samples
from models.llm import LlmFault
from server.answering.kept_answers import STAGE as LLM_STAGE
from server.answering.metrics import ANSWERED, LEFT, AnsweredBy, EndpointRole
from server.cache.metrics import Found, Tier, Written
from server.cache.question_vectors import NAME as VECTORS
from server.door.doorkeeper import ADDRESS_LIMIT
from server.errors import AtCapacity, StageBusy, StageFailed, StageTimeout, Unauthorized
from server.governor import Step
from server.hearing.interruption import Interruption
from server.hearing.partials import PartialFate
from server.hearing.speculation import Fate
from server.speaking.ending import Outcome
from server.timeline import Segment
from server.watching.alerts import AlertName
from server.watching.gauges import add_gauges
from server.watching.health_watch import make_health_watch
from server.watching.post import PostResult, Purpose
from server.wyoming.caller import Ending, Work
from tests.server.conftest import MakeStand, Stand

DOCS = Path(__file__).parent.parent.parent / "docs"
OPERATIONS = DOCS / "operations"
STAGES = {"stt", "search", "answer", "tts"}
STAGE_CODES = {StageBusy.code, StageTimeout.code, StageFailed.code}

VALUES: Mapping[str, set[str]] = {
    "alert": set(AlertName),
    "by": set(AnsweredBy),
    "code": {*STAGE_CODES, AtCapacity.code, ADDRESS_LIMIT, Unauthorized.code},
    "end": set(Ending),
    "endpoint": set(EndpointRole),
    "fate": {*Fate, *PartialFate},
    "kind": {*Interruption, "prompt", "completion"},
    "outcome": set(Outcome),
    "purpose": set(Purpose),
    "request": set(Work),
    "result": {*Found, *Written, *PostResult, *LlmFault, ANSWERED, LEFT},
    "segment": {*Segment, *(f"queue_{stage}" for stage in STAGES)},
    "stage": {*STAGES, VECTORS, LLM_STAGE},
    "step": set(Step),
    "tier": set(Tier),
}
"""Every label and all values that it can have."""


def registry_of(stand: Stand) -> CollectorRegistry:
    """The registry as server/app.py fills it."""
    shared = stand.shared
    add_gauges(shared.metrics.registry, lambda: shared.settings, shared.stages, shared.engine_room)
    return shared.metrics.registry


def families(registry: CollectorRegistry) -> Iterator[tuple[Metric, tuple[str, ...]]]:
    """Each family and its label names, as they were declared."""
    for collector in list(registry._collector_to_names):
        for family in collector.describe():  # type: ignore[attr-defined]
            yield family, tuple(collector._labelnames)  # type: ignore[attr-defined]


def rows(registry: CollectorRegistry) -> list[str]:
    """The rows of the page's first table."""
    return sorted(
        f"| `{family.name}{'_total' * (family.type == 'counter')}` | {family.type} | "
        f"{', '.join(f'`{label}`' for label in labels) or 'none'} | {family.documentation} |"
        for family, labels in families(registry)
    )


def exported_names(registry: CollectorRegistry) -> set[str]:
    endings = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
    return {f"{f.name}{ending}" for f, _ in families(registry) for ending in endings[f.type]}


async def test_the_page_lists_every_series_and_label(make_stand: MakeStand) -> None:
    """Name, type, labels and meaning, as the registry has them; nothing else."""
    stand = make_stand()
    written = (DOCS / "metrics.md").read_text().splitlines()
    found = sorted(line for line in written if line.startswith("| `parley_"))
    assert found == rows(registry_of(stand))
    await stand.end()


def test_the_page_lists_every_value_of_every_label() -> None:
    """The second table: a label's values are a closed set."""
    expected = {
        f"| `{label}` | {', '.join(f'`{value}`' for value in sorted(values))} |"
        for label, values in VALUES.items()
    }
    written = (DOCS / "metrics.md").read_text().splitlines()
    found = {line for line in written if re.match(r"\| `(?!parley_)\w+` \|", line)}
    assert found == expected


async def test_a_session_exports_no_other_label_value(
    make_stand: MakeStand, spoken: Samples
) -> None:
    """After spoken turns, whole and failed: every label that is exported is on the page."""
    stand = make_stand(speculation=True)
    registry = registry_of(stand)
    watch = make_health_watch(stand.shared, ())
    stand.say(spoken)
    await stand.wire.wait_for("parley.turn")
    stand.synthesizer.error = ValueError("broken")
    stand.recognizer.text = "what does the parking cost"
    stand.say(spoken[::-1])
    stand.say(spoken)
    await stand.wire.wait_for("parley.turn", 2)
    await stand.end()
    watch.close()
    seen = {
        (label, value)
        for family in registry.collect()
        for sample in family.samples
        for label, value in sample.labels.items()
        if label != "le"
    }
    assert {("outcome", "answered"), ("stage", "tts"), ("segment", "send")} <= seen
    assert {(label, value) for label, value in seen if value not in VALUES[label]} == set()


def expressions_of_dashboard() -> list[str]:
    dashboard = json.loads((OPERATIONS / "grafana.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load((OPERATIONS / "prometheus-rules.yml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def without_recorded(expression: str) -> str:
    return re.sub(r"parley:[\w:]+", "", expression)


@pytest.mark.parametrize("source", ["dashboard", "rules"])
async def test_dashboard_and_rules_name_only_what_is_exported(
    make_stand: MakeStand, source: str
) -> None:
    """Each series exists and each label value asked for can occur; brackets are balanced."""
    stand = make_stand()
    known = exported_names(registry_of(stand))
    await stand.end()
    found = expressions_of_dashboard() if source == "dashboard" else [r["expr"] for r in rules()]
    assert len(found) >= 6
    for expression in found:
        named = set(re.findall(r"parley_\w+", without_recorded(expression)))
        assert named <= known, expression
        assert named or "parley:" in expression or expression.startswith("up")
        assert all(expression.count(a) == expression.count(b) for a, b in ("()", "{}", "[]"))
        for label, value in re.findall(r'(\w+)="([^"$]+)"', expression):
            assert label == "job" or value in VALUES[label], expression


def test_the_rules_are_of_the_form_that_prometheus_loads() -> None:
    """Groups with names; a rule records or alerts; alerts say since when, how grave and what."""
    loaded = yaml.safe_load((OPERATIONS / "prometheus-rules.yml").read_text())
    assert set(loaded) == {"groups"}
    assert all(set(group) <= {"name", "interval", "rules"} for group in loaded["groups"])
    for rule in rules():
        assert ("record" in rule) != ("alert" in rule)
        allowed = {"record", "expr", "labels"} if "record" in rule else set(rule)
        assert set(rule) <= allowed | {"alert", "expr", "for", "labels", "annotations"}
        if "alert" in rule:
            assert re.fullmatch(r"\d+[smh]", rule["for"])
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["summary"]
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    used = {name for rule in rules() for name in re.findall(r"parley:[\w:]+", rule["expr"])}
    assert used <= recorded


def test_the_dashboard_is_of_the_form_that_grafana_imports() -> None:
    """Panels with unique ids on a grid of 24, each with a data source chosen at the import."""
    dashboard = json.loads((OPERATIONS / "grafana.json").read_text())
    assert {"title", "panels", "schemaVersion", "time", "templating", "__inputs"} <= set(dashboard)
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["datasource"] == {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}

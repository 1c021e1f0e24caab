"""Alert rules: raised when a figure stays beyond its limit, cleared when it stays well within.

Pure: figures are read by the rules, times are arguments. server/watching/health_watch.py asks
it to judge and tells what changed.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

HOLD_S: Final = 10.0
"""A figure must be beyond its limit, or within, for so long: one look is no trend."""


class AlertName(StrEnum):
    """Every alert there is: the values of the label `alert` of `parley_alert`.

    A part that has a figure of its own adds its name here and its rule with `AlertBook.add`.
    """

    LATENCY_OVER_TARGET = "latency_over_target"
    HIT_RATE_LOW = "hit_rate_low"
    QUEUE_FULL = "queue_full"
    MEMORY_HIGH = "memory_high"
    LOOP_LAG_HIGH = "loop_lag_high"
    INDEX_IMPAIRED = "index_impaired"
    BREAKER_OPEN = "breaker_open"
    LLM_UNAVAILABLE = "llm_unavailable"


@dataclass(frozen=True, slots=True)
class Rule:
    """When an alert is raised and when it is over; high figures are bad unless said otherwise."""

    name: AlertName
    read: Callable[[], float | None]
    """The figure now, at once and without raising; None while there is too little to judge by,
    which counts as within."""
    raised_at: float
    cleared_at: float
    """Between the two nothing changes; it is on the good side of `raised_at`."""
    unit: str
    is_low_bad: bool = False
    hold_s: float = HOLD_S

    def __post_init__(self) -> None:
        gap = self.cleared_at - self.raised_at
        if (gap if self.is_low_bad else -gap) <= 0:
            raise ValueError(f"{self.name}: cleared_at must be better than raised_at")

    def is_beyond(self, value: float | None) -> bool:
        """Tell whether the alert is to be raised."""
        if value is None:
            return False
        return value <= self.raised_at if self.is_low_bad else value >= self.raised_at

    def is_within(self, value: float | None) -> bool:
        """Tell whether the alert is to be cleared."""
        if value is None:
            return True
        return value >= self.cleared_at if self.is_low_bad else value <= self.cleared_at


@dataclass(frozen=True, slots=True)
class Change:
    """An alert that was raised or cleared just now."""

    name: AlertName
    is_raised: bool
    value: float | None
    limit: float
    unit: str

    def plain(self) -> dict[str, object]:
        """Return it for JSON."""
        told = asdict(self) | {"state": "raised" if self.is_raised else "cleared"}
        del told["is_raised"]
        return told


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that is raised now, as `/stats` tells it."""

    name: AlertName
    value: float | None
    limit: float
    unit: str
    raised_s: float
    """For how long."""


@dataclass(slots=True)
class _Standing:
    rule: Rule
    is_raised: bool = False
    changed_at_s: float = 0.0
    contrary_since_s: float | None = None
    value: float | None = None


@dataclass(slots=True)
class AlertBook:
    """All rules and how each stands. For one event loop, without locks."""

    _standings: dict[AlertName, _Standing] = field(default_factory=dict)

    def add(self, rule: Rule) -> None:
        """Judge by that rule too. Raises ValueError when its name is taken."""
        if rule.name in self._standings:
            raise ValueError(f"there is a rule {rule.name} already")
        self._standings[rule.name] = _Standing(rule)

    def replace(self, rule: Rule) -> None:
        """Judge by that rule instead of the one of its name; what is raised stays so until then."""
        self._standings[rule.name].rule = rule

    @property
    def names(self) -> tuple[AlertName, ...]:
        """The alerts that have a rule."""
        return tuple(self._standings)

    def judge(self, now_s: float) -> list[Change]:
        """Read every figure and return what is raised or cleared by it, on monotonic seconds."""
        found = (_judge(standing, now_s) for standing in self._standings.values())
        return [change for change in found if change is not None]

    def raised(self, now_s: float) -> list[Alert]:
        """Return what is raised now, with the figures of the last judgement."""
        return [
            Alert(
                name,
                standing.value,
                standing.rule.raised_at,
                standing.rule.unit,
                round(now_s - standing.changed_at_s, 1),
            )
            for name, standing in self._standings.items()
            if standing.is_raised
        ]


def _judge(standing: _Standing, now_s: float) -> Change | None:
    rule = standing.rule
    value = rule.read()
    standing.value = None if value is None else round(value, 3)
    is_contrary = rule.is_within(value) if standing.is_raised else rule.is_beyond(value)
    if not is_contrary:
        standing.contrary_since_s = None
        return None
    if standing.contrary_since_s is None:
        standing.contrary_since_s = now_s
    if now_s - standing.contrary_since_s < rule.hold_s:
        return None
    standing.is_raised = not standing.is_raised
    standing.changed_at_s, standing.contrary_since_s = now_s, None
    return Change(rule.name, standing.is_raised, standing.value, rule.raised_at, rule.unit)

"""The settings in effect now, and which of them may change while the process runs.

It reads no file and touches no part of the server: server/configuration/reloader.py does.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Final

from server.configuration.contradictions import contradictions
from server.settings import Settings, SettingsError, variable_of


class Effect(StrEnum):
    """When a changed setting takes effect."""

    NOW = "now"
    NEW_SESSIONS = "new_sessions"
    """A session keeps the settings that it began with, all of them."""
    RESTART = "restart"


APPLIED_NOW: Final = frozenset(
    {
        "token", "origins", "trusted_proxies", "address_connections", "address_new_a_minute",
        "log_level", "search_permits", "answer_permits", "tts_permits", "core_permits",
        "stage_queue_limit", "target_ms", "degradation", "cache_bytes", "cache_ttl_s",
        "cache_disk_bytes", "prespeak_documents", "rewarm_questions",
        "sessions_maximum", "admission_by_latency", "memory_maximum_mb", "drain_timeout_s",
    }
)  # fmt: skip
FOR_NEW_SESSIONS: Final = frozenset(
    {
        "session_messages_a_second", "session_bytes_a_second", "speech_speed", "vad_onset",
        "vad_release", "endpoint_silence_ms", "endpoint_by_words", "endpoint_shortest_ms",
        "endpoint_longest_ms", "endpoint_prefix_ms", "utterance_maximum_s", "ahead_maximum_s",
        "speculation", "partials", "partial_every_ms", "turn_timeout_s", "lead_ms",
        "answer_maximum_characters", "search_hits", "idle_timeout_s", "send_timeout_s",
    }
)  # fmt: skip
"""Every other setting is built into what was made at the start, and waits for the next one."""


def effect_of(name: str) -> Effect:
    """Return when a change of that field takes effect."""
    if name in APPLIED_NOW:
        return Effect.NOW
    return Effect.NEW_SESSIONS if name in FOR_NEW_SESSIONS else Effect.RESTART


@dataclass(frozen=True, slots=True)
class Changes:
    """What a new reading of the settings changes; names are those of the variables."""

    now: tuple[str, ...] = ()
    new_sessions: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    """Set otherwise than what is in effect, and not put into effect."""

    @property
    def are_any(self) -> bool:
        """Whether anything took effect."""
        return bool(self.now or self.new_sessions)


Apply = Callable[[Settings], None]


@dataclass(slots=True)
class LiveSettings:
    """The settings in effect. `current` is replaced as a whole, between two events of the loop."""

    current: Settings
    appliers: list[Apply] = field(default_factory=list)
    """Called with the new settings; they assign, and so cannot fail half-way."""

    def plan(self, wanted: Settings) -> tuple[Settings, Changes]:
        """Return what would be in effect: what may change as wanted, all else as it is.

        Raises SettingsError when old and new would contradict each other: an address that stays
        open while its token goes, for one. Nothing has changed then.
        """
        changed = [
            name for name in _names() if getattr(wanted, name) != getattr(self.current, name)
        ]
        live = [name for name in changed if effect_of(name) is not Effect.RESTART]
        effective = replace(self.current, **{name: getattr(wanted, name) for name in live})
        if problems := contradictions(asdict(effective)):
            told = "(with what only a restart changes)"
            raise SettingsError([f"{problem} {told}" for problem in problems])
        return effective, Changes(*(_variables(changed, effect) for effect in Effect))

    def put(self, effective: Settings) -> None:
        """Put planned settings into effect."""
        self.current = effective
        for apply in self.appliers:
            apply(effective)


def _names() -> list[str]:
    return [item.name for item in fields(Settings)]


def _variables(names: Sequence[str], effect: Effect) -> tuple[str, ...]:
    return tuple(variable_of(name) for name in names if effect_of(name) is effect)

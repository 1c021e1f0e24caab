"""Sums up the rounds of Parley and its peer by the same rules; it measures nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from benchmarks.load_session import Exchange, with_ends
from benchmarks.results import percentiles


@dataclass(frozen=True, slots=True)
class Round:
    """What one side did in one round. Times are of the monotonic clock, in seconds."""

    asked: tuple[tuple[Exchange, ...], ...]
    """One tuple a session."""
    end_s: float
    wall_s: float
    cpu_s: float
    """Of all processes of that side, user and system, with the streaming of all sessions."""
    others_s: float
    """Of all other programs but the client: more than a trifle, and the machine was not quiet."""
    memory_mb: float
    refused: int = 0
    lost: int = 0
    client_late_ms: float = 0.0


def is_early(asked: Exchange) -> bool:
    """Whether its answer was heard before the question had ended, and stood."""
    heard_at_s = asked.playback.audible_at_s
    return heard_at_s is not None and heard_at_s < asked.speech_ends_at_s


def heard_at_s(asked: Exchange) -> float | None:
    """Return when an answer that began after the question was first heard, or None.

    It counts though a later turn took its place: a side may begin its answer anew.
    """
    times_s = (each.audible_at_s for each in (*asked.dropped, asked.playback))
    after_s = [at_s for at_s in times_s if at_s is not None and at_s >= asked.speech_ends_at_s]
    return min(after_s, default=None)


def side_figures(name: str, sessions: int, rounds: Sequence[Round]) -> dict[str, Any]:
    """Return one side's figures of all its rounds with that many sessions.

    A question without a sound counts with the time waited in vain; one that was talked over is
    `early` and in no percentile, where its negative time would look fast.
    """
    exchanges = [asked for each in rounds for session in each.asked for asked in session]
    waits = [wait for each in rounds for session in each.asked for wait in _waits(session, each)]
    sounds = [each for asked in exchanges for each in (*asked.dropped, asked.playback)]
    unheard = [asked for asked in exchanges if heard_at_s(asked) is None]
    cpu_s = sum(each.cpu_s for each in rounds)
    wall_s = max(1e-9, sum(each.wall_s for each in rounds))
    return {
        "name": name,
        "sessions": sessions,
        "rounds": len(rounds),
        "questions": len(exchanges),
        "voice_to_voice_ms": percentiles(waits),
        "refused": sum(each.refused for each in rounds),
        "lost": sum(each.lost for each in rounds),
        "unanswered": sum(not is_early(asked) for asked in unheard),
        "early": sum(map(is_early, exchanges)),
        "cut_in_two": sum(len(asked.commits_at_s) > 1 for asked in exchanges),
        "longest_gap_ms": round(max((each.longest_gap_ms for each in sounds), default=0), 1),
        "cpu_s": round(cpu_s, 1),
        "cpu_s_per_question": round(cpu_s / max(1, len(exchanges)), 2),
        "cores": round(cpu_s / wall_s, 2),
        "others_cores": round(sum(each.others_s for each in rounds) / wall_s, 2),
        "memory_mb": round(mean(each.memory_mb for each in rounds)),
        "client_late_ms_max": round(max(each.client_late_ms for each in rounds), 1),
    }


def _waits(session: Sequence[Exchange], one: Round) -> Iterable[float]:
    for asked, until_s in with_ends(session, one.end_s):
        at_s = heard_at_s(asked)
        if not is_early(asked):
            yield ((until_s if at_s is None else at_s) - asked.speech_ends_at_s) * 1000


def ratios(runs: Sequence[dict[str, Any]], ours: str) -> list[dict[str, Any]]:
    """Return how many times as long each other side takes as ours, with as many sessions."""
    of_ours = {run["sessions"]: run["voice_to_voice_ms"] for run in runs if run["name"] == ours}
    return [
        {"name": run["name"], "sessions": run["sessions"]}
        | {key: _ratio(run["voice_to_voice_ms"], of_ours[run["sessions"]], key) for key in KEYS}
        for run in runs
        if run["name"] != ours and run["sessions"] in of_ours
    ]


KEYS = ("p50", "p95")


def _ratio(theirs: dict[str, float], ours: dict[str, float], key: str) -> float | None:
    """None where either side has no figure."""
    if not theirs["count"] or not ours["count"]:
        return None
    return round(theirs[key] / ours[key], 2)

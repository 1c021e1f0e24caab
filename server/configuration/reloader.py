"""Reads the settings anew at SIGHUP, or when their file has changed, and says what came of it.

Everything is checked before anything changes: a mistake leaves all as it was. It runs until it is
cancelled; what blocks is done in a thread.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from server.configuration.live import Changes, LiveSettings
from server.door.tls import Tls
from server.errors import StartError
from server.settings import Settings, SettingsError

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
"""From one look at the file to the next; a file is read once it has stood still between two."""

Stamp = tuple[int, int, int] | None


NOTHING: Final = Changes()


class Outcome(StrEnum):
    """What became of one reading."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    """There were mistakes, and nothing has changed."""


@dataclass(frozen=True, slots=True)
class Reload:
    """The last reading, for /stats. Problems name settings and hold no secret."""

    outcome: Outcome
    at_unix_s: int
    changes: Changes = NOTHING
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class Reloader:
    """Keeps a server's settings as they are written. For one event loop."""

    live: LiveSettings
    load: Callable[[], Settings] | None = None
    """Reads and checks the settings as the start did; raises StartError with all mistakes."""
    tls: Tls | None = None
    look_s: float = LOOK_S
    count: int = 0
    last: Reload | None = None
    looks: int = 0
    """At the file, since the start."""
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        """Have it read anew; for a signal handler on the loop."""
        self._asked.set()

    async def run(self) -> None:
        """Read when asked to and when the file has changed, until cancelled."""
        read_as = await asyncio.to_thread(self._stamp)
        seen_as = read_as
        while True:
            is_asked = await self._is_asked_within(self.look_s)
            stamp = await asyncio.to_thread(self._stamp)
            stands_still, seen_as = stamp == seen_as, stamp
            self.looks += 1
            if is_asked or (stands_still and stamp != read_as):
                read_as = stamp
                await self.reload()

    async def reload(self) -> None:
        """Read, check everything, then put it into effect; say what changed, or every mistake."""
        self.count += 1
        try:
            wanted = self.live.current
            if self.load is not None:
                wanted = await asyncio.to_thread(self.load)
            effective, changes = self.live.plan(wanted)
            # Last, for it changes something when it succeeds and nothing when it does not.
            if self.tls is not None:
                await asyncio.to_thread(self.tls.reload)
        except StartError as error:
            problems = tuple(error.problems) if isinstance(error, SettingsError) else (str(error),)
            self._tell(Outcome.REFUSED, problems=problems)
            return
        self.live.put(effective)
        self._tell(Outcome.APPLIED if changes.are_any else Outcome.UNCHANGED, changes)

    def plain(self) -> dict[str, object]:
        """Return what /stats tells."""
        last = self.last
        if last is None:
            return {"reloads": self.count}
        return {
            "reloads": self.count,
            "outcome": str(last.outcome),
            "at_unix_s": last.at_unix_s,
            "changed_now": list(last.changes.now),
            "changed_for_new_sessions": list(last.changes.new_sessions),
            "waiting_for_restart": list(last.changes.restart),
            "problems": list(last.problems),
        }

    async def _is_asked_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._asked.wait(), seconds)
        except TimeoutError:
            return False
        self._asked.clear()
        return True

    def _stamp(self) -> Stamp:
        """What tells one version of the file from another; None without a file."""
        name = self.live.current.settings_file
        if not name:
            return None
        try:
            found = Path(name).expanduser().stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _tell(
        self, outcome: Outcome, changes: Changes = NOTHING, problems: tuple[str, ...] = ()
    ) -> None:
        self.last = Reload(outcome, round(time.time()), changes, problems)
        if outcome is Outcome.REFUSED:
            log.error("settings: nothing has changed: %s", "; ".join(problems))
            return
        log.warning(
            "settings read anew: now %s; for new sessions %s; after a restart %s",
            *(
                ", ".join(names) or "none"
                for names in (changes.now, changes.new_sessions, changes.restart)
            ),
        )

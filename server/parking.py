"""Keeps what is left of sessions whose connection was lost, until their client comes back.

By a token that only that client was told, for two minutes, bounded in number and bytes. It opens no
session: server/session.py goes on from what it is given.
"""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed

from server.answering.conversation import EMPTY, Window
from server.answering.conversation_store import ConversationStore
from server.errors import Gone, InvalidEvent, Replaced, TooSlow
from server.items import Items
from server.question import Question
from server.speaking.response import Wish
from server.speaking.unheard import CutAnswer
from server.wire.session_config import SessionConfig

DONE = 1000
"""The code with which a client closes a conversation that is over."""
KEPT_S = 120.0
MOST_KEPT = 64
MOST_BYTES = 32 * 1024 * 1024
"""Of unheard sound and unanswered questions: the oldest go first."""
TAKEOVER_S = 2.0
"""A client may come back before its lost connection was noticed: that one is then ended."""
BYTES_A_SESSION = 64 * 1024
"""What is counted for the words of its items."""


@dataclass(frozen=True, slots=True)
class Parked:
    """One session between two connections."""

    path: str
    config: SessionConfig
    items: Items
    left: CutAnswer | Question | None
    """An answer that was not heard to its end, or a question that was not answered."""

    @property
    def size_bytes(self) -> int:
        """What keeping it costs."""
        if isinstance(self.left, CutAnswer):
            return BYTES_A_SESSION + self.left.size_bytes
        samples = None if self.left is None else self.left.samples
        return BYTES_A_SESSION + (0 if samples is None else samples.nbytes)

    def question(self, config: SessionConfig, heard: tuple[str, int] | None) -> Question | None:
        """Return what is to be said or asked now; `heard` is an item and its milliseconds heard,
        by the client's own word.
        """
        if not isinstance(self.left, CutAnswer):
            return self.left
        heard_ms = heard[1] if heard is not None and heard[0] == self.left.item_id else None
        rest = self.left.unheard(heard_ms)
        if rest is None:
            return None
        return Question(self.left.item_id, time.monotonic(), Wish(config), rest=rest)


@dataclass(slots=True)
class Place:
    """What one connection's session begins with, and what it leaves when it is lost."""

    token: str = ""
    """By which the client comes back; "" where nothing is kept."""
    parked: Parked | None = None
    heard: tuple[str, int] | None = None
    """Of a resumed answer's item what the client has heard, in milliseconds, by its own word."""
    is_too_late: bool = False
    """Whether it asked for a session that is not kept any more."""
    is_wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client came back by another connection, and this one is to end."""
    left: Callable[[], Parked] | None = None
    """What is to be kept of the session."""
    path: str = ""
    window: Window = EMPTY
    """The conversation alone, of a session that another server had."""
    store: ConversationStore | None = None
    """Where other servers find the conversation; None where there is no Redis."""

    def describe(self) -> dict[str, object] | None:
        """Return what the client is told: how it may come back, and whether it did."""
        if not self.token:
            return None
        is_resumed = self.parked is not None or bool(self.window.exchanges)
        return {"token": self.token, "seconds": int(KEPT_S), "is_resumed": is_resumed}

    async def remember(self, window: Window) -> None:
        """Let other servers go on with the conversation, should this one be gone."""
        if self.store is not None and self.token:
            await self.store.save(_secret(self.path, self.token), window)

    def check(self) -> None:
        """Raises InvalidEvent when the client asked for what is not kept any more."""
        if self.is_too_late:
            raise InvalidEvent(
                f"There is no session to resume: it is kept for {KEPT_S:.0f} s, once.",
                "resume",
                code="session_not_found",
            )

    def question(self, config: SessionConfig) -> Question | None:
        """Return what is left to be said or asked."""
        return None if self.parked is None else self.parked.question(config, self.heard)


@dataclass(slots=True)
class Parking:
    """For one event loop, without locks. The clock can be replaced."""

    now_s: Callable[[], float] = time.monotonic
    store: ConversationStore | None = None
    """Shared with other servers; None where there is no Redis."""
    _kept: OrderedDict[str, tuple[float, Parked]] = field(default_factory=OrderedDict)
    """By the digest of the token: until when, and what."""
    _live: dict[str, Place] = field(default_factory=dict)
    """Who has the token now."""
    _awaited: dict[str, "asyncio.Future[None]"] = field(default_factory=dict)

    @asynccontextmanager
    async def place(
        self, request_path: str, close_code: Callable[[], int | None]
    ) -> AsyncIterator[Place]:
        """Give a session its place, what it resumes in it, and keep what it leaves.

        It leaves something when its connection was lost, not when the client closed it with 1000.
        """
        place = await self._place_for(request_path)
        self.issue(place)
        is_lost = False
        try:
            yield place
            is_lost = close_code() != DONE
        except (Gone, TooSlow, Replaced, ConnectionClosed):
            is_lost = True
            raise
        finally:
            parked = place.left() if is_lost and place.left else None
            self.park(place.token, parked)
            if parked is not None:
                await place.remember(parked.items.conversation.window())
            elif self.store is not None:
                await self.store.drop(_secret(place.path, place.token))

    async def _place_for(self, request_path: str) -> Place:
        address = urlsplit(request_path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        path, token = address.path, query.get("resume")
        if token is None:
            return Place(path=path, store=self.store)
        parked, window = await self.claim(token, path), EMPTY
        if self.store is not None:
            window = await self.store.load(_secret(path, token)) or EMPTY
            await self.store.drop(_secret(path, token))
        heard_ms = query.get("audio_end_ms", "")
        is_told = "item_id" in query and heard_ms.isascii() and heard_ms.isdecimal()
        heard = (query["item_id"], int(heard_ms[:9])) if is_told else None
        is_too_late = parked is None and not window.exchanges
        return Place(
            parked=parked,
            heard=heard,
            is_too_late=is_too_late,
            path=path,
            window=window,
            store=self.store,
        )

    def issue(self, place: Place) -> str:
        """Give a session that begins its token, and return it."""
        place.token = secrets.token_urlsafe(24)
        self._live[_digest(place.token)] = place
        return place.token

    def park(self, token: str, parked: Parked | None) -> None:
        """Keep what is left of a session that ended; None when there is nothing to come back to."""
        name = _digest(token)
        self._live.pop(name, None)
        if parked is not None:
            self._kept[name] = (self.now_s() + KEPT_S, parked)
            asyncio.get_running_loop().call_later(KEPT_S, self._forget_old)
        self._make_room()
        if (awaited := self._awaited.pop(name, None)) is not None and not awaited.done():
            awaited.set_result(None)

    async def claim(self, token: str, path: str) -> Parked | None:
        """Return what is left of the token's session, once; None when it is too late for it."""
        name = _digest(token)
        if (place := self._live.get(name)) is not None:
            awaited = self._awaited.setdefault(name, asyncio.get_running_loop().create_future())
            place.is_wanted.set()
            await asyncio.wait([awaited], timeout=TAKEOVER_S)
        self._forget_old()
        _, parked = self._kept.pop(name, (0.0, None))
        return parked if parked is not None and parked.path == path else None

    @property
    def size_bytes(self) -> int:
        """Of all that is kept."""
        return sum(parked.size_bytes for _, parked in self._kept.values())

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def _make_room(self) -> None:
        self._forget_old()
        while self._kept and (len(self._kept) > MOST_KEPT or self.size_bytes > MOST_BYTES):
            self._kept.popitem(last=False)

    def _forget_old(self) -> None:
        now_s = self.now_s()
        while self._kept and next(iter(self._kept.values()))[0] <= now_s:
            self._kept.popitem(last=False)


def _digest(token: str) -> str:
    """The token itself is kept nowhere, and finding it takes as long whatever it begins with."""
    return hashlib.sha256(token.encode()).hexdigest()


def _secret(path: str, token: str) -> str:
    """A token counts on its own path only."""
    return f"{path} {token}"

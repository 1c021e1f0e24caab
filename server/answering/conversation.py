"""What was asked and heard lately in one session: a sliding window, bounded in number and bytes.

Of an answer it has what was heard, as server/items.py knows it. It finds and answers nothing, and
keeps nothing beyond the session: server/answering/conversation_store.py does.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from rag.answer import Answer
from rag.follow_up import leans_on_earlier
from server.cache.canonical import canonical_question
from server.wall_clock import SteadyClock

WINDOW_BYTES: Final = 32 << 10
"""Of questions and answers as UTF-8; the oldest go first. 20 messages mostly have 4 KiB."""
LONGEST_SUBJECT_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Subject:
    """What a follow-up question leans on."""

    question: str
    """Canonical: the last question that stood alone, and the one that followed it, if any."""
    document: str
    """That answered the last question; "" when none did."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and what was heard of its answer."""

    question: str
    answer: str
    root: str
    """The last question that stood alone: this one, or the one that it leaned on."""
    document: str
    """Of the first source, "" when the answer had none."""
    passage_id: int
    """The same; 0 for none."""
    at_s: float
    """When the answer began, in seconds of the wall clock."""
    item_ids: tuple[str, str] = ("", "")
    """Of the question's and the answer's item, in the session that has them."""

    @property
    def subject(self) -> Subject:
        """What the next question may lean on."""
        own = canonical_question(self.question)
        root = canonical_question(self.root)
        joined = own if own == root else f"{root.rstrip('?')} {own}"
        return Subject(joined[:LONGEST_SUBJECT_CHARACTERS], self.document)

    @property
    def size_bytes(self) -> int:
        """As the window counts it."""
        return len(self.question.encode()) + len(self.answer.encode())


def exchange_of(
    question: str, answer: Answer, root: str, item_ids: tuple[str, str] = ("", "")
) -> Exchange:
    """Return the exchange as its answer begins."""
    first = answer.sources[0] if answer.sources else None
    document, passage_id = ("", 0) if first is None else (first.document, first.passage_id)
    return Exchange(question, answer.text, root, document, passage_id, 0.0, item_ids)


@dataclass(frozen=True, slots=True)
class Window:
    """The conversation as one turn sees it, oldest first."""

    exchanges: tuple[Exchange, ...] = ()

    def subject_of(self, readings: Sequence[str]) -> Subject | None:
        """What the question leans on; None for one that stands alone in any of its readings."""
        if not self.exchanges or not all(map(leans_on_earlier, readings)):
            return None
        return self.exchanges[-1].subject

    @property
    def last_passage_id(self) -> int:
        """Of the first source of the last answer; 0 for none."""
        return self.exchanges[-1].passage_id if self.exchanges else 0

    def root_of(self, question: str, *, is_following: bool) -> str:
        """What a question after this one may lean on, beside it."""
        return self.exchanges[-1].root if is_following and self.exchanges else question


EMPTY: Final = Window()


@dataclass(frozen=True, slots=True)
class ConversationLimits:
    """How much of a conversation is kept."""

    messages: int = 20
    """Questions and answers together; 0 keeps none."""
    ttl_s: float = 86_400.0
    bytes: int = WINDOW_BYTES


@dataclass(frozen=True, slots=True)
class _Kept:
    exchange: Exchange
    heard: Callable[[], str]
    """What was heard of the answer by now."""


@dataclass(slots=True)
class Conversation:
    """One session's. For one event loop, without locks. `clock` is seconds of the wall clock."""

    limits: ConversationLimits = field(default_factory=ConversationLimits)
    clock: Callable[[], float] = field(default_factory=SteadyClock)
    _kept: deque[_Kept] = field(default_factory=deque)

    def add(self, exchange: Exchange, heard: Callable[[], str]) -> None:
        """An answer begins; `heard` tells what was heard of it, whenever it is asked."""
        self._kept.append(_Kept(replace(exchange, at_s=self.clock()), heard))
        while 2 * len(self._kept) > self.limits.messages:
            self._kept.popleft()

    def window(self) -> Window:
        """Return what counts now: the last exchanges that are neither too old nor too large."""
        oldest_s = self.clock() - self.limits.ttl_s
        size_bytes = 0
        fitting: list[Exchange] = []
        for kept in reversed(self._kept):
            exchange = replace(kept.exchange, answer=kept.heard())
            size_bytes += exchange.size_bytes
            if exchange.at_s < oldest_s or size_bytes > self.limits.bytes:
                break
            fitting.append(exchange)
        return Window(tuple(reversed(fitting)))

    def resume(self, window: Window) -> None:
        """Go on from what another session, or another server, has kept."""
        self._kept = deque(_Kept(each, partial(str, each.answer)) for each in window.exchanges)

    def forget(self, item_id: str) -> None:
        """The client deleted an item: its exchange does not count any more."""
        self._kept = deque(each for each in self._kept if item_id not in each.exchange.item_ids)

"""The conversations that Wyoming clients carry on over many connections, by the id they send along.

So that a follow-up ("and on Sundays?") leans on what was asked before. It answers nothing.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from server.answering.conversation import Conversation
from server.session_settings import conversation_of
from server.settings import Settings

KEPT: Final = 64
"""The longest unused goes; each is bounded by its own limits."""


@dataclass(slots=True)
class Conversations:
    """For one event loop, without locks."""

    settings: Settings
    _kept: OrderedDict[str, Conversation] = field(default_factory=OrderedDict)

    def of(self, conversation_id: str) -> Conversation:
        """Return the one of that id, a new one when it is not known; "" is never known."""
        conversation = self._kept.pop(conversation_id, None) or conversation_of(self.settings)
        if conversation_id:
            self._kept[conversation_id] = conversation
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return conversation

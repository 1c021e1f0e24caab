"""What the documents speak of, as things that a stranger might ask about. It answers nothing."""

from rag.store import Store
from rag.store_writes import HEADING_SEPARATOR

DOCUMENTS_LOOKED_AT = 24
"""The newest: the look-up stays short whatever the store holds."""
TOPIC_CHARACTERS = (3, 40)

_HEADINGS = """
SELECT passages.heading, passages.body
FROM (SELECT id FROM documents ORDER BY id DESC LIMIT ?) AS newest
JOIN passages ON passages.id = (
    SELECT min(id) FROM passages WHERE document_id = newest.id AND heading NOT IN ('', title)
) ORDER BY newest.id DESC
"""


def topics(store: Store, limit: int) -> tuple[str, ...]:
    """Return the first heading of each of the newest documents, as it stands within a sentence."""
    with store.reading() as connection:
        rows = connection.execute(_HEADINGS, (DOCUMENTS_LOOKED_AT,)).fetchall()
    named = [
        _within_a_sentence(heading.split(HEADING_SEPARATOR)[-1], body) for heading, body in rows
    ]
    least, most = TOPIC_CHARACTERS
    return tuple(dict.fromkeys(topic for topic in named if least <= len(topic) <= most))[:limit]


def _within_a_sentence(heading: str, body: str) -> str:
    """Without the capital that only the heading gave it: a name keeps its own in the text too."""
    first, *_ = heading.split() or [""]
    is_name = first.lower() not in body.split() and first in body.split()
    return heading if is_name or not first[1:].islower() else heading[:1].lower() + heading[1:]

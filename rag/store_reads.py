"""Looks passages up by words, by filter and by neighbourhood. It opens and changes nothing."""

import json
import sqlite3
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rag.filter import Filter

TITLE_WEIGHT, HEADING_WEIGHT, BODY_WEIGHT = 0.3, 2.0, 1.0
"""FTS5 bm25 column weights: a title is on every passage of its document, a heading on few."""

NEIGHBOUR_IDS = 1_000
"""How far apart the ids of neighbours may be. A look-up so stays short in a document of 100,000
passages; a passage that was changed long after its neighbour goes without context."""


def matching_passages(
    connection: sqlite3.Connection, query: str, limit: int, narrowing: Filter
) -> list[int]:
    """Passage ids by weighted bm25, best first; the filter is checked before a row is ranked."""
    condition, parameters = "", ()  # type: tuple[str, tuple[str | int, ...]]
    if not narrowing.is_open:
        clause, parameters = narrowing.condition()
        condition = (
            "AND EXISTS (SELECT 1 FROM passages JOIN documents ON documents.id = document_id "
            f"WHERE passages.id = passage_words.rowid AND {clause}) "
        )
    rows = connection.execute(
        f"SELECT rowid FROM passage_words WHERE passage_words MATCH ? {condition}"
        f"ORDER BY bm25(passage_words, {TITLE_WEIGHT}, {HEADING_WEIGHT}, {BODY_WEIGHT}), rowid "
        "LIMIT ?",
        (query, *parameters, limit),
    )
    return [row[0] for row in rows]


def passages_within(connection: sqlite3.Connection, narrowing: Filter) -> NDArray[np.int64]:
    """The ids of all passages that the filter lets through, ascending."""
    clause, parameters = narrowing.condition()
    rows = connection.execute(
        "SELECT passages.id FROM documents JOIN passages ON document_id = documents.id "
        f"WHERE {clause} ORDER BY passages.id",
        parameters,
    )
    return np.fromiter((row[0] for row in rows), np.int64)


def neighbour_ids(
    connection: sqlite3.Connection, passage_ids: Iterable[int], step: int
) -> dict[int, int]:
    """For each passage the id of the one `step` positions on, under the same headings."""
    rows = connection.execute(
        "SELECT here.id, other.id FROM passages AS here JOIN passages AS other "
        "ON other.document_id = here.document_id AND other.position = here.position + ? "
        "AND other.heading = here.heading AND other.id BETWEEN here.id - ? AND here.id + ? "
        "WHERE here.id IN (SELECT value FROM json_each(?))",
        (step, NEIGHBOUR_IDS, NEIGHBOUR_IDS, json.dumps(list(passage_ids))),
    )
    return dict(rows.fetchall())

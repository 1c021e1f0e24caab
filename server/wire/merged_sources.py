"""An answer's sources as they are told: one a passage. It finds none."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from rag.answer import Source


def merge_sources(sources: Sequence[Source]) -> list[dict[str, object]]:
    """Return one source a passage, best first, with all the sentences that it supports."""
    merged: dict[int, Source] = {}
    for source in sources:
        first = merged.get(source.passage_id)
        sentence = source.sentence if first is None else f"{first.sentence} {source.sentence}"
        merged[source.passage_id] = replace(source, sentence=sentence)
    return [asdict(source) for source in merged.values()]

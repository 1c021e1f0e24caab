"""The dialogues are what the benchmark says of them."""

from collections import Counter
from pathlib import Path

from benchmarks.corpora import ingest_samples, label_of_stored
from benchmarks.followups import FOLLOW_UPS, FURTHER, WIDER, read_dialogues
from tests.fakes_rag import WordEmbedder, open_store


def test_forty_dialogues_half_of_them_held_out(tmp_path: Path) -> None:
    """Each names a passage of the samples that holds each of its reference answers."""
    embedder = WordEmbedder()
    with open_store(tmp_path, embedder) as store:
        ingest_samples(store, embedder)
        passages = store.fetch([int(each) for each in store.vector_table().ids])
        texts: dict[str, str] = {}
        for stored in passages.values():
            label = label_of_stored(stored)
            texts[label] = f"{texts.get(label, '')} {stored.passage.text.lower()}"
    dialogues = read_dialogues(FOLLOW_UPS)
    assert Counter(each.half for each in dialogues) == {"tune": 20, "held_out": 20}
    for each in dialogues:
        for reference in each.second.answers:
            assert reference.lower() in texts[each.second.passage], each.second
    headings = {label.rpartition("#")[2] for label in texts}
    assert {each.second.passage for each in read_dialogues(FURTHER)} <= headings
    wider = read_dialogues(WIDER)
    assert Counter(each.half for each in wider) == {"develop": 45, "unseen": 45}
    assert {each.second.passage for each in wider} <= texts.keys()

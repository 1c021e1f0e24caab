from pathlib import Path

from rag.store import Store
from rag.topics import DOCUMENTS_LOOKED_AT, topics
from tests.fakes_rag import WordEmbedder, add_document

EMBEDDER = WordEmbedder()


def headings(folder: Path, *documents: tuple[str, str]) -> tuple[str, ...]:
    """The topics of documents given as (heading, sentence), oldest first."""
    with Store(folder / "store.sqlite3", EMBEDDER.fingerprint, EMBEDDER.dimension) as store:
        for number, (heading, sentence) in enumerate(documents):
            add_document(store, EMBEDDER, f"d{number}.md", [sentence], heading)
        return topics(store, 4)


def test_topics_are_headings_of_the_newest_documents(tmp_path: Path) -> None:
    """A title is no topic, and neither is a heading that nobody would say."""
    documents = [
        ("Old", "Old things."),
        ("Puffins", "There are puffins."),
        ("Seals", "There are seals."),
        ("", "Nothing above it."),
        ("D4", "Its heading is its title."),
        ("Very " * 20, "Too long."),
        ("Boat fares", "A boat costs nine pounds."),
        ("Dogs", "All dogs on a lead."),
    ]
    assert headings(tmp_path, *documents) == ("dogs", "boat fares", "seals", "puffins")


def test_a_name_keeps_its_capital(tmp_path: Path) -> None:
    documents = [("Sunday boats", "On Sunday none."), ("NASA", "Rockets."), ("Dogs", "Two dogs.")]
    assert headings(tmp_path, *documents) == ("dogs", "NASA", "Sunday boats")


def test_the_look_up_is_bounded(tmp_path: Path) -> None:
    """Whatever the store holds, only the newest documents are looked at."""
    documents = [("Puffins", "Puffins.")] + [("", "No heading.")] * DOCUMENTS_LOOKED_AT
    assert headings(tmp_path, *documents) == ()

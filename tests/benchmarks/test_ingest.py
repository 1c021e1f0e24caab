"""The rate is of what the command says: passages of 100 words, each a passage of the store."""

from pathlib import Path

from benchmarks.ingest import measure, sample_words, write_documents
from rag.chunk import make_passages
from rag.documents import read_document
from rag.ingest_report import IngestOptions
from tests.fakes_rag import WordEmbedder


def test_every_section_is_one_passage_of_a_hundred_words(tmp_path: Path) -> None:
    """What is counted as a passage of 100 words is one."""
    write_documents(tmp_path / "made", sample_words(), 25)
    documents = [read_document(path) for path in sorted((tmp_path / "made").iterdir())]
    passages = [passage for document in documents for passage in make_passages(document)]
    assert len(passages) == 25
    assert {len(passage.text.split()) for passage in passages} == {100}


def test_four_runs_count_what_they_did(tmp_path: Path) -> None:
    """New files are read and embedded, unchanged ones are only met."""
    runs = measure(tmp_path, WordEmbedder(), IngestOptions(), passages=24, files=30)
    assert [(run.files, run.passages, run.failed) for run in runs.values()] == [
        (2, 24, 0), (2, 0, 0), (30, 30, 0), (30, 0, 0),
    ]  # fmt: skip
    assert all(run.seconds >= 0 for run in runs.values())

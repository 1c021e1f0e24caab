"""Stores and questions for the retrieval measurements; it measures nothing itself."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.question_file import SAMPLE_QUESTIONS, Question, read_questions
from models.embedder import MiniLmEmbedder
from models.minilm_weights import FINGERPRINT, prepare_minilm
from rag.chunk import Passage
from rag.embedding import Embedder
from rag.hit import Hit
from rag.index import FlatIndex
from rag.ingest import ingest
from rag.retrieve import Retriever
from rag.sentences import split_sentences
from rag.store import DocumentRecord, Store, StoredPassage
from rag.words import Stemmer
from server.settings import SAMPLES_DIR, load_settings


class CorpusError(ValueError):
    """A passages or questions file is not as described; the text names the file and the line."""


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """`passage` names what answers: see label_of(). `answers` are acceptable wordings, or none."""

    text: str
    passage: str
    answers: tuple[str, ...] = ()


def load_embedder() -> MiniLmEmbedder:
    """The embedder that the server would run, converted on the first call."""
    return MiniLmEmbedder(prepare_minilm(load_settings({}).settings.prepared_dir), FINGERPRINT)


def make_retriever(store: Store) -> Retriever:
    """Over everything in the store as it is now."""
    return Retriever(store, FlatIndex.from_store(store), Stemmer())


def label_of(hit: Hit) -> str:
    """A passage of a JSONL file is named by its id, one of a document by file and heading."""
    return _label(hit.document, hit.passage)


def label_of_stored(stored: StoredPassage) -> str:
    """The same for what the store gives."""
    return _label(stored.document, stored.passage)


def _label(document: str, passage: Passage) -> str:
    return f"{document}#{passage.headings[-1]}" if passage.headings else document


def ingest_samples(store: Store, embedder: Embedder) -> None:
    """Read the sample documents, all of which must be readable."""
    report = ingest([SAMPLES_DIR], store, embedder)
    if report.failed:
        raise CorpusError(f"{report.failed[0].path}: {report.failed[0].reason}")


def sample_questions() -> list[LabelledQuestion]:
    """The questions that the sample documents answer."""
    return [_labelled(question) for question in read_questions(SAMPLE_QUESTIONS)]


def _labelled(question: Question) -> LabelledQuestion:
    passage = f"{question.document}#{question.heading}"
    return LabelledQuestion(question.text, passage, question.answer)


def store_passages(path: Path, store: Store, embedder: Embedder) -> None:
    """Put each line of {"id", "title", "text"} into the store as one passage."""
    lines = list(read_lines(path, ("id", "title", "text")))
    passages = [_passage(str(line["title"]), str(line["text"])) for line in lines]
    vectors = embedder.embed([passage.embedding_text for passage in passages])
    for line, passage, vector in zip(lines, passages, vectors, strict=True):
        name = str(line["id"])
        record = DocumentRecord(f"{path}#{name}", str(path), name, passage.title, "")
        store.replace_document(record, [passage], vector[None, :])


def _passage(title: str, text: str) -> Passage:
    return Passage(title.replace("_", " "), (), 0, tuple(split_sentences(text)) or ("",))


def read_passage_questions(path: Path) -> list[LabelledQuestion]:
    """Lines of {"q", "pid"} and, where known, "a"."""
    return [
        LabelledQuestion(
            str(line["q"]), str(line["pid"]), tuple(map(str, _listed(line.get("a", []))))
        )
        for line in read_lines(path, ("q", "pid"))
    ]


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def read_lines(path: Path, wanted: Sequence[str]) -> Iterable[dict[str, object]]:
    """The JSON objects of a file, each with the wanted names. Raises CorpusError, OSError."""
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            try:
                fields = json.loads(line)
                missing = [name for name in wanted if name not in fields]
            except (ValueError, TypeError):
                raise CorpusError(f"{path}:{number} is not a JSON object") from None
            if missing:
                raise CorpusError(f"{path}:{number} lacks {', '.join(missing)}")
            yield fields


Keep = Callable[[DocumentRecord], bool]


def copy_documents(source: Store, target: Store, keep: Keep) -> None:
    """Copy the documents that `keep` accepts with their vectors, without embedding anew."""
    table = source.vector_table()
    stored = source.fetch(table.ids.tolist())
    rows_of: dict[str, list[int]] = {}
    for row, number in enumerate(table.ids.tolist()):
        rows_of.setdefault(stored[number].document, []).append(row)
    for record in filter(keep, source.documents()):
        rows = rows_of[record.name]
        passages = [stored[int(number)].passage for number in table.ids[rows]]
        target.replace_document(record, passages, table.vectors[rows])

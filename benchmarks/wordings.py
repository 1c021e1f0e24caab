"""Four wordings of a question by rule, and what the canonical form does to retrieval.

python -m benchmarks.wordings [PASSAGES.jsonl QUESTIONS.jsonl] [--json]

Asks each question as it stands, in each wording and in canonical form, and counts how often the
right passage comes first and how often the answer is refused. It speaks and hears nothing.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.corpora import (
    LabelledQuestion,
    ingest_samples,
    label_of,
    load_embedder,
    make_retriever,
    read_passage_questions,
    sample_questions,
    store_passages,
)
from models.embedder import MiniLmEmbedder
from rag.answer import Answerer
from rag.retrieve import Retriever
from rag.store import Store
from server.cache.canonical import canonical_question


def wordings(question: str) -> tuple[str, str, str, str]:
    """As spoken, as typed, politely, and with a hesitation: all ask the same."""
    plain = question.strip().rstrip("?.!")
    lower = plain[:1].lower() + plain[1:]
    return (
        lower,
        f"{plain[:1].upper()}{plain[1:]}?",
        f"Could you tell me {lower}, please?",
        f"um {lower}",
    )


def score(
    questions: Sequence[LabelledQuestion],
    ask: Callable[[str], str],
    retriever: Retriever,
    embedder: MiniLmEmbedder,
) -> dict[str, float]:
    """Return the share with the right passage first and the share refused, of `ask(question)`."""
    answerer = Answerer(embedder, retriever)
    first = refused = 0
    for question in questions:
        text = ask(question.text)
        retrieval = retriever.search(text, embedder.embed([text])[0])
        refused += answerer.answer(retrieval).refused
        first += bool(retrieval.hits) and label_of(retrieval.hits[0]) == question.passage
    count = len(questions)
    return {"hit_at_1": round(first / count, 4), "refused": round(refused / count, 4)}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wordings")
    parser.add_argument("files", nargs="*", type=Path, metavar="PASSAGES QUESTIONS")
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args()
    embedder = load_embedder()
    with (
        tempfile.TemporaryDirectory() as folder,
        Store(Path(folder) / "s.sqlite3", embedder.fingerprint, embedder.dimension) as store,
    ):
        if parsed.files:
            store_passages(parsed.files[0], store, embedder)
            questions = read_passage_questions(parsed.files[1])
        else:
            ingest_samples(store, embedder)
            questions = sample_questions()
        retriever = make_retriever(store)
        asked: dict[str, Callable[[str], str]] = {
            "as it stands": str,
            "canonical": canonical_question,
            "typed": lambda text: wordings(text)[1],
            "polite": lambda text: wordings(text)[2],
            "hesitating": lambda text: wordings(text)[3],
        }
        figures = {name: score(questions, ask, retriever, embedder) for name, ask in asked.items()}
    for name, shares in figures.items():
        first, refused = shares["hit_at_1"], shares["refused"]
        print(f"{name:14} right passage first {first:.3f}, refused {refused:.3f}")
    if parsed.json:
        print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Kills an ingest with signal 9 at random moments and looks whether the store is whole each time.

    python -m benchmarks.ingest_kills [--kills 60] [--documents 60] [--json]

Each round changes, adds and removes documents, starts an ingest in a process of its own, kills it
at a random moment, and checks: SQLite's and FTS5's own integrity checks; every document is wholly
its old or wholly its new version; every passage has exactly the vector of its words; no passage is
left without a document. Then an ingest runs to its end, and the store must hold exactly the files'
passages, none twice. A kill that came after the ingest had ended is not counted. The vectors come
from an embedder that hashes words, so that they can be checked to the last bit.
"""

import argparse
import json
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.results import write_result
from rag.chunk import make_passages
from rag.documents import read_document
from rag.embedding import Vectors
from rag.ingest import ingest
from rag.ingest_report import IngestOptions
from rag.store import Store

OPTIONS = IngestOptions(batch_passages=16)
"""Small batches: many transactions, and so many moments to be killed between."""

LONG_DOCUMENT_SECTIONS = 200
MAXIMUM_ROUNDS_A_KILL = 5


class HashEmbedder:
    """The vector of a text is made from its words' hashes: the same in every process."""

    fingerprint = "hashed-words"
    dimension = 32

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See rag.embedding.Embedder."""
        made = [np.random.default_rng(zlib.crc32(t.encode())).random(self.dimension) for t in texts]
        return np.array(made, np.float32).reshape(len(texts), self.dimension)


@dataclass(frozen=True, slots=True)
class KillResult:
    """How many kills there were and how they left the store."""

    kills: int
    consistent: int
    resumed_without_duplicates: int
    rounds: int
    seconds: float
    problems: tuple[str, ...]


@dataclass(slots=True)
class Corpus:
    """A folder whose documents change; each version's text is told from its number alone."""

    folder: Path
    count: int
    chance: random.Random
    version: int = 0

    def change(self) -> None:
        """Write a third anew, remove a few, put back those that were removed before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.version += 1
        for number in range(self.count):
            path = self.folder / f"{number:03}.md"
            fate = self.chance.random()
            if fate < 0.05 and path.exists():
                path.unlink()
            elif fate < 0.35 or not path.exists():
                path.write_text(self._text(f"Note {number}", self.chance.randint(1, 8)))
        if self.version % 3 == 1:
            (self.folder / "long.md").write_text(self._text("Long", LONG_DOCUMENT_SECTIONS))

    def _text(self, title: str, sections: int) -> str:
        """Some sections stay from version to version, others bear its number."""
        parts = [
            f"## Part {n}\n\nThe {n} boats of version {self.version if n % 2 else 0} leave.\n"
            for n in range(sections)
        ]
        return "\n".join([f"# {title}\n", *parts])

    def contents(self) -> dict[str, Counter[str]]:
        """By name, the texts of the passages that a whole document has."""
        return {
            path.name: Counter(p.embedding_text for p in make_passages(read_document(path)))
            for path in sorted(self.folder.glob("*.md"))
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, print, and write benchmarks/results/ingest_kills.json; 1 unless every kill was fine."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--documents", type=int, default=60)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--victim", nargs=2, type=Path, metavar="PATH", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if parsed.victim:
        return be_victim(*parsed.victim)
    with tempfile.TemporaryDirectory() as folder:
        result = kill_often(Path(folder), parsed.kills, parsed.documents, parsed.seed)
    write_result("ingest_kills", asdict(result))
    print(json.dumps(asdict(result)) if parsed.json else report(result))
    return 0 if result.consistent == result.resumed_without_duplicates == parsed.kills else 1


def be_victim(folder: Path, store_path: Path) -> int:
    """Ingest in this process, having said that it begins."""
    with Store(store_path, HashEmbedder.fingerprint, HashEmbedder.dimension) as store:
        print("begins", flush=True)
        ingest([folder], store, HashEmbedder(), options=OPTIONS)
    return 0


def kill_often(folder: Path, kills: int, documents: int, seed: int) -> KillResult:
    """Rounds of change, ingest, kill, check, ingest, check, until `kills` have hit an ingest."""
    chance = random.Random(seed)
    corpus, store_path = Corpus(folder / "documents", documents, chance), folder / "store.sqlite3"
    began, rounds, hits, consistent, resumed = time.monotonic(), 0, 0, 0, 0
    problems: list[str] = []
    old: dict[str, Counter[str]] = {}
    duration_s = run_and_kill(corpus, store_path, None)
    while hits < kills and rounds < kills * MAXIMUM_ROUNDS_A_KILL:
        rounds += 1
        old = corpus.contents()
        corpus.change()
        is_hit = run_and_kill(corpus, store_path, chance.uniform(0, duration_s)) < 0
        new = corpus.contents()
        found = problems_after_kill(store_path, old, new) if is_hit else []
        resume(corpus.folder, store_path)
        left = problems_at_end(store_path, new)
        if is_hit:
            hits, consistent, resumed = hits + 1, consistent + (not found), resumed + (not left)
        problems += [f"round {rounds}: {problem}" for problem in found + left]
    seconds = round(time.monotonic() - began, 1)
    return KillResult(hits, consistent, resumed, rounds, seconds, tuple(problems[:20]))


def run_and_kill(corpus: Corpus, store_path: Path, after_s: float | None) -> float:
    """Start an ingest; kill it `after_s` seconds after it began, or let it end for None.

    The seconds that it took, from where it began; -1 when the kill found it at work.
    """
    if after_s is None:
        corpus.change()
    command = [sys.executable, "-m", "benchmarks.ingest_kills", "--victim"]
    with subprocess.Popen(
        [*command, str(corpus.folder), str(store_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    ) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        began = time.monotonic()
        killer = threading.Timer(after_s or 0.0, victim.kill)
        if after_s is not None:
            killer.start()
        code = victim.wait()
        killer.cancel()
    return -1.0 if code == -signal.SIGKILL else time.monotonic() - began


def resume(folder: Path, store_path: Path) -> None:
    """The same ingest, to its end."""
    with Store(store_path, HashEmbedder.fingerprint, HashEmbedder.dimension) as store:
        ingest([folder], store, HashEmbedder(), options=OPTIONS)


def problems_after_kill(
    store_path: Path, old: dict[str, Counter[str]], new: dict[str, Counter[str]]
) -> list[str]:
    """What is wrong in a store between two versions of a folder; nothing, if all is well."""
    with Store(store_path, HashEmbedder.fingerprint, HashEmbedder.dimension) as store:
        held = contents_of(store)
        found = damage(store, store_path)
    return found + [
        f"{name} is neither its old nor its new version"
        for name, texts in held.items()
        if texts not in (old.get(name), new.get(name))
    ]


def problems_at_end(store_path: Path, new: dict[str, Counter[str]]) -> list[str]:
    """What is wrong in a store after a whole ingest: it must hold the files, and nothing twice."""
    with Store(store_path, HashEmbedder.fingerprint, HashEmbedder.dimension) as store:
        held, found = contents_of(store), damage(store, store_path)
    return found + ([] if held == new else ["the store does not hold exactly the files"])


def contents_of(store: Store) -> dict[str, Counter[str]]:
    """By document, the texts of its passages."""
    held: dict[str, Counter[str]] = {record.name: Counter() for record in store.documents()}
    for stored in store.fetch(store.vector_table().ids.tolist()).values():
        held[stored.document][stored.passage.embedding_text] += 1
    return held


def damage(store: Store, store_path: Path) -> list[str]:
    """By SQLite's and FTS5's own checks, and by the vector of every passage."""
    connection = sqlite3.connect(store_path)
    try:
        found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        found += [f"foreign key {row}" for row in connection.execute("PRAGMA foreign_key_check")]
        connection.execute("INSERT INTO passage_words(passage_words, rank) VALUES (?, 1)", CHECK)
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    finally:
        connection.close()
    table = store.vector_table()
    stored = store.fetch(table.ids.tolist())
    texts = [stored[number].passage.embedding_text for number in table.ids.tolist()]
    if len(texts) != store.counts().passages:
        found.append("passages without vectors")
    if not np.array_equal(table.vectors, HashEmbedder().embed(texts)):
        found.append("vectors that are not those of their passages")
    return [problem for problem in found if problem != "ok"]


CHECK = ("integrity-check",)


def report(result: KillResult) -> str:
    """The figures as lines for people."""
    first = (
        f"{result.kills} kills in {result.rounds} rounds, {result.seconds} s: "
        f"{result.consistent} left a consistent store, "
        f"{result.resumed_without_duplicates} were resumed without a duplicate"
    )
    return "\n".join([first, *(f"  {problem}" for problem in result.problems)])


if __name__ == "__main__":
    raise SystemExit(main())

"""The retrieval benchmark counts what it says, keeps its JSON contract and names bad files."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import retrieval
from benchmarks.calibrate_refusal import Observation, Observer, calibrate, refused_shares
from benchmarks.corpora import (
    CorpusError,
    LabelledQuestion,
    copy_documents,
    label_of,
    make_retriever,
    read_passage_questions,
    store_passages,
)
from benchmarks.mishear import Mishearing
from benchmarks.retrieval import ask, holds_reference, keep_result, summarise
from rag.confidence import Evidence
from rag.store import Store
from tests.fakes_rag import WordEmbedder, add_document, open_store

PASSAGES = [
    {"id": 0, "title": "Sea_birds", "text": "Puffins nest in burrows. They dig them."},
    {"id": 1, "title": "Boats", "text": "The boat leaves at nine."},
]
QUESTIONS = [
    {"q": "Where do puffins nest?", "pid": 0, "a": ["burrows"]},
    {"q": "When does the boat leave?", "pid": 1, "a": "nine"},
    {"q": "When does the boat leave?", "pid": 0},
]


def write_lines(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    passages = write_lines(tmp_path / "p.jsonl", [dict(line) for line in PASSAGES])
    return passages, write_lines(tmp_path / "q.jsonl", [dict(line) for line in QUESTIONS])


def test_command_prints_the_contract(
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """--json puts one object last, with the public keys; the result is kept by corpus."""
    monkeypatch.setattr(retrieval, "load_embedder", WordEmbedder)
    monkeypatch.setattr(retrieval, "RESULT_PATH", tmp_path / "results" / "retrieval.json")
    assert retrieval.main([*map(str, files), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["hit_at_1"] == pytest.approx(2 / 3)
    assert figures["hit_at_5"] == 1.0
    assert figures["mrr_at_10"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert set(figures["query_ms"]) == {"count", "p50", "p95", "p99"}
    assert figures["query_ms"]["count"] == figures["search_cpu_ms"]["count"] == 3
    kept = json.loads((tmp_path / "results" / "retrieval.json").read_text())
    assert kept["p"] == figures


def test_parts_are_told_beside_the_whole(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FTS5 and the index each have their own figures; made-up passages fill the store."""
    monkeypatch.setattr(retrieval, "load_embedder", WordEmbedder)
    monkeypatch.setattr(retrieval, "RESULT_PATH", tmp_path / "retrieval.json")
    assert retrieval.main([*map(str, files), "--grow-to", "40"]) == 0
    figures = json.loads((tmp_path / "retrieval.json").read_text())["p, 40 passages"]
    assert figures["passages"] == 40
    assert set(figures["parts"]) == {"fts5", "fts5_rare_words", "dense"}
    for part in figures["parts"].values():
        assert set(part) == {"hit_at_1", "hit_at_3", "hit_at_5", "mrr_at_10"}
    assert {told["count"] for told in figures["parts_cpu_ms"].values()} == {3}


def test_kept_store_is_not_embedded_again(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--store spares the next run the passages, and --questions asks only some."""
    monkeypatch.setattr(retrieval, "RESULT_PATH", tmp_path / "retrieval.json")
    kept = ["--store", str(tmp_path / "kept.sqlite3")]
    monkeypatch.setattr(retrieval, "load_embedder", WordEmbedder)
    figures = []
    for wanted in ("0", "2"):
        assert retrieval.main([*map(str, files), *kept, "--questions", wanted]) == 0
        figures.append(json.loads((tmp_path / "retrieval.json").read_text())["p"])
        monkeypatch.setattr(retrieval, "store_passages", None)
    assert [one["questions"] for one in figures] == [3, 2]
    assert figures[0]["passages"] == figures[1]["passages"]


def test_sample_documents_are_asked_without_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With no arguments the samples are measured, refusals included."""
    monkeypatch.setattr(retrieval, "load_embedder", WordEmbedder)
    monkeypatch.setattr(retrieval, "RESULT_PATH", tmp_path / "retrieval.json")
    assert retrieval.main([]) == 0
    figures = json.loads((tmp_path / "retrieval.json").read_text())["samples"]
    assert figures["hit_at_5"] > 0.8
    assert {"refused", "over_refused", "unanswerable"} <= set(figures)
    assert "hit_at_1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "cause"),
    [("not json\n", "is not a JSON object"), ('{"q": "x"}\n', "lacks pid"), ("3\n", "is not")],
)
def test_bad_lines_are_named(
    tmp_path: Path,
    files: tuple[Path, Path],
    content: str,
    cause: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The file, the line and what is wrong with it, and exit code 2."""
    monkeypatch.setattr(retrieval, "load_embedder", WordEmbedder)
    questions = tmp_path / "bad.jsonl"
    questions.write_text(content)
    assert retrieval.main([str(files[0]), str(questions)]) == 2
    assert f"{questions}:1 {cause}" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        retrieval.main([str(questions)])


def test_no_questions_is_an_error(files: tuple[Path, Path], tmp_path: Path, store: Store) -> None:
    """An empty file gives no figures."""
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(CorpusError, match="holds no questions"):
        retrieval.measure_files(files[0], tmp_path / "none.jsonl", WordEmbedder(), store)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "data", WordEmbedder())


def test_figures_of_passages(files: tuple[Path, Path], store: Store) -> None:
    """Ranks, references and refusals are counted one by one."""
    embedder = WordEmbedder()
    with store:
        store_passages(files[0], store, embedder)
        asked = ask(make_retriever(store), embedder, read_passage_questions(files[1]))
    assert [one.ranked.rank for one in asked] == [0, 0, 1]
    assert holds_reference(asked[0])
    assert summarise(asked)["questions"] == 3


def test_labels_name_document_and_heading(store: Store) -> None:
    """Sample passages are matched by file and heading."""
    embedder = WordEmbedder()
    with store:
        add_document(store, embedder, "a.md", ["Dogs bark."], heading="Dogs")
        found = make_retriever(store).search("dogs", embedder.embed(["dogs"])[0])
        assert label_of(found.hits[0]) == "a.md#Dogs"
        asked = ask(make_retriever(store), embedder, [LabelledQuestion("dogs", "elsewhere")])
    assert asked[0].ranked.rank is None


def test_copied_documents_keep_passages_and_vectors(store: Store, tmp_path: Path) -> None:
    """Leaving a document out leaves the others as they were."""
    embedder = WordEmbedder()
    with store, open_store(tmp_path / "copy", embedder) as copy:
        for name in ("a.md", "b.md"):
            add_document(store, embedder, name, [f"Words of {name}."])
        copy_documents(store, copy, lambda record: record.name != "a.md")
        assert [record.name for record in copy.documents()] == ["b.md"]
        assert (copy.vector_table().vectors[0] == store.vector_table().vectors[1]).all()


def test_mishearing_hears_only_known_words() -> None:
    """What the documents lack becomes what they have, the same way for the same seed."""
    texts = ["the puffin nests on the island", "boats leave at nine"]
    known = set(" ".join(texts).split()) | {"where", "does", "a"}
    for seed in range(20):
        heard = Mishearing(texts, seed).of("Where does a pufin leaves nine iland?")
        assert heard == Mishearing(texts, seed).of("Where does a pufin leaves nine iland?")
        assert set(heard.split()) <= known
    assert Mishearing([]).of("what now") == "what now"


def test_results_of_other_corpora_stay(tmp_path: Path) -> None:
    """Measuring one corpus does not forget another."""
    path = tmp_path / "r.json"
    keep_result(path, "a", {"x": 1})
    keep_result(path, "b", {"x": 2})
    assert json.loads(path.read_text()) == {"a": {"x": 1}, "b": {"x": 2}}
    assert [one.name for one in tmp_path.iterdir()] == ["r.json"]


def test_calibration_separates_and_meets_the_allowed_share() -> None:
    """Clear evidence gives positive slopes, and 4% of the answerable samples are refused."""
    random = np.random.default_rng(1)
    observations = []
    for number in range(300):
        is_answerable = number % 2 == 0
        level = random.normal(0.6 if is_answerable else 0.3, 0.1)
        group = "samples, as written" if is_answerable else "unanswerable, as written"
        evidence = Evidence(level, *random.normal(level, 0.1, 3))
        observations.append(Observation(group, f"question {number}", is_answerable, evidence))
    figures = np.array([one.evidence.as_tuple() for one in observations])
    calibration = calibrate(observations, figures)
    shares = refused_shares(observations, calibration.margins)
    assert len(calibration.coefficients) == 5
    assert calibration.coefficients[1] > 0
    assert shares["samples, as written"] == pytest.approx(0.04, abs=0.01)
    assert shares["unanswerable, as written"] > 0.8


def test_transcripts_are_judged_without_their_voice() -> None:
    """A voice whose evidence says the opposite does not sway the coefficients that judge it."""
    random = np.random.default_rng(2)
    observations = []
    for number in range(400):
        is_answerable, is_odd = number % 2 == 0, number % 4 < 2
        level = random.normal(0.6 if is_answerable is not is_odd else 0.3, 0.05)
        group = "samples, as written" if is_answerable else "unanswerable, as written"
        evidence = Evidence(*random.normal(level, 0.05, 4))
        voice = "odd" if is_odd else "even"
        name = f"question {number}"
        observations.append(Observation(group, name, is_answerable, evidence, voice))
    figures = np.array([one.evidence.as_tuple() for one in observations])
    margins = calibrate(observations, figures).margins
    answerable = np.array([one.is_answerable for one in observations])
    for voice in ("odd", "even"):
        own = np.array([one.voice == voice for one in observations])
        order = np.sign(np.mean(margins[own & answerable]) - np.mean(margins[own & ~answerable]))
        assert order == -1


def test_transcripts_are_observed_with_both_readings(tmp_path: Path) -> None:
    """The evidence is of the better reading; a line without words gives none."""
    embedder = WordEmbedder()
    line = {"voice": "v", "kind": "answerable", "said": "Do puffins nest?", "other": ""}
    lines: list[dict[str, object]] = [
        {**line, "heard": "two muffins vest", "other": "do puffins nest"},
        {**line, "heard": "do puffins nest"},
        {**line, "heard": ""},
    ]
    observer = Observer(embedder)
    with open_store(tmp_path, embedder) as store:
        add_document(store, embedder, "birds.md", ["Puffins nest in burrows."])
        observer.ask_heard(store, lines)
    both, alone = observer.observations
    assert both == alone
    assert (both.group, both.voice) == ("samples, spoken", "v")

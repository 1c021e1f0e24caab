"""Building, replacing and loading the language model of a corpus."""

import math
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from models.language_model import (
    LanguageModelError,
    LanguageModelFiles,
    LanguageModelLimits,
    build_language_model,
    load_language_model,
)

TEXTS = ["The Zyzzoria Light opens at 9:30 a.m.", "A guided tour costs £7."]
SMALL = LanguageModelLimits(common_words=50)


def build(folder: Path, texts: list[str] = TEXTS) -> LanguageModelFiles:
    return build_language_model(texts, folder, lambda word: "zɪzˈɔːɹiə", SMALL)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a built model, to be copied and not changed."""
    folder = tmp_path_factory.mktemp("ready")
    build(folder)
    return folder


def dictionary_of(files: LanguageModelFiles) -> dict[str, str]:
    lines = files.dictionary.read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines)


def loaded(folder: Path) -> LanguageModelFiles:
    files = load_language_model(folder)
    assert files is not None
    return files


def test_vocabulary_has_corpus_questions_and_common_words(ready: Path) -> None:
    """Numbers are words, and words that no dictionary has are spelled by the given function."""
    words = dictionary_of(loaded(ready))
    assert words["zyzzoria"] == "Z IH Z AO R IY AH"
    assert {"nine", "thirty", "a.m.", "seven", "pounds"} <= words.keys()
    assert {"how", "much", "cost"} <= words.keys()
    assert "the(2)" in words


def test_same_texts_give_the_same_bytes(ready: Path, tmp_path: Path) -> None:
    """The hash is a cache key: it must change with the texts and with nothing else."""
    one, two = loaded(ready), build(tmp_path / "two")
    assert one.sha256 == two.sha256
    assert one.corpus_lm.read_bytes() == two.corpus_lm.read_bytes()
    assert one.questions_lm.read_bytes() == two.questions_lm.read_bytes()
    assert build(tmp_path / "three", ["Something else."]).sha256 != one.sha256


def test_loading_gives_what_was_built(tmp_path: Path) -> None:
    """A server that starts later finds the model that ingest left."""
    built = build(tmp_path)
    assert load_language_model(tmp_path) == built
    assert load_language_model(tmp_path / "never") is None


def test_rebuilding_replaces_and_leaves_the_model_before(tmp_path: Path) -> None:
    """No folder of a still older or an unfinished model stays behind."""
    build(tmp_path, ["The first of three."])
    before = build(tmp_path)
    (tmp_path / "building-killed").mkdir()
    newer = build(tmp_path, ["The harbour master lives in the red house."])
    assert loaded(tmp_path) == newer
    left = {path for path in tmp_path.iterdir() if path.is_dir()}
    assert left == {newer.dictionary.parent, before.dictionary.parent}
    assert build(tmp_path, ["The harbour master lives in the red house."]) == newer


def test_server_and_ingest_building_at_once_both_get_a_whole_model(tmp_path: Path) -> None:
    """Neither takes the other's unfinished files away (FileNotFoundError on corpus.lm before)."""
    other = ["The harbour master lives in the red house."]
    with ThreadPoolExecutor(1) as pool:
        second: list[Future[LanguageModelFiles]] = []

        def spell(_word: str) -> str:
            """The first build is writing; a second one begins, and ends now if it is let."""
            if not second:
                second.append(pool.submit(build, tmp_path, other))
                wait(second, timeout=1)
            return "zɪzˈɔːɹiə"

        first = build_language_model(TEXTS, tmp_path, spell, SMALL)
        last = second[0].result(timeout=60)
    assert loaded(tmp_path) == last
    for files in (first, last):
        assert files.corpus_lm.is_file()


def test_a_model_of_the_same_state_is_not_built_again(tmp_path: Path) -> None:
    """Who waited for another process takes that one's; a damaged one is built again."""

    def unread() -> Iterator[str]:
        yield from pytest.fail("the texts were read")

    built = build_language_model(TEXTS, tmp_path, None, SMALL, made_from="store-7")
    assert build_language_model(unread(), tmp_path, None, SMALL, made_from="store-7") == built
    built.corpus_lm.write_bytes(b"?")
    again = build_language_model(TEXTS, tmp_path, None, SMALL, made_from="store-7")
    assert again == built == loaded(tmp_path)
    other = build_language_model(["New."], tmp_path, None, SMALL, made_from="store-8")
    assert other.sha256 != built.sha256


@pytest.mark.parametrize("damage", ["cut", "missing", "manifest", "keys"])
def test_damaged_model_is_refused_with_a_remedy(ready: Path, tmp_path: Path, damage: str) -> None:
    """A changed file never reaches the decoder."""
    shutil.copytree(ready, tmp_path, dirs_exist_ok=True)
    files = load_language_model(tmp_path)
    assert files is not None
    if damage == "cut":
        files.corpus_lm.write_bytes(files.corpus_lm.read_bytes()[:-9])
    elif damage == "missing":
        files.dictionary.unlink()
    else:
        text = "{" if damage == "manifest" else "{}"
        (tmp_path / "language-model.json").write_text(text)
    with pytest.raises(LanguageModelError, match="run parley ingest"):
        load_language_model(tmp_path)


def test_no_documents_give_a_model_of_general_questions(tmp_path: Path) -> None:
    """An empty corpus is no error."""
    words = dictionary_of(build(tmp_path, []))
    assert {"what", "time"} <= words.keys()


def test_large_corpus_is_thinned_not_held(tmp_path: Path) -> None:
    """Texts are read once, and what is counted stays bounded."""

    def texts() -> Iterator[str]:
        for number in range(3000):
            yield f"The tower number {number} stands beside road {number * 7}."

    limits = LanguageModelLimits(
        corpus_words=300, common_words=10, counted_words=2_000, phrases=100
    )
    files = build_language_model(texts(), tmp_path, None, limits)
    trigrams = next(
        int(line.split("=")[1])
        for line in files.corpus_lm.read_text().splitlines()
        if line.startswith("ngram 3=")
    )
    assert trigrams < 12_000
    assert "tower" in dictionary_of(files)


def test_word_probabilities_sum_to_one(ready: Path) -> None:
    """The unigrams of the written file are a distribution."""
    lines = loaded(ready).corpus_lm.read_text().split("\\2-grams:")[0].splitlines()
    chances = [10 ** float(line.split()[0]) for line in lines if line.startswith("-")]
    assert math.isclose(sum(chances), 1.0, abs_tol=0.01)

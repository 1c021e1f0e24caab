"""Builds the language model of a corpus: which words its readers will say, and how they will ask.

Three files: trigrams of the corpus, trigrams of questions about its phrases, and a dictionary that
holds the decoder to their words plus the commonest English ones. It recognises nothing;
models/sphinx.py mixes these with the general model. The same texts give the same bytes. Processes
that build in one folder at once do so one after the other.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.corpus_text import sentences_of
from models.exclusive import exclusive
from models.ngram_model import END, TrigramCounts, arpa_lines
from models.pronunciation import PhonemesOf, Pronunciations, dictionary_lines
from models.question_frames import phrases_of, questions_about
from models.sphinx_library import SphinxLibrary, wheel_model

LOGGER = logging.getLogger(__name__)

_MANIFEST: Final = "language-model.json"
_LOCK: Final = "building.lock"
_LOCK_WAIT_S: Final = 600.0  # a build from a million words takes about 20 s of one core
_UNSEEN_WEIGHT: Final = (
    0.1  # of one occurrence, for words that only questions or general English use
)


class LanguageModelError(RuntimeError):
    """A language model on disk is damaged; building it again repairs it."""


@dataclass(frozen=True, slots=True)
class LanguageModelLimits:
    """Bounds that keep a build to seconds and a decoder to tens of MB, whatever the corpus.

    5,000 common words gave the best WER of 1,000, 3,000 and 5,000 on questions outside the model.
    """

    corpus_words: int = 20_000
    common_words: int = 5_000
    counted_words: int = 1_000_000
    phrases: int = 3_000


@dataclass(frozen=True, slots=True)
class LanguageModelFiles:
    """A finished model; `words` is the size of its vocabulary, `sha256` covers the three files."""

    corpus_lm: Path
    questions_lm: Path
    dictionary: Path
    words: int
    sha256: str


def build_language_model(
    texts: Iterable[str],
    out_dir: Path,
    phonemes_of: PhonemesOf | None,
    limits: LanguageModelLimits | None = None,
    made_from: str = "",
) -> LanguageModelFiles:
    """Replaces the model in `out_dir` at once: a reader finds the old one whole or the new one
    whole, and who has just looked the old one up can still open it.

    `phonemes_of` maps a word to IPA and is asked only for words outside cmudict; it must take its
    own lock. An empty corpus gives a model of general questions. `made_from` names the state of
    the texts: where a model of the same state is there, by another process meanwhile, that one is
    returned and no text is read. Raises OSError (TimeoutError where another process builds for ten
    minutes), SphinxError.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    with exclusive(out_dir / _LOCK, _LOCK_WAIT_S):
        return _made_from(out_dir, made_from) or _build(
            texts, out_dir, phonemes_of, limits or LanguageModelLimits(), made_from
        )


def _build(
    texts: Iterable[str],
    out_dir: Path,
    phonemes_of: PhonemesOf | None,
    limits: LanguageModelLimits,
    made_from: str,
) -> LanguageModelFiles:
    corpus, phrases = _count(texts, limits)
    questions = TrigramCounts()
    for question in questions_about(phrases):
        questions.add(question)
    pronunciations = Pronunciations(wheel_model().dictionary, phonemes_of)
    words = _vocabulary(corpus, questions, limits)
    for word in words:
        if corpus.count_of(word) == 0:
            corpus.add_word(word, _UNSEEN_WEIGHT)
    staging = Path(tempfile.mkdtemp(prefix="building-", dir=out_dir))
    _write_lines(staging / "corpus.lm", arpa_lines(corpus))
    _write_lines(staging / "questions.lm", arpa_lines(questions))
    _write_lines(staging / "words.dict", dictionary_lines(words, pronunciations))
    return _publish(staging, out_dir, len(words), made_from)


def load_language_model(out_dir: Path) -> LanguageModelFiles | None:
    """The model last built in `out_dir`, checked against its hash; None when there is none.

    Raises LanguageModelError when a file is missing or changed.
    """
    try:
        manifest = _manifest(out_dir)
        files = _files(out_dir / str(manifest["folder"]), int(manifest["words"]))
    except FileNotFoundError:
        if not (out_dir / _MANIFEST).exists():
            return None
        raise LanguageModelError("a language model file is missing: run parley ingest") from None
    except (ValueError, KeyError, TypeError):
        raise LanguageModelError(f"{_MANIFEST} is damaged: run parley ingest") from None
    if files.sha256 != manifest.get("sha256"):
        raise LanguageModelError("the language model has changed on disk: run parley ingest")
    return files


def _made_from(out_dir: Path, made_from: str) -> LanguageModelFiles | None:
    """The whole model made from this state of the texts, if it is the one in `out_dir`."""
    try:
        if made_from and _manifest(out_dir).get("made_from") == made_from:
            return load_language_model(out_dir)
    except FileNotFoundError:
        return None
    except (LanguageModelError, ValueError, AttributeError):
        LOGGER.warning("the language model in %s is damaged; it is built again", out_dir)
    return None


def _manifest(out_dir: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((out_dir / _MANIFEST).read_text(encoding="utf-8"))
    return told


def _count(
    texts: Iterable[str], limits: LanguageModelLimits
) -> tuple[TrigramCounts, list[tuple[str, ...]]]:
    """Trigrams and the commonest phrases; past the limit only one sentence in 2, 4, 8, ...
    counts.
    """
    counts, phrases = TrigramCounts(), Counter[tuple[str, ...]]()
    counted_words, stride = 0, 1
    for number, sentence in enumerate(s for text in texts for s in sentences_of(text)):
        if number % stride:
            continue
        counts.add(sentence)
        phrases.update(phrases_of(sentence))
        counted_words += len(sentence)
        if counted_words > limits.counted_words:
            counted_words, stride = counted_words // 2, stride * 2
            phrases = Counter(dict(_commonest(phrases, 10 * limits.phrases)))
    return counts, sorted(phrase for phrase, _ in _commonest(phrases, limits.phrases))


def _commonest(phrases: Counter[tuple[str, ...]], limit: int) -> list[tuple[tuple[str, ...], int]]:
    return sorted(phrases.items(), key=lambda item: (-item[1], item[0]))[:limit]


def _vocabulary(
    corpus: TrigramCounts, questions: TrigramCounts, limits: LanguageModelLimits
) -> list[str]:
    by_count = sorted(corpus.words(), key=lambda word: (-corpus.count_of(word), word))
    model = wheel_model()
    common = SphinxLibrary().commonest_words(model, limits.common_words)
    words = {*by_count[: limits.corpus_words], *questions.words(), *common}
    return sorted(words - {END})


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())


def _files(folder: Path, words: int) -> LanguageModelFiles:
    paths = [folder / name for name in ("corpus.lm", "questions.lm", "words.dict")]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return LanguageModelFiles(paths[0], paths[1], paths[2], words, digest.hexdigest())


def _publish(staging: Path, out_dir: Path, words: int, made_from: str) -> LanguageModelFiles:
    """The model before this one stays: another process may be about to open its files."""
    sha256 = _files(staging, words).sha256
    folder, before = out_dir / f"model-{sha256[:16]}", _published_folder(out_dir)
    if folder.exists():  # the same bytes from before, or what a damaged disk left of them
        shutil.rmtree(folder)
    os.replace(staging, folder)
    manifest = out_dir / f"{_MANIFEST}.new"
    told = {"folder": folder.name, "words": words, "sha256": sha256, "made_from": made_from}
    _write_lines(manifest, iter([json.dumps(told)]))
    os.replace(manifest, out_dir / _MANIFEST)
    for old in out_dir.iterdir():
        is_kept = old.name in {folder.name, before}
        if old.is_dir() and not is_kept and old.name.startswith(("model-", "building-")):
            shutil.rmtree(old, ignore_errors=True)
    return _files(folder, words)


def _published_folder(out_dir: Path) -> str:
    """The name of the folder that the manifest names; "" where there is none."""
    try:
        return str(_manifest(out_dir)["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""

"""The embedded recogniser, with the wheel's own model and speech made by flite."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from models.hypothesis import Source
from models.language_model import LanguageModelFiles, build_language_model
from models.sphinx import DecoderPool, SphinxRecognizer
from models.sphinx_library import (
    SphinxDecoder,
    SphinxError,
    SphinxLibrary,
    WeightedModel,
    wheel_model,
)
from models.stt import Recognizer
from tests.models.spoken import spoken

CORPUS = [
    "The butterfly house opens at nine. An adult ticket costs twelve dollars fifty.",
    "Dogs are welcome on the woodland trail but not in the wetland reserve.",
    "The old pump house dates from 1893. The boardwalk is 1.8 km long.",
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> LanguageModelFiles:
    return build_language_model(CORPUS, tmp_path_factory.mktemp("language-model"), None)


@pytest.fixture(scope="module")
def recognizer(files: LanguageModelFiles) -> Iterator[SphinxRecognizer]:
    made = SphinxRecognizer(files)
    yield made
    made.close()


def test_corpus_question_is_heard_in_its_own_words(
    recognizer: SphinxRecognizer, tmp_path: Path
) -> None:
    """A question that stands nowhere in the corpus comes through, from the corpus decoder."""
    transcript = recognizer.recognise(spoken("how long is the boardwalk", tmp_path))
    assert transcript.text == "how long is the boardwalk"
    assert transcript.details["source"] == Source.CORPUS
    assert 0 < transcript.confidence <= 1


def test_foreign_speech_is_left_to_the_general_decoder(
    recognizer: SphinxRecognizer, tmp_path: Path
) -> None:
    """A sentence of other words is not forced into the words of the corpus."""
    said = "her nephew bought an expensive saxophone and a trumpet"
    transcript = recognizer.recognise(spoken(said, tmp_path))
    assert transcript.details["source"] == Source.GENERAL
    assert {"nephew", "saxophone", "trumpet"} <= set(transcript.text.split())


def test_the_reading_that_was_not_taken_is_kept(
    recognizer: SphinxRecognizer, tmp_path: Path
) -> None:
    """Where both decoders ran and differ; a sure hearing has no other."""
    unsure = spoken("her nephew bought an expensive saxophone and a trumpet", tmp_path)
    corpus, _ = recognizer.hear_both(unsure)
    assert corpus is not None
    assert recognizer.recognise(unsure).other == corpus.text
    assert recognizer.recognise(spoken("how long is the boardwalk", tmp_path)).other == ""


def test_the_words_are_also_told_as_those_of_an_unfinished_sentence(
    recognizer: SphinxRecognizer, tmp_path: Path
) -> None:
    """Of the decoder whose words were taken, by its first pass: less exact, and not yet ended."""
    whole = recognizer.recognise(spoken("how long is the boardwalk", tmp_path))
    assert whole.unfinished.endswith("the boardwalk")
    assert recognizer.recognise(spoken("tell me about the", tmp_path)).unfinished.endswith("the")
    assert recognizer.recognise(np.zeros(16_000, np.float32)).unfinished == ""


def test_general_decoder_runs_alone_without_a_corpus(tmp_path: Path) -> None:
    """With no documents yet there is still speech recognition, and it says which."""
    made: Recognizer = SphinxRecognizer(None)
    transcript = made.recognise(spoken("what time is it in new york", tmp_path))
    assert "time" in transcript.text
    assert transcript.details["source"] == Source.GENERAL
    assert "general" in made.fingerprint


@pytest.mark.parametrize("level", [0.0, 0.0002, 0.01, 0.1])
def test_silence_and_noise_give_no_words(recognizer: SphinxRecognizer, level: float) -> None:
    """Nothing is invented where nobody spoke."""
    noise = np.random.default_rng(1).normal(0, 1, 32_000).astype(np.float32)
    assert recognizer.recognise(noise * np.float32(level)).text == ""


def test_too_little_to_hold_a_word_gives_no_words(recognizer: SphinxRecognizer) -> None:
    """Less than a tenth of a second, down to nothing, is no error."""
    for samples in (0, 1, 1599):
        assert recognizer.recognise(np.full(samples, 0.5, np.float32)).text == ""


def test_same_speech_gives_the_same_words_from_any_thread(
    recognizer: SphinxRecognizer, tmp_path: Path
) -> None:
    """A decoder carries nothing from one utterance to the next; threads take turns."""
    speech = [spoken(text, tmp_path) for text in ("are dogs welcome", "how much is a ticket")]
    alone = [recognizer.recognise(one).text for one in speech]
    with ThreadPoolExecutor(4) as pool:
        together = [one.text for one in pool.map(recognizer.recognise, speech * 4)]
    assert together == alone * 4


def test_other_threads_run_while_it_decodes(recognizer: SphinxRecognizer, tmp_path: Path) -> None:
    """The interpreter lock is free: Python code runs many times within one utterance."""
    speech = spoken("are dogs welcome on the woodland trail " * 2, tmp_path)
    done = threading.Event()

    def decode() -> None:
        recognizer.hear_both(speech)
        done.set()

    decoding = threading.Thread(target=decode)
    decoding.start()
    turns = 0
    while not done.is_set():
        time.sleep(0)
        turns += 1
    decoding.join()
    assert turns > 1000


def test_fingerprint_follows_the_language_model(
    files: LanguageModelFiles, recognizer: SphinxRecognizer, tmp_path: Path
) -> None:
    """Another corpus is another cache key; the same corpus is the same."""
    other = build_language_model(["Another text."], tmp_path / "other", None)
    prints = [SphinxRecognizer(one).fingerprint for one in (files, other)]
    assert prints[0] == recognizer.fingerprint != prints[1]


def test_missing_model_file_is_reported_when_waited_for(
    files: LanguageModelFiles, tmp_path: Path
) -> None:
    """A damaged folder is an error with a remedy, not a crash of the process."""
    parts = LanguageModelFiles(tmp_path / "no.lm", files.questions_lm, files.dictionary, 1, "0")
    made = SphinxRecognizer(parts)
    with pytest.raises(SphinxError, match=r"cannot read the language model no\.lm"):
        made.wait_until_ready()
    made.close()


def test_unknown_option_is_named() -> None:
    """A mistyped option does not reach the decoder silently."""
    with pytest.raises(SphinxError, match="no option 'beem'"):
        SphinxDecoder(SphinxLibrary(), {"beem": "1"})


def test_pool_lends_no_decoder_twice(files: LanguageModelFiles) -> None:
    """Two lent at once are two decoders; close takes back all of them."""
    library = SphinxLibrary()
    options = {"hmm": str(wheel_model().acoustic), "dict": str(files.dictionary)}
    parts = [WeightedModel(files.corpus_lm, 1.0)]
    pool = DecoderPool(lambda: SphinxDecoder(library, options, parts), 2)
    with pool.lent() as first, pool.lent() as second:
        assert first is not second
    pool.close()

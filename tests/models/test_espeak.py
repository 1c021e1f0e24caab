"""espeak-ng from the piper-tts wheel speaks, spells, and keeps its state apart for each caller."""

import importlib.machinery
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.espeak import EspeakLibrary, EspeakSynthesizer, EspeakUnavailableError
from models.piper import PiperSynthesizer
from models.tts import MAXIMUM_SENTENCE_CHARACTERS, SynthesisError
from tests.model_makers.stub_piper import make_stub_voice
from tests.models.sound import likeness

SENTENCE = "You can return an unused item within thirty days of delivery."


@pytest.fixture(scope="module")
def library() -> EspeakLibrary:
    return EspeakLibrary()


@pytest.fixture(scope="module")
def voice(library: EspeakLibrary) -> EspeakSynthesizer:
    return EspeakSynthesizer(library)


def level_dbfs(samples: NDArray[np.int16]) -> float:
    return float(20 * np.log10(np.sqrt(np.mean((samples / 32768) ** 2))))


@pytest.mark.parametrize(
    "sentence",
    [SENTENCE, "Hello.", "Is it open on Monday?", "The museum, which is small, is free."],
)
def test_a_sentence_sounds_like_speech_in_level_and_length(
    voice: EspeakSynthesizer, sentence: str
) -> None:
    speech = voice.synthesise(sentence)
    assert speech.rate_hz == voice.rate_hz == 22_050
    assert speech.samples.dtype == np.int16
    assert -27 < level_dbfs(speech.samples) < -17
    assert np.abs(speech.samples.astype(int)).max() < 0.9 * 32768
    assert 200 < speech.duration_ms / len(sentence.split()) < 700


def test_the_ends_are_trimmed_and_quiet(voice: EspeakSynthesizer) -> None:
    samples = np.abs(voice.synthesise(SENTENCE).samples.astype(int))
    loud = np.flatnonzero(samples > 300)
    assert samples[0] == samples[-1] == 0
    assert loud[0] < 0.05 * 22_050
    assert len(samples) - loud[-1] < 0.05 * 22_050


def test_speed_changes_the_duration_in_proportion(voice: EspeakSynthesizer) -> None:
    usual, slow, fast = (voice.synthesise(SENTENCE, speed).duration_ms for speed in (1, 0.5, 2))
    assert slow / usual == pytest.approx(2, rel=0.2)
    assert usual / fast == pytest.approx(2, rel=0.2)
    assert voice.synthesise(SENTENCE, 4.0).duration_ms > 200


def test_a_rate_does_not_leak_into_the_next_call(voice: EspeakSynthesizer) -> None:
    before = voice.synthesise(SENTENCE).duration_ms
    voice.synthesise(SENTENCE, 3.0)
    assert voice.synthesise(SENTENCE).duration_ms == pytest.approx(before, rel=0.02)


@pytest.mark.parametrize(
    "sentence", ["", "  \n", "...", "\x00\x01", "\ud800", "\u202e", "😀", "?!", "-"]
)
def test_nothing_to_say_gives_no_samples(voice: EspeakSynthesizer, sentence: str) -> None:
    speech = voice.synthesise(sentence)
    assert len(speech.samples) == 0
    assert speech.engine == voice.name


@pytest.mark.parametrize(
    "sentence",
    ["He\x00llo", "\ud800Hello", "\u202eHello\u202c", "[[h@l'oU]] <b>Hello</b>", "Hello " * 300],
)
def test_hostile_sentences_are_spoken_all_the_same(voice: EspeakSynthesizer, sentence: str) -> None:
    assert voice.synthesise(sentence).duration_ms > 200


def test_a_sentence_beyond_the_limit_is_refused(voice: EspeakSynthesizer) -> None:
    with pytest.raises(ValueError, match="too long"):
        voice.synthesise("a" * (MAXIMUM_SENTENCE_CHARACTERS + 1))


def test_an_unknown_voice_is_refused_by_name(library: EspeakLibrary) -> None:
    with pytest.raises(ValueError, match="no voice named 'xx-klingon'"):
        EspeakSynthesizer(library, voice="xx-klingon")
    with pytest.raises(SynthesisError, match="no voice named 'xx-klingon'"):
        library.phonemes_of("hello", "xx-klingon")


def test_another_voice_sounds_different_and_has_another_fingerprint(
    library: EspeakLibrary, voice: EspeakSynthesizer
) -> None:
    british = EspeakSynthesizer(library, voice="en")
    slower = EspeakSynthesizer(library, words_per_minute=120)
    assert len({voice.fingerprint, british.fingerprint, slower.fingerprint}) == 3
    assert british.name == "espeak-ng en"
    heard = likeness(british.synthesise(SENTENCE).samples, voice.synthesise(SENTENCE).samples)
    assert heard < 0.95


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("hello", "həlˈoʊ"),
        ("harbour", "hˈɑːɹbɚ"),
        ("harbour, ferry", "hˈɑːɹbɚ fˈɛɹi"),
        ("", ""),
        ("...", ""),
        ("\x00\ud800", ""),
    ],
)
def test_words_have_their_phonemes(library: EspeakLibrary, text: str, phonemes: str) -> None:
    assert library.phonemes_of(text) == phonemes


def test_a_missing_wheel_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EspeakUnavailableError, match="install the package piper-tts"):
        EspeakLibrary()


def test_a_wheel_with_a_broken_library_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "espeakbridge.so").write_bytes(b"not a library")
    spec = importlib.machinery.ModuleSpec("piper", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(EspeakUnavailableError, match=r"espeakbridge\.so cannot be used"):
        EspeakLibrary()


def test_speech_phonemes_and_piper_from_four_threads_give_what_they_give_alone(
    library: EspeakLibrary, tmp_path: Path
) -> None:
    """One lock: without it a like mixture of four threads ended in a segmentation fault."""
    piper = PiperSynthesizer(make_stub_voice(tmp_path / "stub.onnx"), library)
    texts = {
        "en-us": SENTENCE,
        "de": "Am nächsten Morgen war der Himmel grau, und niemand kam.",
        "en": "The ferry leaves from the old pier every hour until nine.",
    }
    sounds = {name: library.speak(text, name, 165).samples for name, text in texts.items()}
    phonemes = {name: library.phonemes_of(text, name) for name, text in texts.items()}
    piper_sounds = {text: piper.synthesise(text).samples for text in texts.values()}

    def is_as_alone(turn: int) -> bool:
        name = list(texts)[turn % 3]
        if turn % 4 == 0:
            sound = library.speak(texts[name], name, 165).samples
            is_as_long = abs(len(sound) / len(sounds[name]) - 1) < 0.01
            return is_as_long and likeness(sound, sounds[name]) > 0.96
        if turn % 4 == 1:
            return np.array_equal(piper.synthesise(texts[name]).samples, piper_sounds[texts[name]])
        return library.phonemes_of(texts[name], name) == phonemes[name]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(is_as_alone, range(240)))
    assert results == [True] * 240


def test_a_second_library_object_shares_the_lock_of_the_first(library: EspeakLibrary) -> None:
    other = EspeakLibrary()
    with ThreadPoolExecutor(1) as pool:
        with library.exclusive():
            waiting = pool.submit(other.phonemes_of, "hello")
            assert other._state.locked()
            assert not waiting.done()
        assert waiting.result(10) == "həlˈoʊ"

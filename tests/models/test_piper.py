"""The real Piper code speaks with a voice that is loaded, warmed, bounded and safe from threads."""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from models.espeak import EspeakLibrary
from models.piper import PiperSynthesizer, VoiceError
from models.tts import SynthesisError
from tests.model_makers.stub_piper import make_stub_voice, voice_settings

SENTENCE = "You can return an unused item within thirty days."


@pytest.fixture(scope="module")
def library() -> EspeakLibrary:
    return EspeakLibrary()


@pytest.fixture(scope="module")
def voice_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_stub_voice(tmp_path_factory.mktemp("voice") / "en_US-stub-low.onnx")


@pytest.fixture(scope="module")
def voice(voice_path: Path, library: EspeakLibrary) -> PiperSynthesizer:
    return PiperSynthesizer(voice_path, library)


def test_a_sentence_lasts_as_long_as_its_phonemes(
    voice: PiperSynthesizer, library: EspeakLibrary
) -> None:
    """The stub gives 50 ms to each phoneme and, as VITS voices do, to each pad between them."""
    speech = voice.synthesise(SENTENCE)
    phonemes = len(library.phonemes_of(SENTENCE)) + 1
    assert speech.rate_hz == voice.rate_hz == 16_000
    assert speech.duration_ms == pytest.approx(100 * phonemes, rel=0.1)
    assert speech.engine == voice.name == "piper en_US-stub-low"


def test_speed_divides_the_length_scale(voice: PiperSynthesizer) -> None:
    usual, slow, fast = (voice.synthesise(SENTENCE, speed).duration_ms for speed in (1, 0.5, 2))
    assert slow / usual == pytest.approx(2, rel=0.05)
    assert usual / fast == pytest.approx(2, rel=0.05)


def test_the_level_is_evened_unless_it_is_to_be_kept(
    library: EspeakLibrary, tmp_path: Path
) -> None:
    path = make_stub_voice(tmp_path / "soft.onnx", amplitude=0.06)
    kept = PiperSynthesizer(path, library, is_levelled=False)
    evened = PiperSynthesizer(path, library)
    assert np.abs(kept.synthesise(SENTENCE).samples).max() == pytest.approx(0.06 * 32767, rel=0.01)
    assert np.abs(evened.synthesise(SENTENCE).samples).max() > 2 * 0.06 * 32767
    assert kept.fingerprint != evened.fingerprint


def test_two_sentences_in_one_text_are_both_spoken(voice: PiperSynthesizer) -> None:
    together = voice.synthesise("The pier is old. The ferry is new.").duration_ms
    apart = [voice.synthesise(s).duration_ms for s in ("The pier is old.", "The ferry is new.")]
    assert together == pytest.approx(sum(apart), rel=0.1)


@pytest.mark.parametrize("sentence", ["", " \n", "...", "?!", "\x00", "\ud800", "😀", "[[]]"])
def test_nothing_to_say_gives_no_samples(voice: PiperSynthesizer, sentence: str) -> None:
    """Piper's own phonemizer raises on NUL and lone surrogates; blank text it speaks as a pad."""
    assert len(voice.synthesise(sentence).samples) == 0


@pytest.mark.parametrize("sentence", ["He\x00llo", "\ud800Hello", "\u202eHello", "Hello 😀"])
def test_unspeakable_characters_change_nothing(voice: PiperSynthesizer, sentence: str) -> None:
    plain = voice.synthesise("Hello").samples
    assert np.array_equal(voice.synthesise(sentence.strip()).samples, plain)


def test_brackets_are_not_taken_for_raw_phonemes(voice: PiperSynthesizer) -> None:
    assert np.array_equal(
        voice.synthesise("say [[hello]] now").samples, voice.synthesise("say hello now").samples
    )


def test_the_network_runs_outside_the_lock(
    voice: PiperSynthesizer, library: EspeakLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one thread is inside the network, another may have phonemes."""
    inside, may_go_on = threading.Event(), threading.Event()
    run = voice._voice.phoneme_ids_to_audio

    def held(*arguments: Any, **named: Any) -> object:
        inside.set()
        assert may_go_on.wait(10)
        return run(*arguments, **named)

    monkeypatch.setattr(voice._voice, "phoneme_ids_to_audio", held)
    speaking = threading.Thread(target=voice.synthesise, args=(SENTENCE,))
    speaking.start()
    assert inside.wait(10)
    assert library.phonemes_of("hello") == "həlˈoʊ"
    may_go_on.set()
    speaking.join(10)
    assert not speaking.is_alive()


def test_the_session_takes_the_threads_it_was_given_and_never_spins(
    voice_path: Path, library: EspeakLibrary
) -> None:
    options = PiperSynthesizer(voice_path, library, threads=1)._voice.session.get_session_options()
    assert options.intra_op_num_threads == 1
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert not options.enable_mem_pattern


def test_the_fingerprint_follows_the_files(
    voice: PiperSynthesizer, library: EspeakLibrary, tmp_path: Path
) -> None:
    same = PiperSynthesizer(make_stub_voice(tmp_path / "same.onnx"), library)
    other = PiperSynthesizer(make_stub_voice(tmp_path / "other.onnx", tone_samples=400), library)
    assert voice.fingerprint == same.fingerprint != other.fingerprint


@pytest.mark.parametrize("missing", ["voice.onnx", "voice.onnx.json"])
def test_a_missing_file_is_named(library: EspeakLibrary, tmp_path: Path, missing: str) -> None:
    path = make_stub_voice(tmp_path / "voice.onnx")
    (tmp_path / missing).unlink()
    with pytest.raises(VoiceError, match=rf"{missing} is missing"):
        PiperSynthesizer(path, library)


@pytest.mark.parametrize("settings", ["", "{", "[]", "{}", '{"num_symbols": 1}', "\\xff", "null"])
def test_settings_that_are_none_are_refused(
    library: EspeakLibrary, tmp_path: Path, settings: str
) -> None:
    path = make_stub_voice(tmp_path / "voice.onnx")
    (tmp_path / "voice.onnx.json").write_text(settings)
    with pytest.raises(VoiceError, match="does not describe a Piper voice"):
        PiperSynthesizer(path, library)


def test_a_voice_with_other_phonemes_is_refused(library: EspeakLibrary, tmp_path: Path) -> None:
    path = make_stub_voice(tmp_path / "voice.onnx")
    settings = voice_settings(16_000) | {"phoneme_type": "pinyin"}
    (tmp_path / "voice.onnx.json").write_text(json.dumps(settings))
    with pytest.raises(VoiceError, match="wants pinyin phonemes"):
        PiperSynthesizer(path, library)


@pytest.mark.parametrize("keep_bytes", [0, 100, 2000])
def test_a_cut_network_is_refused(library: EspeakLibrary, tmp_path: Path, keep_bytes: int) -> None:
    path = make_stub_voice(tmp_path / "voice.onnx")
    path.write_bytes(path.read_bytes()[:keep_bytes])
    with pytest.raises(VoiceError, match="not an ONNX network"):
        PiperSynthesizer(path, library)


def test_a_network_that_fails_says_so_without_the_sentence(
    voice_path: Path, library: EspeakLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = PiperSynthesizer(voice_path, library)
    monkeypatch.setattr(voice._voice, "phonemes_to_ids", lambda phonemes: [999_999])
    onnxruntime.set_default_logger_severity(4)
    with pytest.raises(SynthesisError, match="failed on") as caught:
        voice.synthesise("My secret.")
    onnxruntime.set_default_logger_severity(2)
    assert "secret" not in str(caught.value)


def test_word_ends_come_from_the_networks_own_durations(
    library: EspeakLibrary, tmp_path: Path
) -> None:
    """A voice whose network rounds durations gives them up, though its file names no such output.

    Every phoneme of the stub lasts alike, so a word ends where its phonemes do.
    """
    path = make_stub_voice(tmp_path / "stub.onnx", tone_samples=768, has_durations=True)
    voice = PiperSynthesizer(path, library)
    assert voice.is_aligned
    speech = voice.synthesise("Harbour ferry.")
    first, last = speech.word_ends
    phonemes = [len(library.phonemes_of(word)) for word in ("harbour", "ferry")]
    # Each phoneme and its pad last 2 * 768 samples; the start sign and its pad are trimmed away.
    assert first == pytest.approx(2 * 768 * phonemes[0], abs=768)
    assert last == pytest.approx(len(speech.samples) - 768 * 2, abs=2 * 768)


def test_without_durations_words_share_the_time_by_their_phonemes(voice: PiperSynthesizer) -> None:
    """The estimate names every word, in order, inside the sound."""
    assert not voice.is_aligned
    speech = voice.synthesise(SENTENCE)
    assert len(speech.word_ends) == len(SENTENCE.split())
    assert list(speech.word_ends) == sorted(speech.word_ends)
    assert 0 < speech.word_ends[0] < speech.word_ends[-1] <= len(speech.samples)

"""The true faster-whisper path, driven by models that say a chosen sentence."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio.pcm import Samples
from models.whisper import HOTWORD_TOKENS, CropSettings, WhisperRecognizer
from tests.model_makers.canned_whisper import make_canned_whisper

SENTENCE = "What time does the last ferry leave?"
REPEATING = "again and " * 12


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> WhisperRecognizer:
    return WhisperRecognizer(make_canned_whisper(tmp_path_factory.mktemp("canned"), SENTENCE))


@pytest.fixture(scope="module")
def repeating(tmp_path_factory: pytest.TempPathFactory) -> WhisperRecognizer:
    return WhisperRecognizer(make_canned_whisper(tmp_path_factory.mktemp("looping"), REPEATING))


def speech_of(seconds: float) -> Samples:
    noise = np.random.default_rng(0).normal(0, 0.1, int(seconds * 16_000))
    return noise.astype(np.float32)


def encoded_frames(recognizer: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for every run of the true encoder: its number of mel frames."""
    frames: list[int] = []
    inner = recognizer._model.model

    class Counting:
        def encode(self, features: Any, **options: Any) -> Any:
            frames.append(int(features.shape[-1]))
            return inner.encode(features, **options)

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

    monkeypatch.setattr(recognizer._model, "model", Counting())
    return frames


def test_meaningful_words_come_through_the_true_path(recognizer: WhisperRecognizer) -> None:
    """Features, encoder, decoder, tokenizer and segment logic of faster-whisper give the
    sentence.
    """
    transcript = recognizer.recognise(speech_of(5))
    assert transcript.text == SENTENCE
    assert transcript.audio_ms == 5000
    assert 0 < transcript.confidence <= 1
    assert transcript.details["rerun_padded"] is False


@pytest.mark.parametrize(
    ("seconds", "frames"), [(4.0, 656), (5.0, 756), (5.001, 758), (29.0, 3000)]
)
def test_encoder_gets_speech_and_margin_only(
    recognizer: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch, seconds: float, frames: int
) -> None:
    """The frames that reach CTranslate2 are the speech and 256 more, even, at most 3,000."""
    seen = encoded_frames(recognizer, monkeypatch)
    assert recognizer.recognise(speech_of(seconds)).details["encoder_frames"] == frames
    assert seen == [frames]


def test_repeating_output_is_made_again_padded(
    repeating: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad cropped reading costs one padded rerun, and the transcript says so."""
    seen = encoded_frames(repeating, monkeypatch)
    transcript = repeating.recognise(speech_of(3))
    assert seen == [556, 3000]
    assert transcript.details["rerun_padded"] is True


def test_compression_ratio_alone_causes_the_rerun(repeating: WhisperRecognizer) -> None:
    """With room for every token it is the repetition that tells."""
    transcript = repeating.recognise(speech_of(26))
    assert transcript.details["rerun_padded"] is True
    assert float(transcript.details["compression_ratio"]) > 2.4


def test_output_as_long_as_the_token_limit_is_made_again(recognizer: WhisperRecognizer) -> None:
    """A sentence too long for so little speech is not believed at once."""
    transcript = recognizer.recognise(speech_of(0.5))
    assert transcript.details["rerun_padded"] is True
    assert int(transcript.details["tokens"]) >= 16


def test_no_second_rerun_when_the_first_was_padded(
    repeating: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An utterance that fills 30 s has nothing to gain."""
    seen = encoded_frames(repeating, monkeypatch)
    repeating.recognise(speech_of(29))
    assert seen == [3000]


def test_threads_share_the_model_without_sharing_the_crop(
    recognizer: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Utterances of different lengths at once each keep their own number of frames."""
    seen = encoded_frames(recognizer, monkeypatch)
    seconds = [4.0, 5.0, 8.0, 6.0] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda s: recognizer.recognise(speech_of(s)), seconds))
    expected = [round(100 * s) + 256 for s in seconds]
    assert [transcript.details["encoder_frames"] for transcript in found] == expected
    assert sorted(seen) == sorted(expected)
    assert {transcript.text for transcript in found} == {SENTENCE}


def test_nothing_said_is_the_empty_text(recognizer: WhisperRecognizer) -> None:
    """No samples cost no model run."""
    assert recognizer.recognise(np.zeros(0, np.float32)).text == ""


def test_crop_is_even_and_bounded() -> None:
    """Whatever the length: even, never under the floor, never over 3,000."""
    crop = CropSettings(margin_frames=129, floor_frames=301)
    counts = [crop.frames_for(samples) for samples in range(0, 600_000, 977)]
    assert all(count % 2 == 0 and 302 <= count <= 3000 for count in counts)
    assert counts == sorted(counts)


@pytest.mark.parametrize(
    "settings", [{"margin_frames": 127}, {"floor_frames": 299}, {"floor_frames": 3001}]
)
def test_unsafe_crops_are_refused(settings: dict[str, int]) -> None:
    """Margins and floors known to make Whisper loop cannot be set."""
    with pytest.raises(ValueError, match="frames must be"):
        CropSettings(**settings)


def test_missing_model_says_what_is_missing(tmp_path: Path) -> None:
    """The message names the folder and the file."""
    with pytest.raises(FileNotFoundError, match=r"model\.bin is missing"):
        WhisperRecognizer(tmp_path)


def test_fingerprint_changes_with_model_and_crop(tmp_path: Path) -> None:
    """What may change the words changes the cache key."""
    one = make_canned_whisper(tmp_path / "one", "yes")
    two = make_canned_whisper(tmp_path / "two", "no")
    prints = {
        WhisperRecognizer(one).fingerprint,
        WhisperRecognizer(two).fingerprint,
        WhisperRecognizer(one, crop=CropSettings(margin_frames=128)).fingerprint,
    }
    assert len(prints) == 3
    assert WhisperRecognizer(one).fingerprint in prints


HOTWORDS = ("Zyzzoria Light", "Brannick")


def asked_prompts(recognizer: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one for every run of the true decoder: what stands before its first token."""
    prompts: list[str] = []
    inner = recognizer._model.model
    tokenizer = recognizer._model.hf_tokenizer

    class Listening:
        def generate(self, encoded: Any, asked: list[list[int]], **options: Any) -> Any:
            prompts.append(tokenizer.decode(asked[0], skip_special_tokens=False))
            return inner.generate(encoded, asked, **options)

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

    monkeypatch.setattr(recognizer._model, "model", Listening())
    return prompts


def test_hotwords_reach_the_decoder_as_words_said_before(
    recognizer: WhisperRecognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are in its prompt: a model that counts its positions says all only behind them.

    Whether they make it hear better takes true weights, and is not shown here.
    """
    told = recognizer.with_hotwords(HOTWORDS)
    before = 1 + told._token_count(HOTWORDS)  # with <|startofprev|>
    counting = WhisperRecognizer(make_canned_whisper(tmp_path, SENTENCE, 2 + before))
    assert counting.recognise(speech_of(5)).text != SENTENCE
    expecting = counting.with_hotwords(HOTWORDS)
    prompts = asked_prompts(expecting, monkeypatch)
    transcript = expecting.recognise(speech_of(5))
    assert transcript.text == SENTENCE
    assert transcript.details["hotwords"] == 2
    assert prompts == [
        "<|startofprev|> Zyzzoria Light, Brannick<|startoftranscript|><|notimestamps|>"
    ]


def test_hotwords_are_bounded_and_never_cut(recognizer: WhisperRecognizer) -> None:
    """The first that fit are told, whole, whatever is asked for."""
    many = [f"Brannick{number}" for number in range(500)]
    told = recognizer.with_hotwords(many)
    assert 1 < len(told.hotwords) < 500
    assert list(told.hotwords) == many[: len(told.hotwords)]
    assert told._token_count(told.hotwords) <= HOTWORD_TOKENS
    assert told._token_count([*told.hotwords, many[len(told.hotwords)]]) > HOTWORD_TOKENS


def test_hotwords_are_part_of_the_fingerprint(recognizer: WhisperRecognizer) -> None:
    """What was heard without them is not what is heard with them; the crop keeps them."""
    told = recognizer.with_hotwords(HOTWORDS)
    prints = {recognizer.fingerprint, told.fingerprint, told.with_hotwords(["Other"]).fingerprint}
    assert len(prints) == 3
    assert told.with_hotwords(()).fingerprint == recognizer.fingerprint
    assert told.with_crop(CropSettings()).fingerprint == told.fingerprint
    assert recognizer.hotwords == ()


def test_a_loop_ends_at_the_same_token_with_hotwords(repeating: WhisperRecognizer) -> None:
    """A prompt does not double what a repeating decoder may make before it is stopped."""
    usual = int(repeating.recognise(speech_of(3)).details["tokens"])
    told = repeating.with_hotwords(["Zyzzoria"] * 3)
    assert int(told.recognise(speech_of(3)).details["tokens"]) == usual

"""Real people and a real kitchen, from the resampler to the endpointer."""

from __future__ import annotations

import numpy as np
import pytest

from audio.endpoint import (
    SAMPLES_PER_MS,
    Endpointer,
    EndpointEvent,
    EndpointSettings,
    SpeechStarted,
    UtteranceEnded,
)
from audio.pcm import Samples, level_dbfs
from audio.vad import VadModel, VadStream
from tests.audio.sounds import order_names, recording, silence, white_noise

PEOPLE = ["jfk.flac", *(f"librivox-{number}.flac" for number in ("0870", "0880", "0890", "0930"))]


def listen(model: VadModel, sound: Samples, frame_samples: int = 320) -> list[EndpointEvent]:
    """Hear a sound in frames as a client sends it, with a second of silence after it."""
    stream, endpointer = VadStream(model), Endpointer(EndpointSettings(silence_ms=800))
    whole = np.concatenate([sound, silence(1.0)])
    return [
        event
        for start in range(0, len(whole), frame_samples)
        for window in stream.push(whole[start : start + frame_samples])
        for event in endpointer.push(window)
    ]


def utterances(events: list[EndpointEvent]) -> list[UtteranceEnded]:
    return [event for event in events if isinstance(event, UtteranceEnded)]


@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_is_heard_and_the_loud_part_lies_within_the_utterances(
    vad_model: VadModel, name: str
) -> None:
    sound = recording(name)
    heard = utterances(listen(vad_model, sound))
    outside = np.concatenate([sound, silence(1.0)])
    for utterance in heard:
        outside[utterance.start_sample : utterance.speech_end_sample] = 0
    assert heard
    assert level_dbfs(outside) < level_dbfs(sound) - 20


@pytest.mark.parametrize("name", order_names() or ["orders/000.flac"])
def test_every_order_is_heard_within_its_first_words(vad_model: VadModel, name: str) -> None:
    events = listen(vad_model, recording(name))
    assert isinstance(events[0], SpeechStarted)
    longest = max(utterances(events), key=lambda utterance: len(utterance.samples))
    assert longest.speech_end_sample - longest.start_sample > 800 * SAMPLES_PER_MS


@pytest.mark.parametrize("gain", [1, 4, 16, 64])
def test_a_kitchen_makes_no_turn_however_loud(vad_model: VadModel, gain: int) -> None:
    kitchen = recording("kitchen-noise.flac") * np.float32(gain)
    assert listen(vad_model, np.clip(kitchen, -1.0, 1.0)) == []


@pytest.mark.parametrize(
    ("gain", "offset", "noise"),
    [(0.03, 0.0, 0.0), (10.0, 0.0, 0.0), (1.0, 0.3, 0.0), (1.0, 0.0, 0.01)],
    ids=["faint", "clipped", "DC offset", "white noise"],
)
def test_a_person_is_heard_through_a_bad_microphone(
    vad_model: VadModel, gain: float, offset: float, noise: float
) -> None:
    sound = np.concatenate([silence(0.5), recording("librivox-0880.flac")])
    bad = np.float32(gain) * sound + np.float32(offset)
    bad = np.clip(bad + white_noise(len(sound) / 16_000, noise)[: len(sound)], -1.0, 1.0)
    heard = utterances(listen(vad_model, bad))
    assert len(heard) == 1
    assert heard[0].speech_end_sample - heard[0].start_sample > 2_000 * SAMPLES_PER_MS


@pytest.mark.parametrize("frame_samples", [1, 160, 4_096, 10**6])
def test_the_frames_of_a_client_do_not_matter(vad_model: VadModel, frame_samples: int) -> None:
    sound = recording("librivox-0930.flac")[:24_000]
    spans = [
        [(u.start_sample, u.speech_end_sample, u.end_sample) for u in utterances(events)]
        for events in (listen(vad_model, sound), listen(vad_model, sound, frame_samples))
    ]
    assert spans[0]
    assert spans[1] == spans[0]


def test_a_monologue_is_cut_and_none_of_it_is_lost(vad_model: VadModel) -> None:
    monologue = np.tile(recording("librivox-0920.flac"), 11)
    heard = utterances(listen(vad_model, monologue))
    assert len(heard) >= 2
    joined = np.concatenate([utterance.samples for utterance in heard])
    first, last = heard[0].start_sample, heard[-1].end_sample
    assert np.array_equal(joined, np.concatenate([monologue, silence(1.0)])[first:last])

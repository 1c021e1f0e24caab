"""What one session starts with, how its ears hear by its config, and what it tells of itself.

It holds no session.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audio.endpoint import EndpointSettings
from server.answering.conversation import Conversation, ConversationLimits
from server.engines.room import Engines
from server.errors import InvalidEvent
from server.hearing.ears import RATE_HZ, EarSettings
from server.hearing.endpointing import WaitLimits
from server.items import Items
from server.parking import Place
from server.settings import Settings
from server.surroundings import Surroundings
from server.wire.audio_formats import STOCK_RATE_HZ, AudioFormat, Coding
from server.wire.detection import Detection, DetectionType, Eagerness
from server.wire.dialect import OWN, Dialect
from server.wire.narrowing import describe_narrowing
from server.wire.outbox import Outbox
from server.wire.session_config import SessionConfig, SessionType
from server.wire.session_update import Surround

STOCK_SILENCE_MS = 500
"""The protocol's own default for server_vad."""
_EAGER_SHARE: Mapping[Eagerness, float] = {Eagerness.HIGH: 0.6, Eagerness.LOW: 2.0}
"""Of the longest wait; the protocol's own longest are 2, 4 and 8 s."""


def default_detection(settings: Settings, dialect: Dialect) -> Detection:
    """Return how a session detects turns before its client says anything."""
    is_semantic = settings.endpoint_by_words and not dialect.is_stock
    return Detection(
        DetectionType.SEMANTIC_VAD if is_semantic else DetectionType.SERVER_VAD,
        settings.vad_onset,
        settings.endpoint_prefix_ms,
        STOCK_SILENCE_MS if dialect.is_stock else settings.endpoint_silence_ms,
    )


def first_config(settings: Settings, dialect: Dialect, rate_hz: int) -> SessionConfig:
    """Return what a session is set to at its start; `rate_hz` is the voice's own."""
    is_stock = dialect.is_stock
    heard_hz, spoken_hz = (STOCK_RATE_HZ,) * 2 if is_stock else (RATE_HZ, rate_hz)
    is_transcribing = dialect.is_transcription
    return SessionConfig(
        AudioFormat(Coding.PCM, heard_hz),
        AudioFormat(Coding.PCM, spoken_hz),
        settings.speech_speed,
        default_detection(settings, dialect),
        model=dialect.model,
        type=SessionType.TRANSCRIPTION if is_transcribing else SessionType.REALTIME,
        transcription=None if is_stock and not is_transcribing else {},
    )


def items_of(place: Place, session_id: str, outbox: Outbox, settings: Settings) -> Items:
    """Return the conversation that a session goes on with, an empty one when it begins."""
    if place.parked is not None:
        return place.parked.items.moved_to(outbox)
    items = Items(session_id, outbox, conversation_of(settings))
    items.conversation.resume(place.window)
    return items


def conversation_of(settings: Settings) -> Conversation:
    """Return the empty conversation of a session that begins."""
    ttl_s = settings.conversation_ttl_hours * 3600
    return Conversation(ConversationLimits(settings.conversation_max_messages, ttl_s))


def ear_settings(settings: Settings, config: SessionConfig | None = None) -> EarSettings:
    """Return how to hear by a config, None for that of /ws before its client says anything.

    Raises InvalidEvent when its times do not fit together.
    """
    config = config or first_config(settings, OWN, RATE_HZ)
    detection = config.detection
    onset = detection.threshold if detection else settings.vad_onset
    try:
        endpoint = EndpointSettings(
            silence_ms=detection.silence_duration_ms if detection else settings.endpoint_silence_ms,
            prefix_ms=detection.prefix_padding_ms if detection else settings.endpoint_prefix_ms,
            maximum_utterance_ms=settings.utterance_maximum_s * 1000,
            continued_ms=settings.partial_every_ms if settings.partials else 0,
        )
    except ValueError as error:
        raise InvalidEvent(str(error), "session.audio.input.turn_detection") from None
    return EarSettings(
        onset,
        settings.vad_release if onset == settings.vad_onset else min(0.7 * onset, 0.35),
        endpoint,
        input_rate_hz=config.input_format.rate_hz,
        is_by_words=detection is not None and detection.type is DetectionType.SEMANTIC_VAD,
        is_automatic=detection is not None,
    )


def wait_limits(settings: Settings, config: SessionConfig) -> WaitLimits:
    """Return the shortest and longest wait of semantic_vad, by its eagerness."""
    detection = config.detection
    share = _EAGER_SHARE.get(detection.eagerness, 1.0) if detection else 1.0
    longest_ms = max(settings.endpoint_shortest_ms, round(settings.endpoint_longest_ms * share))
    return WaitLimits(settings.endpoint_shortest_ms, longest_ms)


@dataclass(slots=True)
class Setup:
    """What one session is set to, now."""

    session_id: str
    shared: Surroundings
    dialect: Dialect
    config: SessionConfig
    place: Place

    @classmethod
    def first(
        cls, session_id: str, shared: Surroundings, dialect: Dialect, place: Place
    ) -> "Setup":
        """Return how a session begins, or goes on."""
        rate_hz = shared.engine_room.current.synthesizer.rate_hz
        config = first_config(shared.settings, dialect, rate_hz)
        if place.parked is not None:
            config = place.parked.config
        return cls(session_id, shared, dialect, config, place)

    def engines(self, config: SessionConfig | None = None) -> Engines:
        """Return those of now, with the voice that the config, or else the session's, chose."""
        return self.shared.engine_room.current.speaking_as((config or self.config).voice)

    def around(self) -> Surround:
        """Return what a client's event is read against."""
        return Surround(
            self.config,
            default_detection(self.shared.settings, self.dialect),
            self.shared.engine_room.current.synthesizer.name,
            is_beta=self.dialect.is_beta,
            has_llm=self.shared.engine_room.current.answers is not None,
            other_voices=tuple(self.shared.engine_room.current.voice_names()[1:]),
        )

    def describe(self) -> dict[str, Any]:
        """Return the `session` object as this client is told it."""
        shared, engines = self.shared, self.engines()
        parley = {
            "version": shared.version,
            "preset": str(shared.settings.preset),
            "filter": describe_narrowing(self.config.narrowing),
            "engines": engines.names(),
            "notes": list(engines.notes),
            "voices": shared.engine_room.current.voice_names(),
            "index": engines.knowledge.describe(),
            "topics": list(engines.knowledge.topics),
            "resume": self.place.describe(),
            **shared.offers,
        }
        is_beta = self.dialect.is_beta
        tell = self.config.told_as_beta if is_beta else self.config.told_as
        return tell(self.session_id, engines.synthesizer.name, parley)

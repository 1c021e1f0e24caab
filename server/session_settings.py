"""What one session may set and what it tells of itself; it holds no session."""

from dataclasses import replace

from audio.endpoint import EndpointSettings
from rag.filter import Filter
from server.errors import InvalidEvent
from server.hearing.ears import EarSettings
from server.settings import Settings
from server.surroundings import Surroundings
from server.wire import client_events as asked
from server.wire import server_events as told
from server.wire.narrowing import describe_narrowing


def ear_settings(settings: Settings) -> EarSettings:
    """Return how a session hears before its client says anything."""
    return EarSettings(
        settings.vad_onset,
        settings.vad_release,
        EndpointSettings(
            silence_ms=settings.endpoint_silence_ms,
            prefix_ms=settings.endpoint_prefix_ms,
            maximum_utterance_ms=settings.utterance_maximum_s * 1000,
            continued_ms=settings.partial_every_ms if settings.partials else 0,
        ),
        is_by_words=settings.endpoint_by_words,
    )


def changed(now: EarSettings, event: asked.UpdateSession) -> EarSettings:
    """Return the settings with the client's wishes. Raises InvalidEvent when they do not fit."""
    onset = event.threshold or now.onset
    is_automatic = event.has_turn_detection
    try:
        endpoint = replace(
            now.endpoint,
            silence_ms=event.silence_ms or now.endpoint.silence_ms,
            prefix_ms=now.endpoint.prefix_ms if event.prefix_ms is None else event.prefix_ms,
        )
    except ValueError as error:
        raise InvalidEvent(str(error), "session.audio.input.turn_detection") from None
    return EarSettings(
        onset=onset,
        release=min(now.release, onset * 0.7),
        endpoint=endpoint,
        input_rate_hz=event.input_rate_hz or now.input_rate_hz,
        is_by_words=now.is_by_words if event.is_semantic is None else event.is_semantic,
        is_automatic=now.is_automatic if is_automatic is None else is_automatic,
    )


def describe_session(
    session_id: str,
    ears: EarSettings,
    shared: Surroundings,
    narrowing: Filter,
    voice: tuple[int, float],
) -> dict[str, object]:
    """Return the `session` object; `voice` is its rate in Hz and its speed."""
    rate_hz, speed = voice
    engines = shared.engine_room.current
    detection = told.Detection(
        ears.onset,
        ears.endpoint.prefix_ms,
        ears.endpoint.silence_ms,
        "semantic_vad" if ears.is_by_words else "server_vad",
    )
    return told.SessionShape(
        id=session_id,
        input_rate_hz=ears.input_rate_hz,
        output_rate_hz=rate_hz,
        voice=engines.synthesizer.name,
        speed=speed,
        detection=detection if ears.is_automatic else None,
        parley={
            "version": shared.version,
            "preset": str(shared.settings.preset),
            "filter": describe_narrowing(narrowing),
            "engines": engines.names(),
            "notes": list(engines.notes),
            "index": engines.knowledge.describe(),
        },
    ).wire()

"""What Parley tells a Wyoming client that it offers: the engines that run now. It runs none."""

from typing import Final

from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    HandleModel,
    HandleProgram,
    Info,
    TtsProgram,
    TtsVoice,
)

from server.surroundings import Surroundings
from server.wyoming.requests import LANGUAGE

PROGRAM: Final = "parley"
"""The same for all three, and for ever: Home Assistant names its entities by it."""

_PARLEY: Final = Attribution("Parley", "")


def describe(shared: Surroundings) -> Info:
    """Return the `info` event: the recogniser, the voices, and the answers."""
    engines, version = shared.engine_room.current, shared.version
    hears = AsrModel(engines.recognizer.name, _PARLEY, True, None, version, [LANGUAGE])
    speaks = [
        TtsVoice(name, _PARLEY, True, None, version, [LANGUAGE]) for name in engines.voice_names()
    ]
    answers = HandleModel("documents", _PARLEY, True, None, version, [LANGUAGE])
    return Info(
        asr=[
            AsrProgram(
                *(PROGRAM, _PARLEY, True, "Parley's ears", version, [hears]),
                requires_external_vad=not shared.settings.wyoming_endpoint,
            )
        ],
        tts=[
            TtsProgram(
                *(PROGRAM, _PARLEY, True, "Parley's voice", version, speaks),
                supports_synthesize_streaming=True,
            )
        ],
        handle=[
            HandleProgram(
                *(PROGRAM, _PARLEY, True, "Answers from your documents", version, [answers]),
                supports_handled_streaming=True,
            )
        ],
    )

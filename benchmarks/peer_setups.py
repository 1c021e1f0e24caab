"""How the peer's bots are set up, each choice with its reason; it starts none.

Read by benchmarks/peer_bot.py in the form that `write_config` gives it.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.standin import TOKENS, made, made_voice

LIBRARY_THREADS: Final = 0
"""As many as faster-whisper and onnxruntime take by themselves: Parley's peers ship so."""
VOICE_RATE_HZ: Final = 22_050


@dataclass(frozen=True, slots=True)
class PeerSetup:
    """What may differ between two bots of the same parts."""

    name: str
    speech_timeout_s: float | None
    """Silence behind the voice-activity model's own 0.2 s; None leaves it to Smart Turn."""
    beam_size: int | None
    """None is faster-whisper's default of 5, which WhisperSTTService gives no setting for."""
    threads: int
    """Of one call to recogniser or voice."""
    rate_hz: int
    """Of the answer's sound; another than the voice's own is resampled."""
    silent_voice_s: float
    """Without sound for so long an answer is given up, and after three the voice: pipecat's own
    guard against a service that is down, which on busy cores takes a slow one for it."""

    @property
    def said(self) -> str:
        """In words, for the result."""
        end = (
            "Smart Turn v3"
            if self.speech_timeout_s is None
            else f"{self.speech_timeout_s:g} s of speech timeout"
        )
        threads = f"{self.threads} a call" if self.threads else "as the libraries take them"
        return (
            f"turns end by 0.2 s of voice activity and {end}; beam {self.beam_size or 5}; "
            f"threads {threads}; {self.rate_hz} Hz; a silent voice is waited for "
            f"{self.silent_voice_s:g} s"
        )

    @property
    def variables(self) -> dict[str, str]:
        """Environment of its processes; the log's level spares it the cost of writing one."""
        quiet = {"LOGURU_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1"}
        if self.threads == LIBRARY_THREADS:
            return quiet
        return quiet | {"OMP_NUM_THREADS": str(self.threads), "OMP_WAIT_POLICY": "PASSIVE"}


def defaults() -> PeerSetup:
    """As pipecat documents it and its examples have it."""
    return PeerSetup("pipecat, defaults", None, None, LIBRARY_THREADS, 24_000, 3.0)


def tuned(threads: int) -> PeerSetup:
    """As fast as it can be without ending turns that people have not ended.

    A speech timeout under the time of a recognition costs nothing and is the least that lets a
    person go on; a beam of 1 is Parley's own; no resampling; a slow voice is waited for.
    """
    return PeerSetup("pipecat, tuned", 0.1, 1, threads, VOICE_RATE_HZ, 30.0)


def write_config(setup: PeerSetup, words: Path, path: Path) -> Path:
    """Write what benchmarks/peer_bot.py reads, with the stand-in weights that Parley's run loads.

    Makes the weights on the first call (3 s).
    """
    told = {
        **asdict(setup),
        "whisper": str(made("base.en")),
        "voice": str(made_voice()),
        "words": str(words),
        "tokens": TOKENS,
    }
    path.write_text(json.dumps(told, indent=1) + "\n")
    return path

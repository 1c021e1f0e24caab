"""How audio is coded on the wire: PCM16 at a rate, or G.711. It carries and resamples none."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from audio.g711 import decode_a_law, decode_mu_law, encode_a_law, encode_mu_law
from audio.rate import MAXIMUM_RATE_HZ, MINIMUM_RATE_HZ
from server.wire.fields import Fields

G711_RATE_HZ = 8_000
STOCK_RATE_HZ = 24_000
"""What `audio/pcm` means on /v1/realtime when no rate is told."""
MOST_CHANNELS = 1024
"""Beyond it a number of channels is a mistake of another kind."""


class Coding(StrEnum):
    """The names of the GA protocol."""

    PCM = "audio/pcm"
    MU_LAW = "audio/pcmu"
    A_LAW = "audio/pcma"


BETA_NAMES = {Coding.PCM: "pcm16", Coding.MU_LAW: "g711_ulaw", Coding.A_LAW: "g711_alaw"}


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """One direction's audio."""

    coding: Coding
    rate_hz: int

    def decode(self, coded: bytes) -> bytes:
        """Return little-endian PCM16; PCM16 passes as it is, even when malformed."""
        if self.coding is Coding.PCM:
            return coded
        decode = decode_mu_law if self.coding is Coding.MU_LAW else decode_a_law
        return decode(coded).astype("<i2").tobytes()

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """Return the bytes for the wire."""
        if self.coding is Coding.MU_LAW:
            return encode_mu_law(samples)
        if self.coding is Coding.A_LAW:
            return encode_a_law(samples)
        return samples.astype("<i2").tobytes()

    @property
    def beta_name(self) -> str:
        """Return the name that the beta had for it."""
        return BETA_NAMES[self.coding]

    def wire(self) -> dict[str, str | int]:
        """Return the `format` object."""
        rate = {"rate": self.rate_hz} if self.coding is Coding.PCM else {}
        return {"type": str(self.coding), **rate}


def read_format(parent: Fields, now: AudioFormat) -> AudioFormat:
    """Return `format` as an object (GA). Raises InvalidEvent naming what is not taken."""
    if parent.is_null("format") or not parent.has("format"):
        return now
    told = parent.child("format")
    if told.whole("channels", 1, MOST_CHANNELS) not in (None, 1):
        raise told.refuse("channels", "must be 1: mono is accepted.")
    coding = told.choice("type", Coding) or now.coding
    if coding is not Coding.PCM:
        told.whole("rate", G711_RATE_HZ, G711_RATE_HZ)
        return AudioFormat(coding, G711_RATE_HZ)
    rate_hz = told.whole("rate", MINIMUM_RATE_HZ, MAXIMUM_RATE_HZ)
    default_hz = now.rate_hz if now.coding is Coding.PCM else STOCK_RATE_HZ
    return AudioFormat(coding, rate_hz or default_hz)


def read_beta_format(parent: Fields, name: str, now: AudioFormat) -> AudioFormat:
    """Return a format by its beta name: pcm16, g711_ulaw or g711_alaw."""
    told = parent.text(name, 40)
    if told is None:
        return now
    for coding, beta_name in BETA_NAMES.items():
        if told == beta_name:
            is_pcm = coding is Coding.PCM
            return AudioFormat(coding, STOCK_RATE_HZ if is_pcm else G711_RATE_HZ)
    raise parent.refuse(name, f"must be one of {', '.join(BETA_NAMES.values())}.")

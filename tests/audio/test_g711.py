"""audio/g711.py: the tables of ITU-T G.711, both ways."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from audio.g711 import decode_a_law, decode_mu_law, encode_a_law, encode_mu_law

Decode = Callable[[bytes], NDArray[np.int16]]
Encode = Callable[[NDArray[np.int16]], bytes]

LAWS = [(decode_mu_law, encode_mu_law), (decode_a_law, encode_a_law)]


def test_known_codes_of_the_standard() -> None:
    """Silence, the extremes and the smallest steps, as the recommendation's tables have them."""
    assert decode_mu_law(bytes([0xFF, 0x7F, 0x00, 0x80, 0xFE])).tolist() == [
        0,
        0,
        -32124,
        32124,
        8,
    ]
    assert decode_a_law(bytes([0xD5, 0x55, 0x2A, 0xAA, 0xD4])).tolist() == [
        8,
        -8,
        -32256,
        32256,
        24,
    ]


@pytest.mark.parametrize(("decode", "encode"), LAWS)
def test_what_was_decoded_is_encoded_without_loss(decode: Decode, encode: Encode) -> None:
    """All 256 codes; mu-law's two zeros are one."""
    values = decode(bytes(range(256)))
    assert decode(encode(values)).tolist() == values.tolist()


@pytest.mark.parametrize(("decode", "encode"), LAWS)
def test_every_sample_is_within_its_step(decode: Decode, encode: Encode) -> None:
    """At most 4.2% off, or half of the smallest step; nothing wraps round at full scale."""
    samples = np.arange(-32768, 32768).astype(np.int16)
    error = np.abs(decode(encode(samples)).astype(int) - samples)
    assert (error <= np.maximum(8, 0.042 * np.abs(samples.astype(int)))).all()

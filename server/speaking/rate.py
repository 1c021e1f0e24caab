"""A stretch of speech at another sample rate, its words' ends with it. It plays none."""

import asyncio
from dataclasses import replace

from audio.pcm import to_float, to_int16
from audio.resample import resample
from models.tts import Speech


def at_rate(speech: Speech, rate_hz: int) -> Speech:
    """Return the speech at that rate: the same when it has it. About 1 ms a second of sound."""
    if speech.rate_hz == rate_hz or not len(speech.samples):
        return speech if len(speech.samples) else replace(speech, rate_hz=rate_hz)
    samples = to_int16(resample(to_float(speech.samples), speech.rate_hz, rate_hz))
    ends = tuple(end * rate_hz // speech.rate_hz for end in speech.word_ends)
    return replace(speech, samples=samples, rate_hz=rate_hz, word_ends=ends)


async def converted(speech: Speech, rate_hz: int) -> Speech:
    """Return it at a client's rate, beside the cache, which all share at the voice's own."""
    if speech.rate_hz == rate_hz:
        return speech
    return await asyncio.to_thread(at_rate, speech, rate_hz)

"""Pure signal code: PCM, resampling, voice activity, endpointing, WAV. No asyncio, no network."""

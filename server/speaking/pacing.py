"""When to send the next chunk so that a client is never more than the lead ahead of its ears.

`await ws.send()` is no backpressure: a client that stopped reading took 90 s of speech before it
blocked. Time and samples are arguments; it sends nothing and does not sleep.
"""


class Pacer:
    """One answer's audio clock."""

    def __init__(self, lead_ms: int, rate_hz: int) -> None:
        self._lead_s = lead_ms / 1000
        self._rate_hz = rate_hz
        self._started_at_s: float | None = None
        self._sent_samples = 0

    def wait_s(self, samples: int, now_s: float) -> float:
        """Return the seconds to wait before a chunk of that many samples may leave; 0 for now."""
        if self._started_at_s is None:
            return 0.0
        ahead_s = self.sent_s + samples / self._rate_hz - (now_s - self._started_at_s)
        return max(0.0, ahead_s - self._lead_s)

    def sent(self, samples: int, now_s: float) -> None:
        """Count a chunk that left. After a gap in the supply the clock starts anew."""
        if self._started_at_s is None or now_s - self._started_at_s > self.sent_s:
            self._started_at_s = now_s
            self._sent_samples = 0
        self._sent_samples += samples

    @property
    def sent_s(self) -> float:
        """Seconds of audio sent since the clock started."""
        return self._sent_samples / self._rate_hz

    def unplayed_s(self, now_s: float) -> float:
        """Seconds of audio that the client cannot have played yet."""
        if self._started_at_s is None:
            return 0.0
        return max(0.0, self.sent_s - (now_s - self._started_at_s))

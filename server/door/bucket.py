"""A bucket of tokens that fills with time: how rates are kept to. It waits for nobody."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """Tokens that come back with time, `a_second` of them, up to `size`. Times are seconds."""

    size: float
    a_second: float
    left: float = field(init=False)
    _at_s: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.left = self.size

    def take(self, now_s: float) -> bool:
        """Take one when there is one."""
        self._fill(now_s)
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def spend(self, now_s: float, count: float) -> float:
        """Take that many, into debt when need be; return the seconds until the debt is paid."""
        self._fill(now_s)
        self.left -= count
        return max(0.0, -self.left) / self.a_second

    def wait_s(self) -> float:
        """Seconds until one will be there."""
        return max(0.0, 1 - self.left) / self.a_second

    def _fill(self, now_s: float) -> None:
        passed_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._at_s = now_s
        self.left = min(self.size, self.left + passed_s * self.a_second)

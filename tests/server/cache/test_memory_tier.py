"""server/cache/memory_tier.py: bounded by bytes and age, least recently used out first."""

from server.cache.memory_tier import MemoryCache


class Clock:
    """Seconds that stand still until moved."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def make(limit_bytes: int = 100, ttl_s: float = 10.0) -> tuple[MemoryCache[str], Clock]:
    clock = Clock()
    return MemoryCache(limit_bytes, ttl_s, len, clock), clock


def test_counts_hits_and_misses() -> None:
    """The hit rate is hits among lookups."""
    cache, _ = make()
    assert cache.counts.hit_rate == 0.0
    assert cache.get("a") is None
    cache.put("a", "value")
    assert cache.get("a") == "value"
    assert (cache.counts.hits, cache.counts.misses, cache.counts.hit_rate) == (1, 1, 0.5)


def test_the_least_recently_used_goes_first() -> None:
    """A value that was read lately survives one that was not."""
    cache, _ = make(limit_bytes=33)
    for key in "abc":
        cache.put(key, "0123456789")
    cache.get("a")
    cache.put("d", "0123456789")
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, True, True]
    assert cache.counts.evictions == 1
    assert cache.counts.size_bytes <= 33


def test_old_values_are_misses_and_free_their_bytes() -> None:
    """At its age limit a value is gone."""
    cache, clock = make()
    cache.put("a", "value")
    clock.now_s = 10.0
    assert cache.get("a") is None
    assert cache.counts.size_bytes == 0


def test_values_made_together_do_not_expire_together() -> None:
    """Up to a tenth of the age limit sooner, by chance; never later."""
    chances, clock = iter([0.0, 0.5, 1.0]), Clock()
    cache = MemoryCache[str](100, 10.0, len, clock, lambda: next(chances))
    for key in "abc":
        cache.put(key, "value")
    left = []
    for clock.now_s in (8.99, 9.0, 9.5, 10.0):
        left.append("".join(key for key in "abc" if cache.get(key) is not None))
    assert left == ["abc", "ab", "a", ""]


def test_too_big_is_not_kept_and_evicts_nothing() -> None:
    """One value above the limit leaves the others alone."""
    cache, _ = make(limit_bytes=20)
    cache.put("a", "value")
    cache.put("b", "x" * 50)
    assert cache.get("b") is None
    assert cache.get("a") == "value"


def test_replacing_counts_once() -> None:
    """The bytes of a replaced value are given back."""
    cache, _ = make()
    cache.put("a", "x" * 50)
    cache.put("a", "y" * 10)
    assert cache.counts.size_bytes == 11
    assert cache.get("a") == "y" * 10


def test_zero_bytes_switch_it_off() -> None:
    """Nothing is kept, and nothing breaks."""
    cache, _ = make(limit_bytes=0)
    cache.put("a", "")
    assert cache.get("a") is None


def test_clear_forgets_all() -> None:
    """The bytes are back to none."""
    cache, _ = make()
    cache.put("a", "value")
    cache.clear()
    assert cache.get("a") is None
    assert cache.counts.size_bytes == 0

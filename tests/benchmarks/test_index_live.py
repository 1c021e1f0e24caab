from benchmarks.index_live import worst_ratio


def test_a_build_is_compared_with_the_quiet_around_it() -> None:
    """Not with the worst quiet of the whole run; a growth without a build counts for nothing."""
    p99_ms = {"quiet at 1": 4.0, "build to 2": 6.0, "quiet at 2": 2.0}
    assert worst_ratio(p99_ms) == 1.5
    assert worst_ratio({**p99_ms, "build to 3": 9.0, "quiet at 3": 3.0}) == 3.0
    assert worst_ratio({"quiet at 1": 4.0}) == 0.0

"""Settings that are right one by one and wrong together. It reads no variable."""

from collections.abc import Iterator, Mapping
from typing import Any

from server.cache.redis_address import redis_problem
from server.configuration.addresses import is_loopback, is_web_address


def contradictions(values: Mapping[str, Any]) -> list[str]:
    """Return a line for each, with the variables that disagree; `values` has every setting."""
    return [*_of_speech(values), *_of_the_index(values), *_of_addresses(values)]


def _of_speech(values: Mapping[str, Any]) -> Iterator[str]:
    if values["vad_release"] >= values["vad_onset"]:
        yield "PARLEY_VAD_RELEASE must be less than PARLEY_VAD_ONSET"
    if values["endpoint_shortest_ms"] > values["endpoint_longest_ms"]:
        yield "PARLEY_ENDPOINT_SHORTEST_MS must be at most PARLEY_ENDPOINT_LONGEST_MS"
    if values["endpoint_prefix_ms"] > values["utterance_maximum_s"] * 250:
        yield "PARLEY_ENDPOINT_PREFIX_MS must be at most a quarter of PARLEY_UTTERANCE_MAXIMUM_S"


def _of_the_index(values: Mapping[str, Any]) -> Iterator[str]:
    if values["index_flat_max"] > values["index_ivf_max"]:
        yield "PARLEY_INDEX_FLAT_MAX must be at most PARLEY_INDEX_IVF_MAX"


def _of_addresses(values: Mapping[str, Any]) -> Iterator[str]:
    for name in ("alert_webhook", "otel_endpoint"):
        if values[name] and not is_web_address(values[name]):
            yield (f"PARLEY_{name.upper()} is no address: http://host or https://host is accepted")
    if problem := redis_problem(values["redis_url"]):
        yield f"PARLEY_REDIS_URL is ***: {problem}"
    if not is_loopback(values["host"]) and not values["token"]:
        yield f"PARLEY_HOST is {values['host']!r}: set PARLEY_TOKEN to listen off loopback"

"""Settings that are right one by one and wrong together. It reads no variable."""

from collections.abc import Iterator, Mapping
from typing import Any

from server.cache.redis_address import redis_problem
from server.configuration.addresses import (
    is_endpoint,
    is_loopback,
    is_web_address,
    parse_network,
    split_list,
)
from server.door.names import parse_origin


def contradictions(values: Mapping[str, Any]) -> list[str]:
    """Return a line for each, with the variables that disagree; `values` has every setting."""
    return [
        *_of_speech(values),
        *_of_the_index(values),
        *_of_addresses(values),
        *_of_the_door(values),
        *_of_the_language_model(values),
    ]


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
    if problem := wyoming_problem(values):
        yield problem


def _of_the_door(values: Mapping[str, Any]) -> Iterator[str]:
    tokens = split_list(values["token"])
    if not is_loopback(values["host"]) and not tokens:
        yield f"PARLEY_HOST is {values['host']!r}: set PARLEY_TOKEN to listen off loopback"
    if not all("!" <= mark <= "~" for token in tokens for mark in token):
        yield "PARLEY_TOKEN is ***: letters, digits and marks of ASCII are accepted, no spaces"
    for text in split_list(values["origins"]):
        if parse_origin(text) is None:
            yield f"PARLEY_ORIGINS has {text[:80]!r}: https://name or http://name:port is accepted"
    for text in split_list(values["trusted_proxies"]):
        if not _is_network(text):
            yield f"PARLEY_TRUSTED_PROXIES has {text[:80]!r}: an address or 10.0.0.0/8 is accepted"
    if bool(values["tls_cert"]) != bool(values["tls_key"]):
        yield "PARLEY_TLS_CERT and PARLEY_TLS_KEY: both are needed, or neither"


def _is_network(text: str) -> bool:
    try:
        parse_network(text)
    except ValueError:
        return False
    return True


def wyoming_problem(values: Mapping[str, Any]) -> str:
    """Return what is wrong with where the Wyoming port would be open; "" when nothing is."""
    where = values["wyoming_host"] or values["host"]
    if not values["wyoming_port"] or values["wyoming_unprotected"] or is_loopback(where):
        return ""
    return (
        f"PARLEY_WYOMING_PORT would be open to all who reach {where}: Wyoming knows no password. "
        "Set PARLEY_WYOMING_UNPROTECTED=1 to open it so, or PARLEY_WYOMING_HOST=127.0.0.1"
    )


def _of_the_language_model(values: Mapping[str, Any]) -> Iterator[str]:
    yield from _of_endpoint(values, "llm_base_url", "llm_model", "llm_api_key")
    yield from _of_endpoint(values, "llm_fallback_url", "llm_fallback_model", "llm_fallback_key")
    if values["llm_fallback_url"] and not values["llm_base_url"]:
        yield "PARLEY_LLM_FALLBACK_URL is set without PARLEY_LLM_BASE_URL"
    if values["llm_patience_s"] >= values["turn_timeout_s"]:
        yield "PARLEY_LLM_PATIENCE_S must be less than PARLEY_TURN_TIMEOUT_S"


def _of_endpoint(values: Mapping[str, Any], url: str, model: str, key: str) -> Iterator[str]:
    if values[url] and not is_endpoint(values[url]):
        yield (
            f"PARLEY_{url.upper()} is no address: http(s)://host[:port]/v1 is accepted, without a "
            f"name, a key or a query in it"
        )
    if values[url] and not values[model]:
        yield f"PARLEY_{url.upper()} is set without PARLEY_{model.upper()}"
    for name in (model, key):
        if values[name] and not values[url]:
            yield f"PARLEY_{name.upper()} is set without PARLEY_{url.upper()}"

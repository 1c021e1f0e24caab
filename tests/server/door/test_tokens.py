"""server/door/tokens.py: where a token is found, and whether it is right."""

import hmac

import pytest
from websockets.datastructures import Headers

from server.door import tokens as door_tokens
from server.door.tokens import Tokens, chosen_subprotocol, offered_tokens

TOKENS = Tokens(("first-token", "second-token"))
KEY = "openai-insecure-api-key."


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({"Authorization": "Bearer second-token"}, True),
        ({"Authorization": "bearer  first-token"}, True),
        ({"Sec-WebSocket-Protocol": f"realtime, {KEY}first-token"}, True),
        ({"Authorization": "Bearer first"}, False),
        ({"Authorization": "Bearer first-tokens"}, False),
        ({"Authorization": "Basic first-token"}, False),
        ({"Authorization": "first-token"}, False),
        ({"Authorization": "Bearer "}, False),
        ({"Sec-WebSocket-Protocol": "realtime, first-token"}, False),
        ({"Sec-WebSocket-Protocol": f"realtime, {KEY}"}, False),
        ({}, False),
    ],
)
def test_each_way_to_prove_a_token(headers: dict[str, str], is_let_in: bool) -> None:
    """By header or by subprotocol; a part of it, more than it or another scheme proves nothing."""
    assert TOKENS.is_let_in(Headers(headers)) is is_let_in


def test_without_tokens_everybody_is_let_in() -> None:
    """Which is why nothing off loopback starts without one."""
    assert Tokens().is_let_in(Headers())


@pytest.mark.parametrize("offered", ["first-token", "second-token", "x", ""])
def test_each_token_is_compared_whatever_was_offered(
    monkeypatch: pytest.MonkeyPatch, offered: str
) -> None:
    """In constant time, over digests of one length, and not only up to the one that matches."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(door_tokens, "compare_digest", compare)
    assert TOKENS.is_one(offered) is offered.endswith("-token")
    assert len(compared) == 2
    assert {len(each) for pair in compared for each in pair} == {32}


def test_the_subprotocol_that_carries_the_key_is_never_chosen() -> None:
    """It would be echoed in the answer."""
    assert chosen_subprotocol([f"{KEY}first-token", "realtime"]) == "realtime"
    assert chosen_subprotocol([f"{KEY}first-token"]) is None
    assert chosen_subprotocol([]) is None


@pytest.mark.parametrize(
    "target",
    [
        "/ws?token=whatever",
        "/ws?model=a&Access_Token=b",
        "/ws?x=first-token",
        "/ws?x=first%2Dtoken",
        "/first-token",
        "/ws/second%2dtoken/x",
        "/ws?" + "a=1&" * 100,
    ],
)
def test_a_token_in_the_address_is_seen(target: str) -> None:
    """By the name of the parameter or by its value, anywhere, encoded or not."""
    assert TOKENS.is_in_address(target)


def test_other_parameters_are_none() -> None:
    """Stock clients name the model; without a token there is nothing to hide."""
    assert not TOKENS.is_in_address("/v1/realtime?model=gpt-realtime")
    assert not Tokens().is_in_address("/ws?token=x")


def test_every_offer_is_looked_at() -> None:
    """A header and a subprotocol together."""
    headers = Headers({"Authorization": "Bearer a", "Sec-WebSocket-Protocol": f"{KEY}b,{KEY}c"})
    assert offered_tokens(headers) == ["a", "b", "c"]

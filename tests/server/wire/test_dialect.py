"""server/wire/dialect.py: what a handshake's address and headers ask for."""

import pytest

from server.wire.dialect import OWN, STOCK_MESSAGE_BYTES, STOCK_PATH, Dialect, dialect_of


def test_every_path_but_one_is_ours() -> None:
    """Binary audio, our events, small messages; a query changes nothing."""
    assert dialect_of("/ws?model=any&parley=no", {}) == OWN
    assert not OWN.is_stock
    assert OWN.message_bytes == 64 * 1024
    assert (OWN.queued_messages, OWN.ahead_s) == (32, 0.0)


def test_any_model_is_taken_and_told_again() -> None:
    """As much of its name as anybody needs; large messages, few of them at once."""
    stock = dialect_of("/v1/realtime?model=gpt-realtime", {})
    assert stock == Dialect(STOCK_PATH, tells_ours=False, model="gpt-realtime")
    assert stock.message_bytes == STOCK_MESSAGE_BYTES > 16 * 1024 * 1024 * 4 // 3
    assert stock.queued_messages < OWN.queued_messages
    assert len(dialect_of(f"/v1/realtime?model={'x' * 999}", {}).model) == 200
    assert dialect_of("/v1/realtime", {}).model == "parley"


@pytest.mark.parametrize(
    ("header", "is_beta"),
    [("realtime=v1", True), ("assistants=v2, realtime=v1", True), ("realtime=v2", False)],
)
def test_the_beta_is_asked_for_by_its_header(header: str, is_beta: bool) -> None:
    """OpenAI-Beta, among others."""
    assert dialect_of("/v1/realtime", {"OpenAI-Beta": header}).is_beta is is_beta


def test_our_events_and_transcription_are_asked_for_in_the_query() -> None:
    """Each by its own word."""
    assert dialect_of("/v1/realtime?parley=events", {}).tells_ours
    assert not dialect_of("/v1/realtime?parley=1", {}).tells_ours
    assert dialect_of("/v1/realtime?intent=transcription", {}).is_transcription

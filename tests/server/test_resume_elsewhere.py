"""A client whose server is gone goes on at another one that has the same Redis: with its words."""

from rag.answer import Answer, Source
from server.answering.conversation import Window, exchange_of
from server.answering.conversation_store import ConversationStore
from server.items import Items
from server.parking import Parked, Parking, Place
from server.session_settings import first_config, items_of
from server.settings import Settings
from server.wire.dialect import OWN
from server.wire.outbox import Outbox
from tests.fakes import FakeWire
from tests.server.answering.test_conversation import FakeRedis

SOURCE = Source("boat.md", "Boat", "Summer", "The boat.", 7, 0.9, "The boat.")
ANSWER = Answer("The boat sails.", ("The boat sails.",), (SOURCE,), False, 0.9)


def server_with(redis: FakeRedis) -> Parking:
    return Parking(store=ConversationStore(redis, 720.0))  # type: ignore[arg-type]


def items_at(place: Place) -> Items:
    return items_of(place, "test", Outbox(FakeWire(), "test", 5.0), Settings())


async def visit(parking: Parking, path: str, close_code: int = 1006) -> tuple[Place, Items]:
    """One session with one question; killed, unless it says goodbye."""
    async with parking.place(path, lambda: close_code) as place:
        items = items_at(place)
        config = first_config(Settings(), OWN, 22_050)
        place.left = lambda: Parked("/ws", config, items, None)
        exchange = exchange_of("when does the boat sail", ANSWER, "when does the boat sail")
        items.conversation.add(exchange, lambda: "The boat")
        await place.remember(items.conversation.window())
    return place, items


async def test_the_conversation_goes_on_at_another_server() -> None:
    """What was asked and heard, so that a follow-up is understood; the client is told."""
    redis = FakeRedis()
    first, _ = await visit(server_with(redis), "/ws")
    async with server_with(redis).place(f"/ws?resume={first.token}", lambda: 1006) as second:
        told = second.describe()
        assert told is not None
        assert told["is_resumed"]
        assert not second.is_too_late
        window = items_at(second).conversation.window()
        assert [each.answer for each in window.exchanges] == ["The boat"]
        subject = window.subject_of(["and on sundays"])
        assert subject is not None
        assert subject.question == "when does the boat sail?"


async def test_a_token_works_once_and_on_its_own_path_only() -> None:
    """Elsewhere too; what is not there any more is said."""
    redis = FakeRedis()
    first, _ = await visit(server_with(redis), "/ws")
    other = server_with(redis)
    for path, is_too_late in (("/v1/realtime", True), ("/ws", False), ("/ws", True)):
        async with other.place(f"{path}?resume={first.token}", lambda: 1000) as place:
            assert place.is_too_late is is_too_late


async def test_nothing_is_kept_after_a_goodbye() -> None:
    """Closed with 1000 the conversation is over everywhere."""
    redis = FakeRedis()
    first, _ = await visit(server_with(redis), "/ws", close_code=1000)
    assert redis.kept == {}
    async with server_with(redis).place(f"/ws?resume={first.token}", lambda: 1000) as place:
        assert place.is_too_late


async def test_without_redis_sessions_resume_as_before() -> None:
    """And a Redis that is away costs nothing but the other server's memory."""
    redis = FakeRedis()
    redis.is_up = False
    here = server_with(redis)
    first, items = await visit(here, "/ws")
    async with here.place(f"/ws?resume={first.token}", lambda: 1000) as place:
        assert place.parked is not None
        assert place.parked.items is items
    assert Place().window == Window()

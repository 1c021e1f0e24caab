from dataclasses import dataclass
from typing import Any

import pytest

from rag.answer import REFUSAL, Answer, Source
from server.answering.conversation import (
    Conversation,
    ConversationLimits,
    Exchange,
    Subject,
    Window,
    exchange_of,
)
from server.answering.conversation_store import KEPT_HERE, ConversationStore
from server.cache.redis_tier import RedisUnavailable


@dataclass(slots=True)
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


SOURCE = Source("boat.md", "Boat", "Summer", "The boat.", 7, 0.9, "The boat.")
ANSWER = Answer("The boat sails.", ("The boat sails.",), (SOURCE,), False, 0.9)
REFUSED = Answer(REFUSAL, (), (), True, 0.1)


def ask(conversation: Conversation, question: str, answer: Answer = ANSWER, **ids: Any) -> None:
    window = conversation.window()
    is_following = window.subject_of([question]) is not None
    root = window.root_of(question, is_following=is_following)
    conversation.add(exchange_of(question, answer, root, **ids), lambda: answer.text)


def test_a_follow_up_leans_on_the_last_question_that_stood_alone() -> None:
    """And on the one between, when there is one; the chain does not grow beyond."""
    conversation = Conversation()
    ask(conversation, "When does the boat sail?")
    assert conversation.window().subject_of(["and on sundays"]) == Subject(
        "when does the boat sail?", "boat.md"
    )
    ask(conversation, "and on sundays")
    ask(conversation, "and in winter")
    subject = conversation.window().subject_of(["how much is it"])
    assert subject == Subject("when does the boat sail and in winter?", "boat.md")


def test_a_question_that_stands_alone_leans_on_nothing() -> None:
    """Whatever was said before it; and of two readings both must lean."""
    conversation = Conversation()
    ask(conversation, "When does the boat sail?")
    window = conversation.window()
    assert window.subject_of(["where is the nearest chapel"]) is None
    assert window.subject_of(["and on sundays", "sand on sunny days at the beach"]) is None
    assert Window().subject_of(["and on sundays"]) is None


def test_a_refused_question_is_still_what_was_talked_about() -> None:
    """Without a document."""
    conversation = Conversation()
    ask(conversation, "is there a golf course", REFUSED)
    assert conversation.window().subject_of(["what about tennis"]) == Subject(
        "is there a golf course?", ""
    )
    assert conversation.window().last_passage_id == 0


def test_the_window_holds_what_was_heard_by_now() -> None:
    """A truncation that comes later counts."""
    conversation = Conversation()
    heard = ["The boat sails daily."]
    conversation.add(exchange_of("when", ANSWER, "when"), lambda: heard[0])
    heard[0] = "The boat"
    assert conversation.window().exchanges[0].answer == "The boat"


def test_the_window_is_bounded_in_number_bytes_and_age() -> None:
    """The oldest go first."""
    clock = Clock()
    conversation = Conversation(ConversationLimits(6, 100.0, 60), clock)
    for number in range(5):
        ask(conversation, f"question {number}")
        clock.now_s += 30
    assert [each.question for each in conversation.window().exchanges] == [
        "question 3",
        "question 4",
    ]
    conversation.limits = ConversationLimits(6, 100.0)
    assert len(conversation.window().exchanges) == 3
    clock.now_s += 20
    assert [each.question for each in conversation.window().exchanges] == [
        "question 3",
        "question 4",
    ]


def test_no_conversation_when_none_is_wanted() -> None:
    """0 messages."""
    conversation = Conversation(ConversationLimits(messages=0))
    ask(conversation, "when does the boat sail")
    assert conversation.window() == Window()


def test_a_deleted_item_is_forgotten() -> None:
    """With its question and answer."""
    conversation = Conversation()
    ask(conversation, "when does the boat sail", item_ids=("item_1", "item_2"))
    conversation.forget("item_3")
    assert conversation.window().exchanges
    conversation.forget("item_2")
    assert conversation.window() == Window()


class FakeRedis:
    """Keeps what it is given, or is not there."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.is_up = True

    async def put(self, key: str, blob: bytes, keep_s: float) -> None:
        self._check()
        self.kept[key] = blob

    async def get(self, key: str) -> bytes | None:
        self._check()
        return self.kept.get(key)

    async def delete(self, key: str) -> None:
        self._check()
        self.kept.pop(key, None)

    def _check(self) -> None:
        if not self.is_up:
            raise RedisUnavailable("down")


def store_with(redis: FakeRedis | None = None, clock: Clock | None = None) -> ConversationStore:
    return ConversationStore(redis, 100.0, clock or Clock())  # type: ignore[arg-type]


WINDOW = Window((Exchange("when?", "At nine.", "when?", "boat.md", 7, 5.0, ("item_1", "item_2")),))
RESUMED = Window((Exchange("when?", "At nine.", "when?", "boat.md", 7, 5.0),))


async def test_another_replica_resumes_by_redis() -> None:
    """What one server has saved another one loads; the secret stands in no key."""
    redis = FakeRedis()
    await store_with(redis).save("s3cret", WINDOW)
    assert await store_with(redis).load("s3cret") == RESUMED
    assert "s3cret" not in str(redis.kept)
    assert await store_with(redis).load("other") is None


async def test_the_same_process_resumes_without_redis() -> None:
    """Also while Redis is away; what is too old is gone."""
    redis, clock = FakeRedis(), Clock()
    redis.is_up = False
    store = store_with(redis, clock)
    await store.save("s3cret", WINDOW)
    assert await store.load("s3cret") == RESUMED
    clock.now_s += 101
    assert await store.load("s3cret") is None
    await store.save("s3cret", WINDOW)
    await store.drop("s3cret")
    assert await store.load("s3cret") is None


async def test_the_store_is_bounded() -> None:
    """The longest unused goes."""
    store = store_with()
    for number in range(KEPT_HERE + 1):
        await store.save(str(number), WINDOW)
    assert await store.load("0") is None
    assert await store.load("1") == RESUMED


@pytest.mark.parametrize("blob", [b"", b"{}", b"[1]", b'[{"question": 1}]', b"\xff", b"[" * 10_000])
async def test_what_is_no_window_is_none(blob: bytes) -> None:
    """Whatever stands under the key."""
    redis = FakeRedis()
    store = store_with(redis)
    await store.save("s3cret", WINDOW)
    redis.kept = dict.fromkeys(redis.kept, blob)
    assert await store.load("s3cret") is None or blob == b"{}"


async def test_a_resumed_conversation_goes_on() -> None:
    """Its last question is what a follow-up leans on."""
    conversation = Conversation(clock=Clock(50.0))
    conversation.resume(RESUMED)
    assert conversation.window() == RESUMED
    assert conversation.window().subject_of(["and on sundays"]) == Subject("when?", "boat.md")

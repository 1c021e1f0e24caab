"""Follow-up questions through a whole session, typed, with an embedder that knows words only."""

from tests.server.conftest import MakeStand, Stand


async def ask(stand: Stand, text: str, turn: int) -> dict[str, object]:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    stand.messages.send({"type": "conversation.item.create", "item": item})
    stand.messages.send({"type": "response.create"})
    await stand.wire.wait_for("parley.turn", turn)
    first = stand.wire.last("parley.sources")["sources"][0]
    assert isinstance(first, dict)
    return first


async def test_a_follow_up_is_answered_by_what_it_refers_to(make_stand: MakeStand) -> None:
    """The same "and how much is it" asks for the price of what was asked before."""
    stand = make_stand(lead_ms=5000)
    assert (await ask(stand, "where is the car park", 1))["heading"] == "Parking"
    assert (await ask(stand, "and how much is it", 2))["heading"] == "Parking"
    assert (await ask(stand, "what does a day ticket cost", 3))["heading"] == "Tickets"
    assert (await ask(stand, "and how much is it", 4))["heading"] == "Tickets"
    await stand.end()


async def test_a_question_that_both_passages_answer_goes_on(make_stand: MakeStand) -> None:
    """It stands alone, and what follows it still leans on what it went on with."""
    stand = make_stand(lead_ms=5000)
    assert (await ask(stand, "where is the car park", 1))["heading"] == "Parking"
    assert (await ask(stand, "so what for a day", 2))["heading"] == "Parking"
    assert (await ask(stand, "what does a day ticket cost", 3))["heading"] == "Tickets"
    assert (await ask(stand, "so what for a day", 4))["heading"] == "Tickets"
    roots = [each.root for each in stand.session._items.conversation.window().exchanges]
    assert roots[:2] == ["where is the car park"] * 2
    await stand.end()


async def test_sessions_know_nothing_of_each_other(make_stand: MakeStand) -> None:
    """What one person asked is no subject for another."""
    stand, other = make_stand(lead_ms=5000), make_stand(lead_ms=5000)
    await ask(stand, "where is the car park", 1)
    await ask(other, "what does a day ticket cost", 1)
    assert (await ask(other, "and how much is it", 2))["heading"] == "Tickets"
    await stand.end()
    await other.end()


async def test_no_conversation_no_follow_up(make_stand: MakeStand) -> None:
    """Each question then stands alone, and finds the same as the first time."""
    stand = make_stand(lead_ms=5000, conversation_max_messages=0)
    alone = (await ask(stand, "and how much is it", 1))["heading"]
    for turn, question in enumerate(["where is the car park", "what does a day ticket cost"]):
        await ask(stand, question, 2 * turn + 2)
        assert (await ask(stand, "and how much is it", 2 * turn + 3))["heading"] == alone
    await stand.end()

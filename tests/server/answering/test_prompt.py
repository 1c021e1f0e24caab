"""server/answering/prompt.py: what a model reads is small, and its passages can be cited."""

import json

from rag.chunk import Passage
from rag.hit import Hit
from server.answering.conversation import EMPTY
from server.answering.prompt import request_of


def hit_of(number: int, text: str) -> Hit:
    passage = Passage("Prices", ("Tickets",), 0, (text,))
    return Hit(number, "prices.md", passage, 0.9, 0.1, 0.8, 1.0)


def test_a_passage_is_a_line_of_compact_json_under_its_id() -> None:
    """Every space that says nothing is a part of a token, and P1 is the first that was found."""
    hits = [hit_of(71, "A day ticket costs €12."), hit_of(12, "It is <free>.")]
    request = request_of("what does it cost", hits, EMPTY, is_brief=False)
    lines = request.messages[-1].text.splitlines()
    assert lines == [
        "<passages>",
        '{"id":"P1","document":"Prices","heading":"Tickets","text":"A day ticket costs €12."}',
        '{"id":"P2","document":"Prices","heading":"Tickets","text":"It is \\u003cfree\\u003e."}',
        "</passages>",
        '<question>"what does it cost"</question>',
    ]
    assert json.loads(lines[2])["text"] == "It is <free>."

"""Row 38: hostile answer text (NUL, surrogates, control, bidi, 1 MB, emoji only).

Seen to fail: without `speakable` control characters reached the voice; without `as_json` half a
pair reached the client; without the cut in pieces_of a megabyte was spoken.
"""

import re
from dataclasses import dataclass, replace

import pytest

from models.espeak import EspeakLibrary, EspeakSynthesizer
from rag.answer import Answer
from rag.hit import Retrieval
from tests.faults.conftest import FakedServer
from tests.faults.witness import ask, listen, opened

HOSTILE = {
    "NUL": "The price is\x00 twelve euros.",
    "half a surrogate pair": "The price is \ud83d twelve euros.",
    "control": "The \x1b[2Jprice\x07 is \x9b31m twelve\x7f euros.",
    "bidi": "The price \u202eis\u2066 twelve\u200f euros.",
    "a megabyte": "twelve euros " * 80_000,
    "a megabyte without a space": "x" * 1_000_000,
    "emoji only": "🎟️💶👨‍👩‍👧‍👦",
    "markup": "<script>alert(1)</script> [pay](javascript:alert(2)) &amp; <img src=x onerror=a>",
    "blank": " \u200b\t\n\u00a0",
}
SPEAKABLE = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ0-9 .,;:!?'-]*")


@dataclass(slots=True)
class HostileAnswerer:
    """Answers everything with one text, as a document or a model that means harm."""

    text: str

    def answer(self, retrieval: Retrieval, is_brief: bool = False) -> Answer:
        return Answer(self.text, (self.text,), (), False, 1.0)


@pytest.mark.parametrize("kind", HOSTILE)
async def test_it_is_spoken_after_cleaning_or_as_an_empty_chunk(
    server: FakedServer, kind: str
) -> None:
    """Spoken after cleaning, or an empty chunk; told as JSON that any client can read."""
    room = server.running.app._shared.engine_room
    before, spoken_before = room.current.knowledge, len(server.synthesizer.sentences)
    hostile = HostileAnswerer(HOSTILE[kind])
    room.change(knowledge=replace(before, answerer=hostile, fingerprint=kind))  # type: ignore[arg-type]
    try:
        async with await opened(server.url) as connection:
            await ask(connection, "what does a ticket cost")
            report = await listen(connection)
    finally:
        room.change(knowledge=before)
    assert report["outcome"] == "answered"
    assert len(report["answer"]) <= 1200
    report["answer"].encode()
    made = server.synthesizer.sentences[spoken_before:]
    assert all(SPEAKABLE.fullmatch(sentence) for sentence in made)


@pytest.mark.parametrize("kind", HOSTILE)
def test_the_embedded_voice_takes_what_is_left(kind: str) -> None:
    """espeak-ng itself, which raises on NUL and on half pairs where it is given them."""
    from models.speakable import speakable

    voice = EspeakSynthesizer(EspeakLibrary(), "en-us")
    speech = voice.synthesise(speakable(HOSTILE[kind])[:80])
    assert speech.rate_hz > 0

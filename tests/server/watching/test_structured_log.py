"""server/watching/structured_log.py: lines for people and machines, no word that was said."""

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from audio.pcm import Samples
from server.settings import LogFormat
from server.watching.structured_log import make_handler
from tests.server.conftest import PRICES, MakeStand

SAID = "what does a zeppelin ticket cost"


@contextmanager
def everything_logged(form: LogFormat) -> Iterator[io.StringIO]:
    """All that the root logger writes at debug level in that form."""
    stream = io.StringIO()
    handler, root = make_handler(form, stream), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def words_of(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z]+", text.lower()) if len(word) > 5}


@pytest.mark.parametrize("form", LogFormat)
@pytest.mark.parametrize("failing", [None, "stt", "tts"])
async def test_no_word_of_a_turn_gets_into_the_log(
    make_stand: MakeStand, spoken: Samples, form: LogFormat, failing: str | None
) -> None:
    """A spoken and a typed turn at debug level, whole or with an engine that fails aloud:
    no word of question, documents or answer is logged, while the failure itself is.
    """
    with everything_logged(form) as stream:
        stand = make_stand()
        stand.recognizer.text = SAID
        if failing == "stt":
            stand.recognizer.error = ValueError(f"cannot decode {SAID!r}")
        elif failing == "tts":
            stand.synthesizer.error = ValueError(f"cannot speak {PRICES!r}")
        stand.say(spoken)
        await stand.wire.wait_for("parley.turn")
        content = [{"type": "input_text", "text": SAID}]
        item = {"type": "message", "role": "user", "content": content}
        stand.messages.send({"type": "conversation.item.create", "item": item})
        stand.messages.send({"type": "response.create"})
        await stand.wire.wait_for("parley.turn", 2)
        await stand.end()
        logging.getLogger("server.stage").debug("a line of ours")
    written = stream.getvalue()
    assert "a line of ours" in written
    answer = stand.wire.last("parley.turn")["answer"]
    if failing is None:
        assert "ticket" in answer
    else:
        assert f"stage {failing} failed" in written
        assert "ValueError" in written
    assert words_of(SAID) & {"zeppelin", "ticket"}
    assert not words_of(written) & words_of(f"{SAID} {PRICES} {answer}")


@pytest.mark.parametrize("form", LogFormat)
def test_foreign_libraries_log_errors_only_and_without_their_arguments(form: LogFormat) -> None:
    """A debug line of websockets holds frames, a warning of pypdf holds text: neither is kept."""
    with everything_logged(form) as stream:
        for name in ("websockets.server", "tests.foreign", "asyncio", "httpx"):
            logging.getLogger(name).warning("secret words")
            logging.getLogger(name).error("failed at %s", "secret words")
            logging.getLogger(name).error("first line\nexception=ValueError('secret words')")
    written = stream.getvalue()
    assert "secret" not in written
    assert written.count("failed at %s") == 4
    assert written.count("first line") == 4


def test_json_is_one_object_a_line_with_time_and_place() -> None:
    """Also with an exception, whose causes come first, by type, code and frames."""
    with everything_logged(LogFormat.JSON) as stream:
        try:
            try:
                raise FileNotFoundError(2, "No such file", "/home/anna/diary.md")
            except OSError as error:
                raise ValueError("secret words") from error
        except ValueError:
            logging.getLogger("server.x").exception("could not: %d", 7)
        logging.getLogger("server.x").warning("two\nlines \u2028 here")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["at"])
    assert (first["level"], first["logger"], first["message"]) == (
        "error",
        "server.x",
        "could not: 7",
    )
    assert "FileNotFoundError (ENOENT)" in first["exception"]
    assert first["exception"][-1] == "ValueError"
    assert first["exception"].index("FileNotFoundError (ENOENT)") < len(first["exception"]) - 1
    assert "diary" not in stream.getvalue()
    assert second["message"] == "two\nlines \u2028 here"

"""How a log line looks, as text or as JSON, and what never gets into one: words that were said.

An exception is told by its type, its code and where it was raised, without its text: an engine may
have put the sentence that it failed on there. It decides nothing about who logs what.
"""

import errno
import json
import logging
import sys
import time
import traceback
from typing import Final, TextIO

from server.settings import LogFormat, LogLevel

OURS: Final = ("server", "audio", "models", "rag", "benchmarks")
"""Loggers whose lines are known to hold no words; of all others only errors are kept."""


class TextFormatter(logging.Formatter):
    """One line for a person, and the frames of an exception under it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line and, under it, types and frames of an exception."""
        told = logging.makeLogRecord(record.__dict__)
        # Another handler's formatter leaves its own form of the exception in the record.
        told.msg, told.args, told.exc_info, told.exc_text = _told(record), None, None, None
        error = record.exc_info[1] if record.exc_info else None
        return "\n".join([super().format(told), *_chain(error)])


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at, level, logger, message, thread and, if any, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, in ASCII, without line breaks."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told: dict[str, object] = {
            "at": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _told(record),
            "thread": record.threadName,
        }
        if record.exc_info and record.exc_info[1] is not None:
            told["exception"] = _chain(record.exc_info[1])
        return json.dumps(told)


def set_up_logging(level: LogLevel, form: LogFormat) -> None:
    """Write to standard error, unless the program round this one has set up its own handlers."""
    logging.basicConfig(level=level.upper(), handlers=[make_handler(form, sys.stderr)])


def set_level(level: LogLevel) -> None:
    """Log so much from now on."""
    logging.getLogger().setLevel(level.upper())


def make_handler(form: LogFormat, stream: TextIO) -> logging.Handler:
    """Return a handler that writes in that form what may be written."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form is LogFormat.JSON else TextFormatter())
    handler.addFilter(_is_ours_or_grave)
    return handler


def _is_ours(name: str) -> bool:
    return name.split(".")[0] in (*OURS, "__main__")


def _is_ours_or_grave(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR or _is_ours(record.name)


def _told(record: logging.LogRecord) -> str:
    """The message; of a foreign logger the unfilled first line, for its arguments may be words."""
    if _is_ours(record.name):
        return record.getMessage()
    return str(record.msg).partition("\n")[0]


def _chain(error: BaseException | None) -> list[str]:
    """Lines for an exception and what it was raised from, the first cause first."""
    if error is None:
        return []
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = _chain(before)
    for frame in traceback.extract_tb(error.__traceback__):
        lines.append(f"  {frame.filename}:{frame.lineno} in {frame.name}")
    lines.append(_name_of(error))
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            lines += _chain(part)
    return lines


def _name_of(error: BaseException) -> str:
    """Type and, where there is one, the code; never the text."""
    code = getattr(error, "code", None)
    if isinstance(error, OSError) and error.errno is not None:
        code = errno.errorcode.get(error.errno, error.errno)
    is_told = isinstance(code, str | int)
    return f"{type(error).__qualname__} ({code})" if is_told else type(error).__qualname__

"""The logger that `websockets` is given: no header, no address, no exception's text gets past it.

At DEBUG `websockets` writes every request line and header, and both may carry a token.
"""

import logging
from typing import Final

NAME: Final = "server.door.websockets"


def quiet_logger() -> logging.Logger:
    """Return it; whatever level others set, it tells of failures only, and those by their type."""
    logger = logging.getLogger(NAME)
    logger.setLevel(logging.ERROR)
    if not any(isinstance(each, _TypesOnly) for each in logger.filters):
        logger.addFilter(_TypesOnly())
    return logger


class _TypesOnly(logging.Filter):
    """Takes the exception out of a record and leaves its type in the message."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.msg, record.args = f"{record.msg}: {type(error).__name__}", None
            record.exc_info = record.exc_text = None
        return True

"""The error tree: what can go wrong, its stable code, whether to try again, how a socket closes.

    ParleyError
    ├── StartError              the process cannot start: said once, exit code 1
    ├── ClientError             the client sent something wrong; the session goes on
    │   ├── InvalidEvent        a JSON event that is malformed, unknown or out of range
    │   └── BadFrame            a binary frame that is not PCM16; the fifth closes
    ├── SessionError            ends the session
    │   ├── AtCapacity          no place; try again after `retry_after_ms`
    │   │   └── AddressLimit    no place for this address: it has too many connections
    │   ├── Unauthorized        no token, or one that opens nothing
    │   ├── TooLarge            one message is larger than this path takes
    │   ├── TooSlow             the client stopped reading
    │   ├── TooFast             the client sends audio faster than it can be spoken
    │   ├── Leaving             the server stops
    │   ├── Replaced            the client resumed the session by another connection
    │   ├── Gone                the socket closed while something was to be sent
    │   └── Idle                nothing was said for too long
    ├── LlmUnavailable          no language model answers; the documents are quoted instead
    ├── UploadError             one document was not taken; the session goes on
    └── StageError              one stage of one turn failed; the next turn works
        ├── StageBusy           its queue is full
        ├── StageTimeout        its deadline passed
        └── StageFailed         its engine raised

It raises nothing itself and does not log.
"""

from typing import ClassVar


class ParleyError(Exception):
    """Anything that Parley raises on purpose; the text is meant for the person."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False
    close_code: ClassVar[int] = 1011


class StartError(ParleyError):
    """The process cannot start as asked."""

    code = "start"


class ClientError(ParleyError):
    """The client's mistake; `param` names the field, `event_id` the client's event, when known."""

    code = "invalid_request"
    close_code = 4400

    def __init__(self, message: str, param: str | None = None, event_id: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.event_id = event_id


class InvalidEvent(ClientError):
    """A client event that cannot be carried out; `code` tells the kind of mistake."""

    def __init__(
        self,
        message: str,
        param: str | None = None,
        event_id: str | None = None,
        code: str = "invalid_value",
    ) -> None:
        super().__init__(message, param, event_id)
        self.event_code = code


class BadFrame(ClientError):
    """A binary frame with an odd number of bytes, or none."""

    code = "bad_frame"


class SessionError(ParleyError):
    """Ends the session after an `error` event."""


class AtCapacity(SessionError):
    """Every place is taken."""

    code = "at_capacity"
    retryable = True
    close_code = 1013

    def __init__(self, message: str, retry_after_ms: int) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class AddressLimit(AtCapacity):
    """One address has as many connections as it may have, or opened too many in a minute.

    The code is its parent's: what a client is to do is the same.
    """


class Unauthorized(SessionError):
    """Nothing that the client sent proves a token."""

    code = "unauthorized"
    close_code = 4401


class TooLarge(SessionError):
    """One message is larger than its path takes."""

    code = "message_too_large"
    close_code = 1009


class TooSlow(SessionError):
    """The client does not read what is sent."""

    code = "too_slow"
    close_code = 4409


class TooFast(SessionError):
    """The client sends more audio than time passes, and does not stop."""

    code = "too_fast"
    close_code = 4429


class Leaving(SessionError):
    """The server stops; another one, or the same a little later, goes on."""

    code = "server_stopping"
    retryable = True
    close_code = 1012


class Gone(SessionError):
    """The socket closed under the session; there is nobody to tell."""

    code = "gone"
    close_code = 1001


class Replaced(SessionError):
    """Its client came back by another connection, which goes on with it."""

    code = "resumed_elsewhere"
    close_code = 1001


class Idle(SessionError):
    """Nothing arrived, or nothing was said, for the idle time."""

    code = "idle"
    close_code = 4408


class LlmUnavailable(ParleyError):
    """No endpoint of the language model began to answer, or the one that did broke off."""

    code = "llm_unavailable"
    retryable = True


class UploadError(ParleyError):
    """A document that a client sent was not taken; `upload_code` tells the kind of reason."""

    code = "upload_failed"
    close_code = 4400
    _RETRYABLE: ClassVar[frozenset[str]] = frozenset({"busy", "stopping"})

    def __init__(self, message: str, upload_code: str = "refused") -> None:
        super().__init__(message)
        self.upload_code = upload_code

    @property
    def retryable(self) -> bool:  # type: ignore[override]
        """Whether the same document may be taken later."""
        return self.upload_code in self._RETRYABLE


class StageError(ParleyError):
    """One stage of one turn could not do its work; `stage` is its name."""

    code = "stage_failed"
    retryable = True

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage


class StageBusy(StageError):
    """The stage's queue is full."""

    code = "stage_busy"


class StageTimeout(StageError):
    """The deadline passed while the work waited or ran."""

    code = "stage_timeout"


class StageFailed(StageError):
    """The engine raised; the cause is chained."""


def first_cause(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that ended the session: a group holds one cause and what it cancelled."""
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return first_cause(error)
        if isinstance(error, ClientError | SessionError):
            return error
    return errors.exceptions[0]

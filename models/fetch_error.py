"""What can go wrong with a fetch, in words for a person. It raises nothing itself."""

from typing import ClassVar


class FetchError(Exception):
    """A model could not be fetched.

    `name` is the model or file, `cause` what happened, `remedy` what to do. With `retryable` the
    same call may succeed later. `retry_after_s` is what the hub asked for, if it did.
    """

    code: ClassVar[str] = "fetch_failed"

    def __init__(
        self,
        name: str,
        cause: str,
        remedy: str,
        retryable: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{name}: {cause}. {remedy}")
        self.name = name
        self.cause = cause
        self.remedy = remedy
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class FetchCancelled(FetchError):
    """The caller set its cancel event; what has arrived is kept for the next fetch."""

    code = "fetch_cancelled"

    def __init__(self, name: str) -> None:
        super().__init__(name, "stopped on request", "Fetch again to go on", retryable=True)

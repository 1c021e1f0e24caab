"""What language models were asked and what came of it, for /metrics and /stats. It asks none.

For one event loop, without locks. Labels are closed sets, never names or addresses.
"""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from models.llm import Usage
from server.watching.prometheus_series import BUCKETS_S


class EndpointRole(StrEnum):
    """Which of the endpoints it is."""

    PRIMARY = "primary"
    FALLBACK = "fallback"


class AnsweredBy(StrEnum):
    """Where an answer came from, or why no language model gave it."""

    MODEL = "model"
    CACHE = "cache"
    JOINED = "joined"
    """Somebody else had asked the same, or it was asked ahead."""
    REFUSED = "refused"
    """The documents do not answer: no model was asked."""
    DEGRADED = "degraded"
    """Quoted from the documents, because too much stands in line or the model is slow."""
    UNAVAILABLE = "unavailable"
    """Quoted from the documents, because no model answered."""
    BROKEN_OFF = "broken_off"
    """The model began and did not end: quoted from there on."""


ANSWERED = "answered"
"""The result of a call that failed in no way; the others are the faults, and LEFT."""
LEFT = "left"
"""Nobody wanted the rest of the answer."""


class LlmMetrics:
    """The series of the language model; made once, by server/watching/metrics.py."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.calls: dict[tuple[EndpointRole, str], int] = {}
        self.answers: dict[AnsweredBy, int] = {}
        self.tokens = Usage(0, 0)
        self._calls = Counter(
            "parley_llm_calls",
            "Calls to a language model",
            ["endpoint", "result"],
            registry=registry,
        )
        self._answers = Counter(
            "parley_llm_answers", "Answers by where they came from", ["by"], registry=registry
        )
        self._first_token_s = Histogram(
            "parley_llm_first_token_seconds",
            "From a call to its first token",
            ["endpoint"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._tokens = Counter(
            "parley_llm_tokens", "Tokens that endpoints counted", ["kind"], registry=registry
        )
        self._up = Gauge(
            "parley_llm_up", "1 while the endpoint is asked", ["endpoint"], registry=registry
        )
        self._in_use = Gauge("parley_llm_calls_now", "Calls that run now", registry=registry)

    def called(self, role: EndpointRole, result: str) -> None:
        """One try that ended: with ANSWERED, LEFT or a fault."""
        self.calls[role, result] = self.calls.get((role, result), 0) + 1
        self._calls.labels(role, result).inc()

    def first_token(self, role: EndpointRole, seconds: float) -> None:
        """One call's first piece came."""
        self._first_token_s.labels(role).observe(seconds)

    def counted(self, usage: Usage) -> None:
        """What an endpoint says that a call used."""
        before = self.tokens
        self.tokens = Usage(
            before.prompt_tokens + usage.prompt_tokens,
            before.completion_tokens + usage.completion_tokens,
        )
        self._tokens.labels("prompt").inc(max(0, usage.prompt_tokens))
        self._tokens.labels("completion").inc(max(0, usage.completion_tokens))

    def answered(self, by: AnsweredBy) -> None:
        """One turn's answer."""
        self.answers[by] = self.answers.get(by, 0) + 1
        self._answers.labels(by).inc()

    def set_up(self, role: EndpointRole, *, is_up: bool) -> None:
        """Whether the endpoint is asked, or left alone."""
        self._up.labels(role).set(int(is_up))

    def set_in_use(self, calls: int) -> None:
        """Calls that run now."""
        self._in_use.set(calls)

    def summary(self) -> dict[str, object]:
        """Return counts since the start, for /stats."""
        calls: dict[str, dict[str, int]] = {}
        for (role, result), count in self.calls.items():
            calls.setdefault(str(role), {})[result] = count
        return {
            "calls": calls,
            "answers": {str(by): count for by, count in self.answers.items()},
            "prompt_tokens": self.tokens.prompt_tokens,
            "completion_tokens": self.tokens.completion_tokens,
        }

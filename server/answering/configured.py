"""The language model that the settings name, if any. It asks nothing of it."""

from models.llm import ChatDeadlines
from models.llm_client import LlmClient
from server.answering.endpoint import Endpoint
from server.answering.kept_answers import STAGE, KeptAnswers, Told, told_bytes
from server.answering.language_model import LanguageModel
from server.answering.metrics import EndpointRole, LlmMetrics
from server.answering.model_answers import AnswerLimits, ModelAnswers
from server.cache.ladder import Ladder
from server.cache.memory_tier import MemoryCache
from server.settings import Settings
from server.watching.metrics import Metrics


def clients_of(settings: Settings) -> dict[EndpointRole, LlmClient]:
    """Return a client for each endpoint that is set; they connect at their first call."""
    named = {
        EndpointRole.PRIMARY: (settings.llm_base_url, settings.llm_model, settings.llm_api_key),
        EndpointRole.FALLBACK: (
            settings.llm_fallback_url,
            settings.llm_fallback_model,
            settings.llm_fallback_key,
        ),
    }
    deadlines = ChatDeadlines(
        settings.llm_connect_s,
        settings.llm_first_token_s,
        settings.llm_between_tokens_s,
        settings.llm_total_s,
    )
    return {
        role: LlmClient(url, model, key, deadlines)
        for role, (url, model, key) in named.items()
        if url
    }


def build_language_model(settings: Settings, metrics: LlmMetrics) -> LanguageModel | None:
    """Put the endpoints together; None where none is set."""
    endpoints = tuple(Endpoint(role, client) for role, client in clients_of(settings).items())
    if not endpoints:
        return None
    return LanguageModel(
        endpoints,
        metrics,
        settings.llm_retries,
        settings.llm_calls_at_once,
        slow_s=settings.llm_slow_s,
    )


def build_answers(
    settings: Settings, model: LanguageModel | None, metrics: Metrics, ladder: Ladder | None
) -> ModelAnswers | None:
    """Put what answers by the model together with its cache; None without a model."""
    if model is None:
        return None
    limit_bytes = settings.cache_bytes if settings.cache_enabled else 0
    memory = MemoryCache[Told](limit_bytes, settings.cache_ttl_s, told_bytes)
    lower = ladder.join(STAGE, Told, memory) if ladder is not None else None
    limits = AnswerLimits(
        settings.llm_patience_s,
        settings.answer_maximum_characters,
        settings.llm_ahead,
        settings.llm_without_evidence,
    )
    return ModelAnswers(model, KeptAnswers(memory, lower, metrics), limits)

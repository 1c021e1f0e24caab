"""The language model that the settings name, if any. It asks nothing of it."""

from models.llm import ChatDeadlines
from models.llm_client import LlmClient
from server.answering.endpoint import Endpoint
from server.answering.language_model import LanguageModel
from server.answering.metrics import EndpointRole, LlmMetrics
from server.settings import Settings


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
    return LanguageModel(endpoints, metrics, settings.llm_retries, settings.llm_calls_at_once)

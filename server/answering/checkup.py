"""Asks each endpoint that is set for its models, once, for people. No question is asked."""

import asyncio
from dataclasses import dataclass

from models.llm import LlmError
from models.llm_client import LlmClient
from server.answering.configured import clients_of
from server.answering.metrics import EndpointRole
from server.settings import Settings


@dataclass(frozen=True, slots=True)
class Checkup:
    """What became of it."""

    role: EndpointRole
    engine: str
    why: str
    is_there: bool


def check_endpoints(settings: Settings) -> list[Checkup]:
    """Ask all that are set, the first first. Blocks, at most a first token's time each."""
    clients = clients_of(settings)
    return asyncio.run(_check(clients)) if clients else []


async def _check(clients: dict[EndpointRole, LlmClient]) -> list[Checkup]:
    return [await _look_at(role, client) for role, client in clients.items()]


async def _look_at(role: EndpointRole, client: LlmClient) -> Checkup:
    try:
        listed = await client.models()
    except LlmError as error:
        return Checkup(role, client.name, str(error), False)
    finally:
        await client.close()
    told = "it answers and lists the model"
    if client.model not in listed:
        told = f"it answers, but lists no {client.model}: {', '.join(listed[:5]) or 'nothing'}"
    return Checkup(role, client.name, told, True)

"""Whole answers of a language model: how long they are kept, and across a restart."""

from pathlib import Path

import pytest

from server.answering.cutting import Spoken
from server.answering.kept_answers import STAGE, KeptAnswers, Told, told_bytes
from server.cache.memory_tier import MemoryCache
from server.deadline import Deadline
from server.settings import Settings
from tests.laddered import Clock, Process, process

DAY_S = 86_400.0
KEY = f"{STAGE}:model:7:question"
TOLD = Told((Spoken("It costs", (), ""), Spoken("twelve euros.", (0, 2), "It costs.")), False, "m")


def kept_in(made: Process) -> KeptAnswers:
    memory: MemoryCache[Told] = MemoryCache(10_000, 60, told_bytes)
    return KeptAnswers(memory, made.ladder.join(STAGE, Told, memory), made.metrics)


@pytest.mark.parametrize(("days", "found"), [(0.0, TOLD), (6.9, TOLD), (7.1, None)])
async def test_an_answer_is_kept_for_seven_days(
    tmp_path: Path, days: float, found: Told | None
) -> None:
    """By the default, on disk: the next start finds it, as it was cut and cited."""
    clock, keep_s = Clock(), Settings().cache_keep_s
    async with process(tmp_path, clock=clock, keep_s=keep_s) as before:
        kept_in(before).keep(KEY, TOLD, 1500.0)
        await before.settle()
    clock.now_s += days * DAY_S
    async with process(tmp_path, clock=clock, keep_s=keep_s) as after:
        assert await kept_in(after).look(KEY, Deadline.after(10)) == found

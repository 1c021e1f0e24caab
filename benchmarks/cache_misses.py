"""One of two processes that ask for the same value at the same moment; prints how often it ran it.

python -m benchmarks.cache_misses REDIS_URL START_AT  (started by benchmarks/cache.py)
"""

import asyncio
import sys
import time

from benchmarks.cache_stand import speech_of, stand
from models.tts import Speech
from server.deadline import Deadline

CALLERS = 100
WORK_S = 0.2


async def run_misses(redis_url: str, start_at_s: float) -> int:
    """Let CALLERS ask at that wall time, and return how often the work ran here."""
    runs = 0

    def work() -> Speech:
        nonlocal runs
        runs += 1
        time.sleep(WORK_S)
        return speech_of(1000)

    async with stand(None, redis_url) as made:
        await asyncio.sleep(max(0.0, start_at_s - time.time()))
        calls = (made.stage.run("tts:v:1:same", work, Deadline.after(20)) for _ in range(CALLERS))
        await asyncio.gather(*calls)
    return runs


if __name__ == "__main__":
    print(asyncio.run(run_misses(sys.argv[1], float(sys.argv[2]))))

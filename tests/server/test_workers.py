"""server/workers.py: long-lived daemon threads that hand results to the loop."""

import asyncio
import threading

import pytest

from server.workers import Workers


async def test_work_runs_in_the_same_few_threads() -> None:
    """A hundred jobs use no more than the two threads that were made."""
    workers = Workers("test", 2)
    names = {await workers.run(lambda: threading.current_thread().name) for _ in range(100)}
    assert names <= {"test-0", "test-1"}
    workers.close()
    assert await asyncio.to_thread(workers.join, 5)


async def test_an_error_is_raised_where_it_was_asked_for() -> None:
    """The thread survives it."""
    workers = Workers("test", 1)

    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await workers.run(fail)
    assert await workers.run(lambda: 5) == 5
    workers.close()


async def test_a_caller_that_left_changes_nothing() -> None:
    """A cancelled wait leaves the thread to finish; its result goes nowhere, without noise."""
    workers, go = Workers("test", 1), threading.Event()
    waiting = asyncio.create_task(workers.run(lambda: go.wait(5)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go.set()
    assert await workers.run(lambda: 7) == 7
    workers.close()


def test_threads_do_not_keep_the_process() -> None:
    """They are daemons: a hung native call cannot stop an exit."""
    workers = Workers("test", 1)
    assert all(thread.daemon for thread in workers._threads)
    workers.close()
    assert workers.join(5)


async def test_a_loop_that_is_gone_is_no_error() -> None:
    """A thread that ends after its loop has closed ends quietly."""
    workers, go = Workers("test", 1), threading.Event()
    loop = asyncio.new_event_loop()

    async def start() -> None:
        workers.submit(lambda: go.wait(5), lambda value, error: None)

    await asyncio.to_thread(loop.run_until_complete, start())
    loop.close()
    go.set()
    workers.close()
    assert await asyncio.to_thread(workers.join, 5)

"""A fixed set of long-lived threads that run blocking work for the event loop.

The threads are daemons: one that hangs in a native call cannot keep the process from exiting, as
those of ThreadPoolExecutor do. faster-whisper's memory grows when it is called from ever new
threads, so these live as long as the stage. It does not limit or order: server/permits.py does.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")
Delivery = Callable[[Any, BaseException | None], None]


class Workers:
    """`count` threads named after the stage; work runs in the order submitted."""

    def __init__(self, name: str, count: int) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._name = name
        self._threads: list[threading.Thread] = []
        self.grow_to(count)

    def grow_to(self, count: int) -> None:
        """Have at least that many threads; there are never fewer than there were."""
        for number in range(len(self._threads), count):
            thread = threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def submit(self, work: Callable[[], Any], deliver: Delivery) -> None:
        """Run `work` in a thread, then `deliver(result, error)` on the calling event loop."""
        loop = asyncio.get_running_loop()

        def job() -> None:
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:
                error = raised
            _deliver_on(loop, deliver, result, error)

        self._jobs.put(job)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in a thread and return its result. A cancelled caller leaves; it runs on."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

        def deliver(result: Result, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self.submit(work, deliver)
        return await future

    def close(self) -> None:
        """Let the threads end after the work that is queued; does not wait."""
        for _ in self._threads:
            self._jobs.put(None)

    def join(self, timeout_s: float) -> bool:
        """Wait for the threads to end, that long for each; False when one still runs."""
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _deliver_on(
    loop: asyncio.AbstractEventLoop, deliver: Delivery, result: Any, error: BaseException | None
) -> None:
    try:
        loop.call_soon_threadsafe(deliver, result, error)
    except RuntimeError:
        # The loop closed while the thread was in a native call: nobody is left to tell.
        return

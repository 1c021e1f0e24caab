"""Ends a process, whatever its threads do: one in a native call can be neither stopped nor joined.

It shuts nothing down itself: server/app.py does, in order, and this bounds how long that takes.
"""

import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Final, Never

EXIT_HUNG: Final = 70
"""EX_SOFTWARE of sysexits.h: not a clean end, so that a service manager starts the server anew."""
STDERR: Final = 2
GRACE_S: Final = 0.8
"""What closing may take beyond the drain time, in which answers end; a second with the exit."""


def end_process(code: int) -> Never:
    """End it here, with nothing of the interpreter's own end but the flushing.

    That end would let a thread that comes back from a native call unwind through C++, which aborts:
    exit code 134 in 6 of 6 tries while the embedder was at work.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class Watchdog:
    """Started once, it ends the process after that time; an exit before then is not disturbed."""

    def __init__(self, exit_process: Callable[[int], object] = os._exit) -> None:
        self._exit_process = exit_process
        self._is_started = False

    def start(self, seconds: float) -> None:
        """Count down in a thread of its own; without effect when it already does."""
        if self._is_started:
            return
        self._is_started = True
        thread = threading.Timer(seconds, self._bark, (seconds,))
        thread.daemon = True
        thread.start()

    def _bark(self, seconds: float) -> None:
        """Tell where each thread stands: the frames name code, and no words that were spoken.

        Not by logging, whose lock the hung thread may hold.
        """
        os.write(STDERR, f"parley: not ended after {seconds:g} s; threads:\n".encode())
        faulthandler.dump_traceback(STDERR, all_threads=True)
        self._exit_process(EXIT_HUNG)

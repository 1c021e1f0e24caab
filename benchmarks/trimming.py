"""Runs another module as the program, and gives freed memory back to the system at each SIGUSR1.

`python -m benchmarks.trimming MODULE [its arguments]`. The product has the C library keep up to
256 MB of what its engines freed (models/allocation.py), which hides what it really holds.
"""

import runpy
import signal
import sys

from server.watching.machine import trim_memory


def main() -> None:
    """Run the module until it ends. A signal is taken between two steps of the event loop."""
    signal.signal(signal.SIGUSR1, lambda number, frame: trim_memory())
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

"""How a program that runs engines begins: what then holds for the whole process."""

import sys
from typing import Final

from models.allocation import keep_freed_memory

SWITCH_INTERVAL_S: Final = 0.001
"""Between two threads that want the interpreter. At Python's 5 ms a search that met the thread
which reads a commit waited 5 ms for what takes one, and so may the event loop for any thread.
"""


def set_up_process() -> None:
    """To be called as early as possible, once."""
    keep_freed_memory()
    sys.setswitchinterval(SWITCH_INTERVAL_S)

"""What this process may use of the machine, and what it has taken of it. It limits nothing."""

import ctypes
import os
import resource
import sys
from pathlib import Path

_CONTROL_GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_OWN_PAGES = Path("/proc/self/statm")
_OWN_DESCRIPTORS = Path("/dev/fd")


def usable_cores() -> int:
    """Return how many cores this process may run on, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_memory_bytes() -> int:
    """Return the memory that this process may use: the control group's limit or the machine's."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = int(_CONTROL_GROUP_LIMIT.read_text())
    except (OSError, ValueError):
        return total
    return min(total, limit)


def trim_memory() -> None:
    """Give the system what is free in the heap, where the C library can; takes milliseconds."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def resident_bytes() -> int:
    """Return what of this process is in memory now; where /proc is absent, its peak."""
    try:
        pages = int(_OWN_PAGES.read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_descriptors() -> int:
    """Return how many files and sockets this process holds open."""
    return len(os.listdir(_OWN_DESCRIPTORS))

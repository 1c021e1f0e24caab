"""Has the C library keep freed memory for the next call instead of giving it back; allocates none.

An engine frees some MB of activations after each layer. glibc gives them back to the system and
gets them again as pages that the kernel must clear: 760,000 page faults and 40% of the processor
time of embedding 240 passages.
"""

import ctypes
from contextlib import suppress
from typing import Final

_TRIM_THRESHOLD: Final = -1  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of mallopt(3)
_MMAP_THRESHOLD: Final = -3
_KEPT_BYTES: Final = 256 * 2**20
_ALONE_BYTES: Final = 32 * 2**20  # the most that glibc takes; larger blocks go back when freed


def keep_freed_memory() -> bool:
    """For this process, as early as possible; False where the C library cannot (no glibc)."""
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        kept = mallopt(_MMAP_THRESHOLD, _ALONE_BYTES) and mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        return bool(kept)
    return False

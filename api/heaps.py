"""Memory that is given back: how many heaps the C library keeps.

glibc gives every thread a heap of its own, up to eight for each core. Threads that take turns at
messages of megabytes leave each of these heaps with holes of megabytes: a disbursement run was seen
to hold 360 MB where 200 were in use at most. Threads that hold Python's lock do not contend for
heaps, so two are enough.
"""

import ctypes
import sys

HEAPS = 2
_M_ARENA_MAX = -8  # malloc.h


def keep_few_heaps() -> None:
    """To be called before threads are started; does nothing where the C library is not glibc."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, HEAPS)

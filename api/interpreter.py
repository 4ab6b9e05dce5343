"""How a process that keeps books sets its Python up; the bench does the same."""

import gc
import sys

SWITCH_INTERVAL_S = 0.001


def tune_interpreter() -> None:
    """Collects garbage seldom, and lets threads take turns often.

    The hot structs hold no cycles and are kept from the cyclic collector (``gc=False``); what
    remains are caches of a hundred thousand entries that each full collection would walk: a fifth
    of the time of a bulk of 5,000.

    A thread that sends a slice of a batch to the server needs the interpreter for microseconds at a
    time. With the default of 5 ms it waits for each of them longer than the server works
    (docs/decisions/0004).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)
    sys.setswitchinterval(SWITCH_INTERVAL_S)

"""How a process of ours sets its Python up; the bench does the same."""

import gc

# Allocations until garbage is looked for, and how often thoroughly. The hot structs
# hold no cycles and are kept from the cyclic collector (``gc=False``).
_SELDOM = 200_000, 50, 100


def collect_seldom() -> None:
    """From the first line of a program on: what it is made of is loaded before it works and is no
    garbage, and looking for some meanwhile takes a sixth of the time of a server's start."""
    gc.set_threshold(*_SELDOM)


def tune_interpreter() -> None:
    """Once a process that keeps books is loaded: the caches of a hundred thousand entries are what
    each full collection would walk, a fifth of the time of a bulk of 5,000."""
    gc.collect()
    gc.freeze()
    collect_seldom()

"""How a process that keeps books sets its Python up; the bench does the same."""

import gc


def tune_interpreter() -> None:
    """Collects garbage seldom.

    The hot structs hold no cycles and are kept from the cyclic collector (``gc=False``); what
    remains are caches of a hundred thousand entries that each full collection would walk: a fifth
    of the time of a bulk of 5,000.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)

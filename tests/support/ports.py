"""Ports for what is told its own beforehand, or comes back on the one that it had."""

import os
import socket
from itertools import chain, cycle

# Below those that Linux gives to whoever asks for any (from 32,768 on), and to every connection
# that somebody opens: such a one could be taken between its choice and its use, or while what had
# listened on it was killed and not yet started again.
PLACES = range(10_000, 32_000)
_begin = os.getpid() * 7_919 % len(PLACES)  # each worker of a suite at a place of its own
_places = cycle(chain(PLACES[_begin:], PLACES[:_begin]))


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens, another each time.

    Raises:
        AssertionError: there is none.
    """
    for _ in PLACES:
        port = next(_places)
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port of 127.0.0.1 is free")

"""Programs of ours that a suite needs beside it: started, waited for, ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from bench.measure import BenchError

STOP_TIMEOUT_S = 30


@contextmanager
def serving(module: str, arguments: Sequence[str], settings: Mapping[str, str]) -> Iterator[str]:
    """Runs a server (``python -m module``) for the length of the block; gives its URL.

    Args:
        settings: the ``GUOKU_…`` variables it runs with; those of this process are not passed on.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GUOKU_")}
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        env={**kept, **settings},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield _announced_url(process, module)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _announced_url(process: "subprocess.Popen[str]", module: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        name, _, value = line.strip().partition(": ")
        if name == "api":
            return value
    raise BenchError(f"{module} ended before it was ready; its log is above")

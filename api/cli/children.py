"""Programs of ours that run beside the server: started, watched, started again, ended with it.

A child's standard input is a pipe that its parent holds open. The kernel closes it however the
parent ends, and a child that is told to (``end_with_parent``) ends with it: no orphan keeps a port.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from time import monotonic

import structlog

log = structlog.get_logger(__name__)

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 30.0
STEADY_S = 60.0  # a child that lived this long is started again without delay
STOP_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 1.0


class Child:
    """One ``guoku`` command as a process of its own, in use as a context manager.

    Args:
        name: for the log and the readiness report.
        port: where it listens on 127.0.0.1 once it works.
        arguments: what follows ``guoku``.
        environment: variables beside ours; the place for what may not be seen in a process list.
    """

    def __init__(
        self,
        name: str,
        port: int,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._port = port
        self._command = [sys.executable, "-m", "api.cli", *arguments]
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # no start once stopping has begun
        self._watch = threading.Thread(target=self._keep_running, name=f"watch-{name}", daemon=True)
        self._restarts = 0

    def __enter__(self) -> "Child":
        self._start()
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._stopping.set()
            process = self._process
        assert process is not None, "stopped only after a start"
        process.terminate()
        self._watch.join(STOP_TIMEOUT_S)
        if self._watch.is_alive():
            log.warning("a program did not end in time and is killed", child=self.name)
            process.kill()
            self._watch.join()

    def fault(self) -> str | None:
        """Why it does not work, or None while it does."""
        process = self._process
        if process is None or process.poll() is not None:
            ending = f"{self.name} ended {_ending(process)}"
            return f"{ending} and is started again (restarts so far: {self._restarts})"
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=CONNECT_TIMEOUT_S):
                return None
        except OSError as error:
            return f"{self.name} does not answer on port {self._port}: {error}"

    def _start(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us: we end it in our own order
            )

    def _keep_running(self) -> None:
        backoff_s = BACKOFF_FIRST_S
        while True:
            assert self._process is not None
            started = monotonic()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            if self._stopping.is_set():
                return
            if monotonic() - started > STEADY_S:
                backoff_s = BACKOFF_FIRST_S
            log.warning(
                "a program ended and is started again",
                child=self.name,
                ending=_ending(self._process),
                backoff_s=backoff_s,
            )
            if self._stopping.wait(backoff_s):
                return
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)
            self._restarts += 1
            self._start()


def end_with_parent() -> None:
    """Ends this process, as by SIGTERM, when the parent that holds its standard input ends."""

    def wait_for_the_end() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_the_end, name="parent", daemon=True).start()


def _ending(process: "subprocess.Popen[bytes] | None") -> str:
    code = None if process is None else process.returncode
    if code is None:
        return "before it began"
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"

"""What the demo's processes use: memory now and at its peak, processor time by kind of process."""

import os
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread

import psutil

SAMPLED_EVERY_S = 2.0  # the kernel walks every process's pages for it
# what stands in the command line of our processes -> what they are
KINDS = {"up": "服务", "serve": "服务", "bank-sim": "代理银行", "pboc-sim": "人民银行"}
DATABASE, DRIVER, OTHERS = "Postgres", "演示程序", "其他"


class Meter:
    """Watches this process, a server's process tree, and the Postgres that it runs.

    Memory is the proportional share (PSS): what processes share counts once.
    """

    def __init__(self, server_pid: int, postmaster_pid: int | None) -> None:
        self._roots = [pid for pid in (os.getpid(), server_pid, postmaster_pid) if pid]
        self._stop = Event()
        self._thread = Thread(target=self._run, name="meter", daemon=True)
        self.memory_bytes = 0
        self.peak_bytes = 0
        self.cpu_s: dict[str, float] = {}

    def __enter__(self) -> "Meter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SAMPLED_EVERY_S):
            self.sample()

    def sample(self) -> None:
        memory_bytes = 0
        for process in self._processes():
            with suppress(psutil.Error):
                memory_bytes += process.memory_full_info().pss
        self.memory_bytes = memory_bytes
        self.peak_bytes = max(self.peak_bytes, memory_bytes)
        self.cpu_s = self._cpu()

    def _cpu(self) -> dict[str, float]:
        spent: dict[str, float] = {}
        for process in self._processes():
            with suppress(psutil.Error):
                kind, times = _kind(process), process.cpu_times()
                ended = times.children_user + times.children_system if kind == DATABASE else 0.0
                spent[kind] = spent.get(kind, 0.0) + times.user + times.system + ended
        return spent

    def _processes(self) -> Iterator[psutil.Process]:
        seen: set[int] = set()
        for pid in self._roots:
            with suppress(psutil.Error):
                root = psutil.Process(pid)
                for process in (root, *root.children(recursive=True)):
                    if process.pid not in seen:
                        seen.add(process.pid)
                        yield process


def _kind(process: psutil.Process) -> str:
    if process.pid == os.getpid():
        return DRIVER
    if process.name().startswith("postgres"):
        return DATABASE
    words = process.cmdline()
    return next((KINDS[word] for word in words if word in KINDS), OTHERS)

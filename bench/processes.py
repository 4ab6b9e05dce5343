"""What other programs use of the machine: CPU and memory, from /proc."""

import os
from pathlib import Path

RESET_PEAK = "5"  # what the kernel takes in clear_refs for it
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# fields of /proc/PID/stat after the name: state ppid …; user, system, and those of ended children
_PARENT, _TIMES = 1, slice(11, 15)


def family(pid: int) -> set[int]:
    """A process and all that it has started and that still runs, by id."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[_PARENT]), []).append(int(entry.name))
    found, waiting = {pid}, [pid]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            found.add(child)
            waiting.append(child)
    return found


def resident_bytes(pid: int | str = "self") -> int:
    """Memory of a process that is in RAM."""
    return _status_bytes(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    """The most it had in RAM since :func:`forget_peak`."""
    return _status_bytes(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """From now on the peak is counted anew; only for processes of one's own user."""
    Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK, encoding="ascii")


def command_line(pid: int) -> list[str]:
    """How a process was started; [] when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    except OSError:
        return []


def cpu_s(pid: int) -> float:
    """CPU of a process until now, and of its children that have ended; 0 when it has ended."""
    return sum(map(int, _stat(pid)[_TIMES])) / _TICKS_PER_S


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold anything; [] when the process has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()


def _status_bytes(pid: int | str, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0

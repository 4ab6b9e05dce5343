"""Records that are too many for memory: kept on disk in parts, each of which fits.

A part is a file that is only appended to. How long each was at a moment is all that has to be kept
to come back to it: what a killed process wrote beyond is cut off.
"""

from pathlib import Path

PARTS = 64
BUFFERED_BYTES_MAX = 1 << 16  # of one part


class Spill:
    """``parts`` are buffers to append to; call :meth:`settle` now and then."""

    def __init__(self, folder: Path, name: str, lengths: list[int] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._paths = [folder / f"{name}-{part:02d}.bin" for part in range(PARTS)]
        self.parts = [bytearray() for _ in range(PARTS)]
        for path, length in zip(self._paths, lengths or [0] * PARTS, strict=True):
            if not length:
                path.unlink(missing_ok=True)
            else:
                with path.open("ab") as file:
                    file.truncate(length)

    def settle(self) -> None:
        """Writes out the buffers that have grown."""
        for path, buffer in zip(self._paths, self.parts, strict=True):
            if len(buffer) >= BUFFERED_BYTES_MAX:
                _append(path, buffer)

    def lengths(self) -> list[int]:
        """Writes out all, and says how long each part is."""
        for path, buffer in zip(self._paths, self.parts, strict=True):
            _append(path, buffer)
        return [path.stat().st_size if path.exists() else 0 for path in self._paths]

    def read(self, part: int) -> bytes:
        path, buffered = self._paths[part], bytes(self.parts[part])
        return path.read_bytes() + buffered if path.exists() else buffered


def _append(path: Path, buffer: bytearray) -> None:
    if buffer:
        with path.open("ab") as file:
            file.write(buffer)
        buffer.clear()

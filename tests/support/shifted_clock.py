"""The command line with a host's clock that a test sets: ``python -m tests.support.shifted_clock``.

``SHIFT_FILE`` names a file with the seconds that the clock is ahead; while it is missing, none.
"""

import os
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import api.machine
from api.cli import main

SHIFT = Path(os.environ["SHIFT_FILE"])


class ShiftedDatetime(datetime):
    """The time of the host, and what the file says."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        shift_s = float(SHIFT.read_text() or 0) if SHIFT.exists() else 0.0
        return datetime.now(tz) + timedelta(seconds=shift_s)


if __name__ == "__main__":
    api.machine.datetime = ShiftedDatetime  # type: ignore[misc]
    main()

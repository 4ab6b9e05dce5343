"""Acting at the machine, in tests that are about something else: nothing keeps it from writing."""

from datetime import timedelta

from api.machine import now
from ledger.writing.conditions import Conditions

FREELY = Conditions(now, timedelta(seconds=5))

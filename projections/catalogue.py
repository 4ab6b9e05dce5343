"""Every projection of the program: loading this module enters them all."""

from projections.budget_rows import BudgetRows
from projections.core.registry import by_name, declare, declared
from projections.documents import Documents
from projections.indicators import Indicators
from projections.journals import AccountTotals, Journals
from projections.payments import Payments
from projections.refusals import Refusals

for projection in (
    Indicators(),
    Payments(),
    Journals(),
    AccountTotals(),
    Refusals(),
    Documents(),
    BudgetRows(),
):
    declare(projection)

PROJECTIONS = declared()

__all__ = ["PROJECTIONS", "by_name"]

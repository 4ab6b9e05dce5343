"""What a division pays once, in whichever year: read, and locked, where its registers are."""

from functools import partial

from ledger.reading.locking import reads
from ledger.reading.other_ledgers import lock_other_years
from payments.cards.lines import OTHER_YEAR as REIMBURSED_ELSEWHERE
from payments.cards.lines import REIMBURSED
from payments.subsidies.subsidy_list import OTHER_YEAR as SUBSIDY_ELSEWHERE
from payments.subsidies.subsidy_list import PAID_PERIODS
from payments.wages.run import OTHER_YEAR as WAGES_ELSEWHERE
from payments.wages.run import PAID_MONTHS

for fact, register in (
    (REIMBURSED_ELSEWHERE, REIMBURSED),
    (SUBSIDY_ELSEWHERE, PAID_PERIODS),
    (WAGES_ELSEWHERE, PAID_MONTHS),
):
    reads(fact)(partial(lock_other_years, register))

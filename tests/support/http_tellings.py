"""What banks answer to what they are told of a correction, over HTTP, where no simulator runs."""

from ledger.account_set import parse_ledger
from ledger.reading.objects import read_objects
from payments.corrections.telling import TELLING
from payments.messages import adjustments
from payments.messages.envelope import RECEIPT, VoucherBody
from payments.signing.tellings import adjustment
from tests.support.http_server import HttpTreasury


def telling_answered(
    http: HttpTreasury, tell_no: str, by: str, declined: str = "", of: str = ""
) -> str:
    """What becomes of a bank's signed answer; ``of`` is what it says of which voucher it is."""
    key = parse_ledger(http.ledger)
    with http.treasury.pool.connection() as connection:
        told = read_objects(connection, key, TELLING, [tell_no])[tell_no].ordered
    due = adjustment(key, told)
    form = adjustments.answer(due, due.vou_date, declined)
    if of:
        form = form.replace(due.original_voucher_no.encode(), of.encode())
    body = VoucherBody(
        adm_div_code=due.adm_div_code,
        st_year=due.st_year,
        vt_code=due.vt_code,
        voucher_no=due.voucher_no,
        voucher_flag=RECEIPT,
        voucher=form,
    )
    answer = http.deliver(http.message_of(body, by)).json()
    return str(answer.get("code") or answer["results"][0]["status"])

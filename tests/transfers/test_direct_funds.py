"""直达资金: marked funds from the province to payees, and where a mark would be lost."""

from collections.abc import Iterator

import pytest

from ledger.account_set import ledger_id
from ledger.postgres.database import Database
from payments.corrections.correcting import CorrectPayment
from projections.core.runner import Runner
from projections.province.deadlines import unallotted
from projections.province.direct_funds import (
    DirectFunds,
    Marks,
    PayeeLine,
    PayeePlace,
    direct_funds,
    payee_lines,
)
from projections.province.sight import Sight
from tests.support.tiers import CITY, COUNTY, DOCUMENT, Tiers, sending, tiers_on
from tests.transfers.test_sending import of_document

MARKED = {"is_dir_code": "01", "track_pro_code": "ZDXM1"}
FURTHER = "穗财预〔2026〕3号"
ON = {"sup_bgt_doc_no": DOCUMENT, "rec_div_code": COUNTY, "bgt_doc_no": FURTHER, **MARKED}


@pytest.fixture
def tiers(database: Database) -> Iterator[Tiers]:
    """As case 27: 4,960,000 to the city, of it 3,000,000 to the county, which issues them to a unit
    that pays 8 times 125,000; and 30,000 that are not marked, of which 20,000 are paid."""
    with tiers_on(database) as opened:
        opened.province.do(sending(amt="4960000.00", **MARKED))
        opened.province.do(sending("tp-9", "30000.00", bgt_doc_no="粤财预〔2026〕9号"))
        opened.delivered()
        opened.city.accept()
        opened.city.accept("粤财预〔2026〕9号", "JS-9")
        opened.city.do(of_document("B9", "30000.00", sup_bgt_doc_no="粤财预〔2026〕9号"))
        opened.city.pay("P9", "B9", "20000.00")
        opened.city.do(sending("tp-2", "3000000.00", **ON))
        opened.delivered()
        opened.county.accept(FURTHER)
        opened.county.do(of_document("B1", "3000000.00", sup_bgt_doc_no=FURTHER, **MARKED))
        for number in range(8):
            opened.county.pay(f"P{number}", "B1", "125000.00")
        yield opened


def report(tiers: Tiers, division: str = "44", **marks: str) -> DirectFunds:
    Runner(tiers.province.pool).catch_up()
    with tiers.province.pool.connection() as connection:
        return direct_funds(connection, Sight(division), 2026, Marks(**marks))


def payees(tiers: Tiers, division: str = "44", page: int = 3) -> list[PayeeLine]:
    lines: list[PayeeLine] = []
    after: PayeePlace | None = PayeePlace()
    while after is not None:
        with tiers.province.pool.connection() as connection:
            more, after = payee_lines(connection, Sight(division), 2026, Marks(), after, page)
        lines += more
    return lines


def test_issued_allotted_paid_by_tier_down_to_payees(tiers: Tiers) -> None:
    whole = report(tiers, track_pro_code="ZDXM1")
    assert (whole.issued_fen, whole.allotted_fen, whole.paid_fen, whole.rate) == (
        4_960_000_00, 3_000_000_00, 1_000_000_00, "20.16",
    )  # fmt: skip
    by_tier = {tier: (f.sent, f.received, f.rest, f.paid) for tier, f in whole.tiers.items()}
    assert by_tier == {
        "2": (4_960_000_00, 0, 0, 0),
        "3": (3_000_000_00, 4_960_000_00, 1_960_000_00, 0),
        "4": (0, 3_000_000_00, 0, 1_000_000_00),
    }
    assert report(tiers) == report(tiers, is_dir_code="01") == whole
    assert report(tiers, track_pro_code="ZDXM2").issued_fen == 0

    lines = payees(tiers)
    assert [(line.payment.applied.pay_app_no, line.paid_fen) for line in lines] == [
        (f"P{number}", 125_000_00) for number in range(8)
    ]
    assert {line.marks for line in lines} == {Marks("ZDXM1", "01")}


def test_what_comes_from_a_tier_that_one_does_not_see_begins_with_oneself(tiers: Tiers) -> None:
    county = report(tiers, COUNTY)
    assert (county.issued_fen, county.allotted_fen, county.paid_fen) == (
        3_000_000_00, 3_000_000_00, 1_000_000_00
    )  # fmt: skip
    assert list(county.divisions) == [ledger_id(COUNTY, 2026)]
    city = report(tiers, CITY[:4])
    assert (city.issued_fen, city.allotted_fen) == (4_960_000_00, 3_000_000_00)
    Runner(tiers.province.pool).catch_up()
    assert payees(tiers, CITY) == []


def test_a_corrected_payment_stands_under_the_indicator_that_bears_it(tiers: Tiers) -> None:
    """What was booked to the wrong indicator is the direct funds' own again, and the other way."""
    county = tiers.county
    county.issue("B2", "500000.00")
    right = CorrectPayment(
        cor_no="G1", pay_app_no="P0", to_bgt_id="B2", amt="125000.00", reason="串户"
    )
    county.do(right, "accountant")
    assert report(tiers).paid_fen == 875_000_00
    assert {line.payment.applied.pay_app_no for line in payees(tiers)} == {
        f"P{number}" for number in range(1, 8)
    }
    county.pay("P8", "B2", "1000.00")
    wrong = CorrectPayment(
        cor_no="G2", pay_app_no="P8", to_bgt_id="B1", amt="1000.00", reason="串户"
    )
    county.do(wrong, "accountant")
    assert report(tiers).paid_fen == 876_000_00
    assert sum(line.paid_fen for line in payees(tiers)) == 876_000_00


def test_no_indicator_and_no_transfer_loses_its_mark(tiers: Tiers) -> None:
    """Case 27: an untracked child is refused, as are one of another project and one not direct."""
    city = tiers.city
    assert city.refusal(of_document("B3", "1.00")) == "element_mismatch"
    for wrong in ({"track_pro_code": "ZDXM2"}, {"is_dir_code": ""}):
        assert city.refusal(of_document("B3", "1.00", **{**MARKED, **wrong})) == "element_mismatch"
        onwards = sending("tp-3", "1.00", **{**ON, "bgt_doc_no": "x", **wrong})
        assert city.refusal(onwards) == "element_mismatch"


def test_what_is_not_allotted_is_due(tiers: Tiers) -> None:
    """The tiers' clock stands at March 2: thirty days, and seven of direct funds."""
    tiers.province.do(sending("tp-4", "100.00", bgt_doc_no="粤财预〔2026〕10号"))
    tiers.delivered()
    Runner(tiers.province.pool).catch_up()
    with tiers.province.pool.connection() as connection:
        due = unallotted(connection, Sight("44"), 2026)
        assert unallotted(connection, Sight(COUNTY), 2026) == [], "all of it is allotted"
    assert [(one.due_on.isoformat(), one.rest_fen) for one in due] == [
        ("2026-03-09", 1_960_000_00),
        ("2026-04-01", 100_00),
    ]
    assert {one.received_on.isoformat() for one in due} == {"2026-03-02"}

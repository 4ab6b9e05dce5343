"""转移支付: what a tier sends is the tier's below, once, whatever becomes of its delivery."""

from collections.abc import Iterator

import pytest

from budget.indicators import AdjustIndicator, ReallocateIndicator
from budget.issuing import IssueIndicator
from budget.staging import RecallIndicator
from ledger.deciding.opening import OpenLedger
from ledger.postgres.database import Database
from tests.support.bookkeeper import ELEMENTS
from tests.support.tiers import (
    BELOW,
    CITY,
    COUNTY,
    DOCUMENT,
    PROVINCE,
    Tier,
    Tiers,
    sending,
    tiers_on,
)
from transfers.tiers import is_below

pytestmark = pytest.mark.usefixtures("decided_again")


@pytest.fixture
def tiers(database: Database) -> Iterator[Tiers]:
    with tiers_on(database) as opened:
        yield opened


def of_document(bgt_id: str, amount: str, **more: str) -> IssueIndicator:
    return IssueIndicator(
        bgt_id=bgt_id, amount=amount, **{**ELEMENTS, "sup_bgt_doc_no": DOCUMENT, **more}
    )


def test_a_province_sends_five_million_to_its_city_which_has_them_once(tiers: Tiers) -> None:
    """Case 26."""
    province, city = tiers.province, tiers.city
    province.do(sending())
    assert province.amounts("R")["rest_amt"] == "0.00"
    books = province.books()
    assert (books.get("支出预算"), books["支出指标—转移支付"]) == (None, "5000000.00")
    balance = tiers.balance()
    assert (balance.sent_fen, balance.accepted_fen, balance.in_transit_fen) == (
        5_000_000_00,
        0,
        5_000_000_00,
    )

    tiers.delivered()
    tiers.delivered()
    assert city.books()["指标来源"] == city.books()["支出预算"] == "5000000.00"
    received = city.received()
    assert received is not None
    assert (received.status, received.issued.ledger) == ("received", f"{PROVINCE}-2026")
    assert tiers.balance().in_transit_fen == 5_000_000_00, "nobody has accepted it"
    assert city.refusal(of_document("B1", "1.00")) == "invalid_state"

    city.accept()
    balance = tiers.balance()
    assert (balance.sent_fen, balance.accepted_fen, balance.in_transit_fen) == (
        5_000_000_00,
        5_000_000_00,
        0,
    )
    assert tiers.transfer().status == "issued", "the province does not know yet"
    tiers.delivered()
    tiers.delivered()
    assert tiers.transfer().status == "accepted"
    assert city.books()["指标来源"] == "5000000.00"


def test_what_was_received_is_allotted_and_no_fen_more(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    province.do(sending(amt="1000.00"))
    tiers.delivered()
    city.accept()
    city.do(of_document("B1", "600.00"))
    city.do(of_document("B2", "300.00"))
    assert city.refusal(of_document("B3", "100.01")) == "insufficient_budget"
    assert city.rest_fen() == 100_00
    raised = AdjustIndicator(bgt_id="B1", adj_no="A1", adj_amt="100.01", reason="追加")
    assert city.refusal(raised) == "insufficient_budget"
    city.do(AdjustIndicator(bgt_id="B1", adj_no="A2", adj_amt="-50.00", reason="追减"))
    city.do(RecallIndicator(bgt_id="B2", recall_no="S1", amt="25.00"))
    assert city.rest_fen() == 175_00
    assert city.books()["支出预算"] == "175.00"
    assert city.books()["支出指标"] == "825.00"
    city.issue("B9", "10.00")
    away = ReallocateIndicator(bgt_id="B1", to_bgt_id="B9", adj_no="T1", amt="1.00", reason="调剂")
    assert city.refusal(away) == "element_mismatch"
    city.do(
        ReallocateIndicator(bgt_id="B1", to_bgt_id="B2", adj_no="T2", amt="1.00", reason="调剂")
    )
    assert city.rest_fen() == 175_00


def test_what_is_sent_on_keeps_its_marks_and_is_no_more_than_was_received(tiers: Tiers) -> None:
    marks = {"is_dir_code": "01", "track_pro_code": "TRACK1"}
    province, city, county = tiers.province, tiers.city, tiers.county
    province.do(sending(amt="1000.00", **marks))
    tiers.delivered()
    city.accept()
    on = {"rec_div_code": COUNTY, "sup_bgt_doc_no": DOCUMENT, "bgt_doc_no": "穗财预〔2026〕3号"}
    assert city.refusal(sending("tp-2", "600.00", **on)) == "element_mismatch"
    assert city.refusal(sending("tp-2", "1000.01", **on, **marks)) == "insufficient_budget"
    city.do(sending("tp-2", "600.00", **on, **marks))
    tiers.delivered()
    county.accept("穗财预〔2026〕3号")
    tiers.delivered()
    child = of_document("B1", "600.00", sup_bgt_doc_no="穗财预〔2026〕3号")
    assert county.refusal(child) == "element_mismatch"
    county.do(of_document("B1", "600.00", sup_bgt_doc_no="穗财预〔2026〕3号", **marks))
    assert city.refusal(of_document("B1", "400.01", **marks)) == "insufficient_budget"
    assert tiers.transfer("tp-2", of=city).status == "accepted"
    balance = tiers.balance(city, county)
    assert (balance.sent_fen, balance.in_transit_fen) == (600_00, 0)


def test_a_transfer_is_of_a_row_for_tiers_below_and_goes_below(tiers: Tiers) -> None:
    province = tiers.province
    assert province.refusal(sending(rec_div_code="430100000")) == "element_invalid"
    assert province.refusal(sending(rec_div_code=PROVINCE)) == "element_invalid"
    assert province.refusal(sending(tp_func_code="2010102")) == "element_invalid"
    assert province.refusal(sending(fund_type_code="121")) == "element_mismatch"
    assert province.refusal(sending(tp_func_code="23002")) == "element_mismatch"
    assert province.refusal(sending(amt="5000000.01")) == "insufficient_budget"
    assert province.refusal(sending(sup_bgt_doc_no="财预〔2026〕1号")) == "not_found"
    province.do(sending(amt="1.00"))
    assert province.refusal(sending("tp-2", "1.00")) == "invalid_state", "its document is used"
    province.do(sending("tp-2", "1.00", rec_div_code=COUNTY))
    assert tiers.city.refusal(sending("tp-3", rec_div_code=PROVINCE, sup_bgt_doc_no="x")) == (
        "element_invalid"
    )


def test_what_no_treasury_has_is_not_sent(tiers: Tiers) -> None:
    """财政专户管理资金 and 单位资金 lie in accounts of their own."""
    for fund in ("2", "31"):
        assert tiers.province.refusal(sending(fund_type_code=fund)) == "element_invalid"


def test_a_ledger_of_an_earlier_release_sent_them_and_is_verified_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OpenLedger, "TRANSFERS", False)
    monkeypatch.setattr(OpenLedger, "FOLLOWS", False)
    with tiers_on(database) as tiers:
        tiers.province.ceiling("10.00", fund="2")
        tiers.province.approved(("R2", "10.00"), **{**BELOW, "fund_type_code": "2"})
        tiers.province.do(sending(amt="10.00", bgt_pman_id="R2", fund_type_code="2"))
        monkeypatch.undo()


@pytest.mark.parametrize(
    ("above", "below", "holds"),
    [
        (PROVINCE, CITY, True),
        (PROVINCE, COUNTY, True),
        (CITY, COUNTY, True),
        (COUNTY, "440103001", True),
        (CITY, PROVINCE, False),
        (CITY, "440200000", False),
        (COUNTY, CITY, False),
        (CITY, CITY, False),
    ],
)
def test_a_tier_is_below_another_by_its_code(above: str, below: str, *, holds: bool) -> None:
    assert is_below(above, below) is holds


def test_a_receiver_that_opens_its_ledger_later_has_it_then(tiers: Tiers) -> None:
    tiers.province.do(sending(amt="10.00", rec_div_code="440300000"))
    delivering = tiers.delivering()
    assert delivering.look() == 0
    late = Tier(tiers.city.pool, division="440300000")
    late.open()
    assert delivering.look() == 1
    assert late.rest_fen() == 10_00
    late.close()

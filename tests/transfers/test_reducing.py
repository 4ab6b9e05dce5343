"""转移支付调减、退回: what is not allotted goes back, and no fen of it is anywhere twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from budget.staging import RecallIndicator
from budget.transfer_events import EventPlace
from ledger.postgres.database import Database
from tests.support.exports import export
from tests.support.tiers import CITY, COUNTY, DOCUMENT, Tiers, sending, tiers_on
from tests.transfers.test_sending import of_document
from tests.verifier.test_offline_verifier import run
from transfers.giving_back import GiveBackTransfer
from transfers.reducing import NoteReduction, ReduceTransfer

pytestmark = pytest.mark.usefixtures("decided_again")
RETURN = GiveBackTransfer(sup_bgt_doc_no=DOCUMENT, return_no="TH-1", reason="项目取消")


@pytest.fixture
def tiers(database: Database) -> Iterator[Tiers]:
    """The province has sent 1,000.00 to the city, which has them."""
    with tiers_on(database) as opened:
        opened.province.do(sending(amt="1000.00"))
        opened.delivered()
        yield opened


def reduction(amt: str, number: str = "TJ-1", transfer_no: str = "tp-1") -> ReduceTransfer:
    return ReduceTransfer(transfer_no=transfer_no, reduce_no=number, amt=amt)


def standing(tiers: Tiers) -> tuple[str, int, int, int]:
    """What the province's row has left; sent, accepted, in transit in yuan."""
    balance = tiers.balance()
    yuan = (balance.sent_fen, balance.accepted_fen, balance.in_transit_fen)
    return (tiers.province.amounts("R")["rest_amt"], *(fen // 100 for fen in yuan))


def test_what_is_not_allotted_is_taken_back(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    city.accept()
    tiers.delivered()
    city.do(of_document("B1", "700.00"))
    assert province.refusal(reduction("300.01")) == "transfer_allotted"
    province.do(reduction("300.00"))
    assert standing(tiers) == ("4999000.00", 1000, 1000, 0), "nothing moves before the city has"
    assert province.refusal(reduction("1000.00", "TJ-2")) == "transfer_allotted"
    tiers.delivered()
    assert standing(tiers) == ("4999300.00", 700, 700, 0)
    assert tiers.balance().reduced_fen == 300_00
    assert city.rest_fen() == 0
    assert (city.books()["指标来源"], province.books()["支出指标—转移支付"]) == ("700.00", "700.00")
    assert tiers.transfer().status == "reduced"
    assert city.refusal(of_document("B2", "0.01")) == "insufficient_budget"


def test_what_the_city_allots_meanwhile_stays_allotted(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    city.accept()
    tiers.delivered()
    province.do(reduction("300.00"))
    city.do(of_document("B1", "700.01"))
    tiers.delivered()
    assert standing(tiers) == ("4999000.00", 1000, 1000, 0)
    assert tiers.transfer().reductions["TJ-1"].state == "dropped"
    assert "transfer.reduction_declined" in [name for _, name, _ in city.events()]
    assert "transfer.reduction_dropped" in [name for _, name, _ in province.events()]
    city.do(RecallIndicator(bgt_id="B1", recall_no="S1", amt="0.01"))
    province.do(reduction("300.00", "TJ-2"))
    tiers.delivered()
    assert standing(tiers) == ("4999300.00", 700, 700, 0)


def test_money_that_is_coming_back_is_in_transit(tiers: Tiers) -> None:
    tiers.city.accept()
    tiers.delivered()
    tiers.province.do(reduction("300.00"))
    tiers.delivered_to(tiers.city)
    assert standing(tiers) == ("4999000.00", 1000, 700, 300)
    tiers.delivered()
    assert standing(tiers) == ("4999300.00", 700, 700, 0)


def test_a_reduction_before_the_acceptance(tiers: Tiers) -> None:
    tiers.province.do(reduction("400.00"))
    tiers.delivered()
    assert standing(tiers) == ("4999400.00", 600, 0, 600)
    tiers.city.accept()
    tiers.province.do(reduction("600.00", "TJ-2"))
    tiers.delivered()
    assert standing(tiers) == ("5000000.00", 0, 0, 0)
    assert tiers.city.books().get("指标来源") is None


def test_the_city_returns_what_it_has_not_begun_with(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    city.accept()
    city.do(of_document("B1", "1.00"))
    assert city.refusal(RETURN) == "transfer_allotted"
    city.do(RecallIndicator(bgt_id="B1", recall_no="S1", amt="1.00"))
    city.do(RETURN)
    assert standing(tiers) == ("4999000.00", 1000, 0, 1000)
    tiers.delivered()
    tiers.delivered()
    assert standing(tiers) == ("5000000.00", 0, 0, 0)
    assert tiers.transfer().status == "returned"
    assert city.refusal(of_document("B2", "0.01")) == "insufficient_budget"
    assert city.refusal(GiveBackTransfer(sup_bgt_doc_no=DOCUMENT, return_no="TH-2")) == (
        "invalid_state"
    )
    assert province.refusal(reduction("0.01")) == "transfer_allotted"
    assert province.refusal(sending("tp-9", "1.00")) == "invalid_state", "the document was used"


def test_what_was_sent_on_comes_back_tier_by_tier(tiers: Tiers) -> None:
    province, city = tiers.province, tiers.city
    city.accept()
    document = "穗财预〔2026〕3号"
    on = {"rec_div_code": COUNTY, "sup_bgt_doc_no": DOCUMENT, "bgt_doc_no": document}
    city.do(sending("tp-2", "600.00", **on))
    tiers.delivered()
    assert province.refusal(reduction("400.01")) == "transfer_allotted"
    city.do(reduction("200.00", transfer_no="tp-2"))
    tiers.delivered()
    province.do(reduction("600.00"))
    tiers.delivered()
    assert standing(tiers) == ("4999600.00", 400, 400, 0)
    assert (city.rest_fen(), tiers.county.rest_fen(document)) == (0, 400_00)


def test_offline_what_came_back_stands_at_both_ends(tiers: Tiers, tmp_path: Path) -> None:
    """A reduction taken, one declined, and a return; then a word that the city never gave."""
    province, city = tiers.province, tiers.city
    province.do(sending("tp-2", "50.00", bgt_doc_no="粤财预〔2026〕9号"))
    tiers.delivered()
    city.accept()
    city.do(GiveBackTransfer(sup_bgt_doc_no="粤财预〔2026〕9号", return_no="TH-9", reason="取消"))
    tiers.delivered()
    province.do(reduction("300.00"))
    tiers.delivered()
    province.do(reduction("700.00", "TJ-2"))
    city.do(of_document("B1", "0.01"))
    tiers.delivered()
    folders = {keeper: tmp_path / keeper.division for keeper in (province, city)}
    for keeper, folder in folders.items():
        export(keeper.pool, keeper.ledger_id, folder)
    for one, other in ((province, city), (city, province)):
        code, output = run(str(folders[one]), "--other", str(folders[other]))
        assert code == 0, output
        assert "sent 700.00 = accepted 700.00 + in transit 0.00" in output

    province.do(reduction("10.00", "TJ-3"))
    place = EventPlace(f"{CITY}-2026", 1, "ab" * 32, "cd" * 32)
    made_up = NoteReduction(transfer_no="tp-1", reduce_no="TJ-3", amt="10.00", told=place)
    province.do(made_up, "guoku")
    export(province.pool, province.ledger_id, tmp_path / "forged")
    code, output = run(str(tmp_path / "forged"), "--other", str(folders[city]))
    assert code == 1
    assert "has no such event at 1 无此事件" in output
    assert "sent 690.00 = accepted 700.00 + in transit -10.00" in output


@pytest.mark.parametrize("numbers", [{}, {"reduce_no": "TJ-1", "return_no": "TH-1"}])
def test_what_comes_back_was_asked_for_or_is_returned(
    tiers: Tiers, numbers: dict[str, str]
) -> None:
    """A ledger elsewhere says what it likes: a word without any number took a part back."""
    tiers.city.accept()
    tiers.delivered()
    tiers.province.do(reduction("1.00"))
    place = EventPlace(ledger=f"{CITY}-2026", position=1, digest="ab" * 32, chain="cd" * 32)
    word = NoteReduction(transfer_no="tp-1", amt="1.00", told=place, **numbers)
    assert tiers.province.refusal(word) == "invalid_state"
    assert standing(tiers) == ("4999000.00", 1000, 1000, 0)

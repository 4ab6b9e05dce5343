"""What remembers a history, held against it: whatever remembers more stops all writing.

Newer checkpoint files beside an older cluster once stopped the sealing alone, and writing went on.
"""

from pathlib import Path

import msgspec
import pytest

from ledger.account_set import ledger_text, system_ledger
from ledger.books import load_charts
from ledger.deciding.command import Submission
from ledger.deciding.losses import AcceptLoss
from ledger.deciding.opening import OpenSystemLedger
from ledger.elements import stored_code_sets
from ledger.errors import HistoryCutError, UnavailableError
from ledger.gm import default_provider
from ledger.integrity.note import assemble, ledger_checkpoint, ledger_origin, sign_text
from ledger.postgres.vanished import refuse_where_one_was
from ledger.reading.objects import read_head
from ledger.sealing.epoch_mark import ClusterMark, mark_fault, read_mark, write_mark
from ledger.sealing.files import NoteFiles
from ledger.sealing.history_guard import HistoryGuard
from ledger.sealing.memory import RememberedHistory
from ledger.writing.sequencer import Sequencer
from tests.support.audited_books import LOG, key_of
from tests.support.bookkeeper import Bookkeeper, payment
from tests.support.waiting import HANG_S

pytestmark = pytest.mark.usefixtures("decided_again")

SYSTEM = system_ledger(2026)
OTHER = b"\x07" * 32


class GuardedLedger:
    """A ledger whose folder remembers what a test says, and a guard over both."""

    def __init__(self, keeper: Bookkeeper, folder: Path) -> None:
        self.keeper, self.pool, self.folder = keeper, keeper.pool, folder
        self.key = keeper.ledger_id
        self.mark = folder / "cluster.json"
        self.witnessed: list[RememberedHistory] = []
        self.guard = self.fresh()

    def fresh(self) -> HistoryGuard:
        """As a server that has just been started has it."""
        return HistoryGuard(
            self.pool, self.folder / "checkpoints", self.mark, lambda _: self.witnessed
        )

    def head(self) -> tuple[int, bytes]:
        with self.pool.connection() as connection:
            head = read_head(connection, self.key)
        assert head is not None
        return head.position, head.chain

    def remember(self, size: int, chain: bytes) -> None:
        """One more note at the end of the ledger's checkpoint file."""
        text = ledger_checkpoint(self.key, size, OTHER, chain, self.keeper.clock()).text
        line = sign_text(default_provider(), LOG, key_of(LOG), text)
        notes = iter([[assemble(text, [line])], []])
        NoteFiles(self.folder / "checkpoints").append(
            ledger_origin(self.key), lambda _last: next(notes)
        )

    def reasons(self) -> list[str]:
        self.guard.look()
        return self.guard.reasons()

    def accept(self, first: int, last: int, epoch: int = 1) -> None:
        """As the operator's command does, by a sequencer without a guard."""
        about = {"epoch": epoch, "epoch_name": f"epoch{epoch}", "reason": "恢复备份"}
        lost = AcceptLoss(
            ledger=ledger_text(self.key), first_position=first, last_position=last, **about
        )
        self.submit(self.key, lost)
        if epoch == 1:
            self.submit(SYSTEM, OpenSystemLedger(fiscal_year=2026))
        self.submit(SYSTEM, AcceptLoss(ledger=ledger_text(SYSTEM), **about))

    def submit(self, key: int, command: object) -> None:
        asked = Submission(command=command, by="ops")  # type: ignore[arg-type]
        [outcome] = self.keeper.sequencer.submit(key, [asked]).result(HANG_S)
        assert outcome.problem is None, str(outcome.problem)


@pytest.fixture
def guarded(bookkeeper: Bookkeeper, tmp_path: Path) -> GuardedLedger:
    bookkeeper.issue("B", "100.00")
    return GuardedLedger(bookkeeper, tmp_path)


def test_what_is_remembered_and_is_there_stops_nothing(guarded: GuardedLedger) -> None:
    position, chain = guarded.head()
    guarded.remember(position, chain)
    guarded.witnessed = [RememberedHistory(guarded.key, position, chain, b"", "witness/audit")]
    assert guarded.reasons() == []
    assert guarded.guard.fault(guarded.key, position) is None
    guarded.keeper.apply("P", "B", "1.00")
    assert guarded.reasons() == []


def test_a_newer_file_beside_an_older_cluster_stops_every_ledger(guarded: GuardedLedger) -> None:
    position, _ = guarded.head()
    guarded.remember(position + 5, OTHER)
    [reason] = guarded.reasons()
    assert f"has {position}, and" in reason
    assert f"remembers {position + 5} events" in reason
    [tail] = guarded.guard.lost
    assert (tail.first, tail.remembered.size) == (position + 1, position + 5)
    fault = guarded.guard.fault(1, 1)
    assert fault is not None
    assert fault.code.text == "history_cut"


def test_writing_that_went_on_is_another_history(guarded: GuardedLedger) -> None:
    """As many events as are remembered, or more, and others."""
    before, chain = guarded.head()
    guarded.remember(before, chain)
    guarded.keeper.apply("P", "B", "1.00")
    position, _ = guarded.head()
    guarded.remember(position, OTHER)
    [reason] = guarded.reasons()
    assert f"has others from {before + 1} on" in reason


def test_a_witness_that_remembers_more_stops_it(guarded: GuardedLedger) -> None:
    position, _ = guarded.head()
    guarded.witnessed = [RememberedHistory(guarded.key, position + 1, OTHER, b"", "witness/audit")]
    [reason] = guarded.reasons()
    assert f"witness/audit remembers {position + 1} events" in reason


def test_a_ledger_that_is_gone_altogether_is_missed(guarded: GuardedLedger) -> None:
    gone = RememberedHistory(4_401_000_002_026, 7, OTHER, b"", "witness/audit")
    guarded.witnessed = [gone]
    [reason] = guarded.reasons()
    assert "440100000-2026 is not there" in reason


def test_a_database_that_went_back_under_a_running_server_is_noticed(
    guarded: GuardedLedger,
) -> None:
    position, _ = guarded.head()
    assert guarded.guard.fault(guarded.key, position) is None
    guarded.guard.committed(guarded.key, position + 2)
    fault = guarded.guard.fault(guarded.key, position)
    assert fault is not None
    assert f"had {position + 2} events" in fault.detail


def test_an_accepted_loss_lets_it_go_on_and_the_next_one_does_not(guarded: GuardedLedger) -> None:
    position, _ = guarded.head()
    guarded.remember(position + 5, OTHER)
    assert guarded.reasons() != []
    guarded.accept(position + 1, position + 5)
    assert guarded.reasons() == []
    [aside] = (guarded.folder / "checkpoints").glob("*.lost-epoch1")
    assert f"\n{position + 5}\n" in aside.read_text()

    # what another server finds is the same, and a further loss is found again
    assert guarded.fresh().reasons() == []
    guarded.remember(position + 6, OTHER)
    assert guarded.reasons() != []
    guarded.accept(position + 2, position + 6, epoch=2)
    assert guarded.reasons() == []


def test_nothing_is_committed_while_it_is_cut(guarded: GuardedLedger) -> None:
    position, _ = guarded.head()
    guarded.remember(position + 5, OTHER)
    guarded.guard.look()
    sequencer = Sequencer(
        guarded.pool,
        load_charts(),
        stored_code_sets.shipped,
        guarded.keeper.clock,
        history_fault=guarded.guard.fault,
    )
    asked = [Submission(command=payment("P", "B", "1.00"), by="maker")]
    with pytest.raises(UnavailableError, match="history_cut"):
        sequencer.submit(guarded.key, asked).result(HANG_S)
    assert sequencer.conditions.halted()
    assert guarded.head()[0] == position
    guarded.accept(position + 1, position + 5)
    guarded.guard.look()
    assert sequencer.submit(guarded.key, asked).result(HANG_S)[0].problem is None
    sequencer.close()


# ---- the mark beside the data

CLUSTER = ClusterMark("7301", 1, 2, "e2")


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        (CLUSTER, ""),
        (ClusterMark("7301", 1, 1, "e1"), ""),  # somebody else has accepted a loss meanwhile
        (msgspec.structs.replace(CLUSTER, restored="/backup"), "restored from /backup"),
        (ClusterMark("7301", 1, 3, "e3"), "is of epoch 2, and the data of 3"),
        (ClusterMark("7301", 1, 2, "other"), "is of epoch 2"),
        (ClusterMark("9999", 1, 2, "e2"), "another database cluster"),
        (ClusterMark("7301", 2, 2, "e2"), "timeline 1, and was on 2"),
    ],
)
def test_a_mark_tells_another_cluster_or_epoch(mark: ClusterMark, told: str) -> None:
    fault = mark_fault(mark, CLUSTER)
    assert told in fault
    assert bool(told) is bool(fault)


def test_the_first_meeting_makes_the_mark_and_a_restore_is_told(guarded: GuardedLedger) -> None:
    assert read_mark(guarded.mark) is None
    assert guarded.reasons() == []
    mark = read_mark(guarded.mark)
    assert mark is not None
    assert mark.system_identifier
    assert mark.timeline >= 1
    write_mark(guarded.mark, msgspec.structs.replace(mark, restored="/backup"))
    assert guarded.reasons() == ["the data was restored from /backup"]
    guarded.mark.write_bytes(b"{")
    assert "unreadable" in guarded.reasons()[0]


# ---- no cluster is made where one was


def test_no_cluster_is_made_where_one_was(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres"
    refuse_where_one_was(tmp_path, cluster, has_run=False)
    with pytest.raises(HistoryCutError, match="has vanished"):
        refuse_where_one_was(tmp_path, cluster, has_run=True)
    (tmp_path / "checkpoints").mkdir()
    refuse_where_one_was(tmp_path, cluster, has_run=False)
    (tmp_path / "checkpoints" / "guoku_440000000-2026.txt").write_text("a note")
    with pytest.raises(HistoryCutError, match="remember one"):
        refuse_where_one_was(tmp_path, cluster, has_run=False)

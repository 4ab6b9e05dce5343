"""`guoku audit verify` on a history as it was kept, and on one that somebody has been at."""

import base64
import subprocess
from pathlib import Path

import psycopg
import pytest

from ledger.account_set import ledger_id
from ledger.books import load_charts
from ledger.gm import default_provider, sm3
from ledger.gm.keystore import KeyStore
from ledger.integrity.merkle import leaf_hash
from ledger.postgres.database import Database, make_pool
from ledger.sealing.sealer import Sealer
from ledger.verification.findings import first_of
from payments.manifest import leaf_of
from payments.signature_policy import SetSignaturePolicy
from payments.verification.run import Options, VerificationReport, verify_ledger
from projections.core.runner import Runner
from tests.support.audited_books import (
    LOG,
    WITNESS,
    Audited,
    AuditedBooks,
    audited_as_it_stands,
    export_audited,
    key_of,
    public,
)
from tests.support.bookkeeper import Bookkeeper, fresh_pool
from tests.support.command_line import Guoku, clean_environment, run
from tests.support.paths import ROOT
from tests.support.tampering import FORBIDDEN, TAMPERINGS, Tampering, column, position_of
from tests.verifier.test_offline_verifier import first
from tests.verifier.test_offline_verifier import run as run_offline

LEDGER = ledger_id("440000000", 2026)


def verify(
    database: Database, folder: Path, notes: list[str], **more: object
) -> VerificationReport:
    options = {
        "folder": folder,
        "files": notes,
        "keys": {name: [public(key_of(name)).point] for name in (LOG, WITNESS)},
        "required": [WITNESS],
        **more,
    }
    return verify_ledger(
        database.app_conninfo,
        load_charts(),
        default_provider(),
        LEDGER,
        Options(**options),  # type: ignore[arg-type]
    )


def tamper(database: Database, tampering: Tampering) -> int:
    with psycopg.connect(database.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        return tampering(connection, LEDGER)


def test_an_honest_ledger_holds(audited: Audited, copied: Database, tmp_path: Path) -> None:
    report = verify(copied, tmp_path, audited.notes)
    assert report.findings == []
    assert report.cosigned == {WITNESS: audited.seen}
    assert {name for name, number in report.counts.items() if number} == {
        "balance", "chain", "checkpoint", "clearing", "clock", "day", "digest", "document",
        "entry",
        "evidence", "floor", "head", "key", "note", "payment", "position", "refund", "signature",
        "unnamed", "version",
    }  # fmt: skip


@pytest.mark.parametrize("tampering", TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_a_tampering_is_found_where_it_began(
    audited: Audited, copied: Database, tmp_path: Path, tampering: Tampering
) -> None:
    position = tamper(copied, tampering)
    report = verify(copied, tmp_path, audited.notes)
    first = first_of(report.findings)
    assert first is not None
    assert first.position == position, report.findings


@pytest.mark.parametrize(("check", "tampering"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_what_no_digest_shows_is_found_by_the_rules(
    copied: Database, tmp_path: Path, check: str, tampering: Tampering
) -> None:
    """Digests and chain fit, and there is no checkpoint."""
    position = tamper(copied, tampering)
    report = verify(copied, tmp_path, [], required=[])
    assert {"digest", "chain", "position", "version"}.isdisjoint(report.wrong)
    assert position in {f.position for f in report.findings if f.check == check}, report.findings


def test_a_verification_goes_on_behind_the_last_one(
    audited: Audited, copied: Database, tmp_path: Path
) -> None:
    """What holds is in the auditor's memory; new events are looked at in the light of the old."""
    mine = tmp_path / "mine"
    whole = verify(copied, tmp_path, audited.notes, memory=mine)
    with fresh_pool(copied.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keeper.issue("B3", "10.00")
        keeper.issue("B4", "10.00")
        keeper.close()
    more = verify(copied, tmp_path, audited.notes, memory=mine)
    assert (more.after, more.findings) == (whole.position, [])
    assert more.counts["digest"] == 4
    # three indicators, what the bank is owed by two sums, and the cash that claims have taken
    assert more.counts["balance"] == 6
    for asked in ({"memory": mine, "resume": False}, {"memory": tmp_path / "another's"}, {}):
        again = verify(copied, tmp_path, audited.notes, **asked)
        assert (again.after, again.findings) == (0, [])
    assert again.counts["digest"] == more.position


def test_a_kept_checkpoint_has_history_read_again(
    audited: Audited, copied: Database, tmp_path: Path
) -> None:
    """It is of what was verified before: only a whole reading can show that it is still so."""
    assert verify(copied, tmp_path, audited.notes, memory=tmp_path).findings == []
    held = verify(copied, tmp_path, audited.notes, memory=tmp_path, kept=[audited.cosigned])
    assert (held.after, held.findings) == (0, [])
    other = audited.notes[0].replace("guoku/440000000-2026\n1\n", "guoku/440000000-2026\n2\n")
    found = verify(copied, tmp_path, audited.notes, memory=tmp_path, kept=[other]).findings
    assert "the kept checkpoint of 2" in found[0].detail


def test_a_refund_of_more_than_was_paid_is_found_behind_a_resumption(
    audited: Audited, copied: Database, tmp_path: Path
) -> None:
    """60.00 of the 100.00 of P1 came back before; the payment's lines are known from the files."""
    verify(copied, tmp_path, audited.notes, memory=tmp_path)
    with fresh_pool(copied.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        outcome = keeper.refund("P1", "40.00")
        keeper.close()

    def forge(connection: psycopg.Connection, ledger: int) -> int:
        at = outcome.first_position
        change = "payload = replace(convert_from(payload, 'UTF8'), '40.00', '40.01')::bytea"
        return column(change, at)(connection, ledger)

    position = tamper(copied, forge)
    report = verify(copied, tmp_path, audited.notes, memory=tmp_path)
    assert report.after > 0
    assert {f.check for f in report.findings if f.position == position} >= {"digest", "refund"}


def test_what_a_faulty_history_leaves_is_not_gone_on_from(
    audited: Audited, copied: Database, tmp_path: Path
) -> None:
    tamper(copied, TAMPERINGS["controlled balance"])
    assert verify(copied, tmp_path, audited.notes, memory=tmp_path).findings
    again = verify(copied, tmp_path, audited.notes, memory=tmp_path)
    assert again.after == 0
    assert again.findings


def test_only_a_witness_and_the_bank_contradict_a_history_rewritten_with_the_log_key(
    audited: Audited, copied: Database, tmp_path: Path
) -> None:
    """Chain, tree and the log's own checkpoints fit again; the witness signed another root."""
    tamper(copied, TAMPERINGS["chain recomputed"])
    with fresh_pool(copied.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        forged = AuditedBooks(keeper, tmp_path / "thief").checkpoint()
        keeper.close()
    report = verify(copied, tmp_path, [forged], required=[])
    # what was asked for is still known, and whom the signed voucher and receipt pay
    assert {f.check for f in report.findings} == {"key", "evidence"}
    report = verify(copied, tmp_path, [forged])
    assert "no checkpoint is cosigned by witness/audit" in str(report.findings)
    report = verify(copied, tmp_path, [forged, audited.cosigned])
    rewritten = f"the file checkpoint of {audited.seen}: the root of the tree is another"
    assert rewritten in str(report.findings)


def test_a_checkpoint_that_was_replaced_is_found(
    audited: Audited, copied: Database, tmp_path: Path
) -> None:
    """One note is exchanged for that of another history: it is not what the log has signed."""
    at = audited.notes.index(audited.cosigned)
    root = audited.cosigned.split("\n")[2]
    replaced = audited.cosigned.replace(root, base64.b64encode(bytes(32)).decode())
    notes = [*audited.notes[:at], replaced, *audited.notes[at + 1 :]]
    found = verify(copied, tmp_path, notes, required=[]).findings
    assert {f.check for f in found} == {"note", "checkpoint"}
    assert {f.position for f in found if f.check == "note"} == {audited.seen}


def test_one_signature_of_another_key_is_found(
    audited: Audited, copied: Database, tmp_path: Path
) -> None:
    """The certificate of the signer is given another key: its serial betrays it."""

    def exchange(connection: psycopg.Connection, ledger: int) -> int:
        connection.execute(
            "UPDATE certificates SET public_key = %s WHERE subject = 'principal/signer'",
            (public(key_of("thief")).point,),
        )
        return position_of(connection, ledger, "voucher.signed")

    position = tamper(copied, exchange)
    report = verify(copied, tmp_path, audited.notes)
    assert {f.check for f in report.findings} == {"signature"}
    assert report.findings[0].position == position
    assert "is not what was registered" in report.findings[0].detail


def test_a_certificate_that_was_revoked_before_it_signed_is_found(
    audited: Audited, copied: Database, tmp_path: Path
) -> None:
    def revoke(connection: psycopg.Connection, ledger: int) -> int:
        connection.execute(
            "UPDATE certificates SET revoked_at = '2026-02-01Z' WHERE subject = 'bank/102'"
        )
        return position_of(connection, ledger, "voucher.receipted")

    position = tamper(copied, revoke)
    report = verify(copied, tmp_path, audited.notes)
    assert report.findings[0].position == position
    assert "was revoked at" in report.findings[0].detail


# what a leaf was over in the first version, and what it is over now
LEAVES = {1: leaf_hash, 2: lambda document: leaf_of(sm3(document))}


@pytest.mark.parametrize(("version", "of_version"), [(1, 1), (2, 2), (1, 2), (2, 1)])
def test_a_leaf_counts_in_the_version_that_its_manifest_was_signed_in(
    database: Database, tmp_path: Path, version: int, of_version: int
) -> None:
    """By both verifiers; the signature and the root are right each time."""
    with fresh_pool(database.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        books = AuditedBooks(keeper, tmp_path)
        keeper.open()
        keeper.issue("B", "100.00")
        keeper.do(SetSignaturePolicy(roles=("treasury",), signing="manifest"), "admin")
        keeper.apply("P", "B", "1.00")
        keeper.approve("P")
        books.sign_by_version(["P"], version, LEAVES[of_version])
        ledger_as_it_stands = audited_as_it_stands(database, keeper)
    notes, last = ledger_as_it_stands.notes, ledger_as_it_stands.last
    found = verify(database, tmp_path / "audit", notes, required=[]).findings
    folder = export_audited(database, LEDGER, tmp_path / "export", notes)
    code, output = run_offline(str(folder))
    if version == of_version:
        assert (found, code) == ([], 0), output
    else:
        assert [(f.check, f.position) for f in found] == [("signature", last)]
        assert "it is not under the manifest" in found[0].detail
        assert (code, first(output)) == (1, last), output


def test_a_sample_of_signatures_is_asked_for_and_told(
    audited: Audited, copied: Database, tmp_path: Path
) -> None:
    report = verify(copied, tmp_path, audited.notes, memory=tmp_path, share=0.5)
    assert 0 < report.counts["signature"] < report.counts["document"]
    again = verify(copied, tmp_path, audited.notes, memory=tmp_path)
    assert again.after == 0  # a sample is not gone on from


# ---- with what the program itself seals, and as a command


def sealed(copied: Database, folder: Path) -> None:
    """The sealer's own checkpoints, on record in the system ledger, and in files."""
    with fresh_pool(copied.app_conninfo) as pool:
        keeper = Bookkeeper(pool)
        keys = KeyStore(folder / "keys", "audit", iterations=1000)
        sealer = Sealer(
            pool,
            keeper.sequencer,
            keys,
            default_provider(),
            folder / "checkpoints",
            keeper.clock,
        )
        sealer.run_once()
        keeper.close()


@pytest.fixture
def guoku(copied: Database, tmp_path: Path) -> Guoku:
    def guoku(*arguments: str) -> subprocess.CompletedProcess[str]:
        own = {"GUOKU_DSN": copied.owner_conninfo, "GUOKU_DATA": str(tmp_path)}
        return run(*arguments, environment=clean_environment(**own))

    return guoku


def test_all_ledgers_hold_with_what_was_sealed(
    copied: Database, tmp_path: Path, guoku: Guoku
) -> None:
    """The system ledger is one of them; its checkpoints are of both."""
    sealed(copied, tmp_path)
    never_followed = guoku("audit", "verify")
    assert never_followed.returncode == 1
    assert "读模型停止" in never_followed.stdout
    with make_pool(copied.app_conninfo, 1, 4, "projector") as pool:
        Runner(pool).catch_up()
    mine = ("--memory", str(tmp_path / "mine"))
    done = guoku("audit", "verify", *mine)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "账套 ledger 440000000-2026" in done.stdout
    assert "账套 ledger 000000000-2026" in done.stdout
    # the database as a whole, the standing ledger of all, opened just now, and the two
    assert done.stdout.count("全部相符") == 4
    assert "检查点 tree against checkpoints: 1 checkpoints" in done.stdout
    again = guoku("audit", "verify", "--ledger", "440000000-2026")
    assert "续核 behind" not in again.stdout  # nothing is believed that lies on this machine
    again = guoku("audit", "verify", "--ledger", "440000000-2026", *mine)
    assert "续核 behind" in again.stdout


def test_a_sealed_checkpoint_that_was_exchanged_is_found_in_its_own_ledger_too(
    copied: Database, tmp_path: Path, guoku: Guoku
) -> None:
    sealed(copied, tmp_path)
    with psycopg.connect(copied.owner_conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        later = "replace(convert_from(payload, 'UTF8'), 'recorded 2026', 'recorded 2027')"
        connection.execute(
            f"UPDATE events SET payload = convert_to({later}, 'UTF8')"
            " WHERE ledger_id = 2026 AND type = 'checkpoint.sealed'".encode()
        )
    done = guoku("audit", "verify", "--no-projections")
    assert done.returncode == 1
    assert "checkpoint.sealed: the row is not what was hashed" in done.stdout
    assert "is not signed by the log" in done.stdout


def test_a_row_of_a_read_model_that_was_changed_is_found(
    audited: Audited, copied: Database, guoku: Guoku
) -> None:
    with fresh_pool(copied.app_conninfo) as pool:
        Runner(pool).catch_up()
    with psycopg.connect(copied.owner_conninfo) as connection:
        [(position,)] = connection.execute(
            "UPDATE proj_payments SET pay_fen = pay_fen + 1 WHERE pay_app_no = 'P2'"
            " RETURNING last_position"
        )
    done = guoku("audit", "verify")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"FIRST OFFENDING position {position} " in done.stdout
    assert "proj_payments: row P2 has pay_fen" in done.stdout


def test_the_command_names_the_first_event_that_is_wrong(copied: Database, guoku: Guoku) -> None:
    position = tamper(copied, TAMPERINGS["a bit of payload"])
    done = guoku("audit", "verify", "--no-projections")
    assert done.returncode == 1
    assert f"首个不符 FIRST OFFENDING position {position} " in done.stdout


def test_a_kept_checkpoint_and_a_witness_are_given_on_the_command_line(
    audited: Audited, copied: Database, tmp_path: Path, guoku: Guoku
) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(f"{audited.notes[3]}---\n{audited.cosigned}---\n")
    keys = [f"{name}={public(key_of(name)).hex()}" for name in (LOG, WITNESS)]
    asked = [
        "--ledger",
        "440000000-2026",
        "--no-projections",
        "--checkpoint",
        str(kept),
        "--key",
        keys[0],
        "--witness",
        keys[1],
    ]
    done = guoku("audit", "verify", *asked)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{WITNESS} 见证至 has seen it up to {audited.seen}" in done.stdout
    tamper(copied, TAMPERINGS["chain recomputed"])
    done = guoku("audit", "verify", *asked)
    assert done.returncode == 1
    assert f"the kept checkpoint of {audited.seen}: the root of the tree is another" in done.stdout


def test_the_verifier_is_printed_as_it_is(guoku: Guoku) -> None:
    verifier = ROOT / "verifier" / "guoku_verify.py"
    assert guoku("audit", "verifier").stdout == verifier.read_text()


def test_a_ledger_that_is_not_there_is_a_clear_error(guoku: Guoku) -> None:
    done = guoku("audit", "verify", "--ledger", "110000000-2026")
    assert done.returncode == 1
    assert "ledger_not_found" in done.stderr

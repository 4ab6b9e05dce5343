"""The command line as its users meet it: programs that are run, what they print, how they end."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
import typer

from api.cli import _offer_json, app
from api.cli.chinese import COMMANDS as CHINESE_COMMANDS
from api.cli.chinese import OPTIONS
from api.logging import redact
from ledger.postgres.database import Database
from tests.support.chart_texts import changed, later
from tests.support.command_line import Guoku, bare, clean_environment, guoku, run
from tests.support.waiting import HANG_S

__all__ = ["bare", "guoku"]

COMMANDS = (
    "up",
    "serve",
    "config",
    "token",
    "keys",
    "cert",
    "ledger",
    "elements",
    "projections",
    "db",
    "bank-sim",
    "pboc-sim",
)
SECRET = "correct-horse-battery"


def whole() -> Any:
    """The command line as it is run."""
    command = typer.main.get_command(app)
    _offer_json(command)
    return command


# ---- the program as a whole


def test_help_needs_no_heavy_import() -> None:
    heavy = ["psycopg", "fastapi", "pydantic", "uvicorn", "lxml", "msgspec", "rich.table"]
    probe = f"import sys, api.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=HANG_S
    )
    assert done.stdout.strip() == "[]"


def test_help_names_every_command(bare: Guoku) -> None:
    shown = bare("--help")
    assert shown.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^\s+{command}\s", shown.stdout, re.M), command


@pytest.mark.parametrize(
    "arguments",
    [("no-such-command",), ("token", "create"), ("up", "--port", "many"), ("ledger", "show")],
)
def test_wrong_usage_ends_with_2(bare: Guoku, arguments: tuple[str, ...]) -> None:
    done = bare(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"GUOKU_PORT": "99999"}, "GUOKU_PORT: "),
        ({"GUOKU_LOG_LEVEL": "loud"}, "GUOKU_LOG_LEVEL: "),
        ({"GUOKU_DSN": "host=127.0.0.1 port=1 user=x"}, "no connection to the database"),
    ],
)
def test_an_error_is_one_line_on_stderr(
    bare: Guoku, variables: dict[str, str], message: str
) -> None:
    done = bare("db", "status", **variables)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("guoku: ")
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_chart_that_does_not_fit_ends_the_server_before_it_begins(
    guoku: Guoku, tmp_path: Path
) -> None:
    """支出指标 without its control: an indicator would take any number of applications."""
    own = tmp_path / "own.toml"
    text = changed(', control = "available"', "")
    own.write_text(later(text, "2026.2", "2026-07-01"), encoding="utf-8")
    done = guoku("serve", "--port", "0", GUOKU_CHARTS=json.dumps([str(own)]))
    assert done.returncode == 1
    reason = "no account of book indicator carries control 'available'"
    assert done.stderr.splitlines()[-1] == f"guoku: {own}:20: {reason}"
    assert "Traceback" not in done.stderr


def test_config_shows_settings_and_hides_secrets(bare: Guoku) -> None:
    done = bare(
        "config",
        "--json",
        GUOKU_PORT="9191",
        GUOKU_KEYSTORE_PASSPHRASE=SECRET,
        GUOKU_DSN=f"postgresql://keeper:{SECRET}@db.invalid/books",
    )
    assert done.returncode == 0
    assert SECRET not in done.stdout + done.stderr
    shown = json.loads(done.stdout)
    assert shown["port"] == 9191
    assert "db.invalid" in shown["dsn"]
    assert "GUOKU_PORT\t9191" in bare("config", GUOKU_PORT="9191").stdout


# ---- one answer for programs, one language for people


def test_any_command_answers_in_one_json_object(guoku: Guoku) -> None:
    made = json.loads(guoku("keys", "create", "li.si", "--json").stdout)
    assert made["name"] == "principal/li.si"
    [listed] = json.loads(guoku("keys", "list", "--json").stdout)["items"]
    assert listed == {"name": "principal/li.si", "public_key": made["public_key"]}
    token = guoku("token", "create", "--principal", "p", "--role=ops", "--division=", "--json")
    assert json.loads(token.stdout)["token"].startswith("gk_")
    status = json.loads(guoku("db", "status", "--json").stdout)
    assert status["fsync"] == "on"
    assert {item["state"] for item in status["items"]} == {"applied"}
    assert json.loads(guoku("ledger", "list", "--json").stdout) == {"items": []}
    refused = guoku("ledger", "show", "440000000-2026", "--json")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert json.loads(refused.stderr)["error"]["code"] == "ledger_not_found"


def each_command(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, below in getattr(command, "commands", {}).items():
        yield from each_command(below, (*path, name))
    if not hasattr(command, "commands") or path in (("bank-sim",), ("pboc-sim",)):
        yield path, command


def each_group(command: Any) -> Iterator[Any]:
    """Those that have commands below them: some of them do something by themselves."""
    for below in getattr(command, "commands", {}).values():
        yield from each_group(below)
    if hasattr(command, "commands"):
        yield command


def test_every_command_takes_json() -> None:
    found = dict(each_command(whole()))
    without = {
        path
        for path, command in found.items()
        if not any("--json" in parameter.opts for parameter in command.params)
    }
    assert len(found) > 30
    assert without == {("bench",)}, "whose --json names a file"


@pytest.mark.parametrize(
    "arguments", [("bank-sim", "outage", "none"), ("bank-sim", "return", "P1"), ("pboc-sim",)]
)
def test_a_simulator_that_is_not_there_is_an_error_like_others(
    bare: Guoku, arguments: tuple[str, ...]
) -> None:
    """Told something, it ended in a stack of calls; and `bank-sim --json` was no option."""
    ended = bare(*arguments, "--json", GUOKU_BANK_PORT="1")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert json.loads(ended.stderr)["error"]["detail"]


@pytest.mark.parametrize("arguments", [("disburse", "none.csv"), ("pboc-sim", "report", "none")])
def test_wrong_usage_has_no_answer(bare: Guoku, arguments: tuple[str, ...]) -> None:
    """Not an empty object, which a program would take for one."""
    ended = bare(*arguments, "--json")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "none" in ended.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("token", "create", "--help")])
def test_help_is_in_the_language_that_is_asked_for(bare: Guoku, arguments: tuple[str, ...]) -> None:
    chinese, english = bare(*arguments, GUOKU_LANG="zh"), bare(*arguments, GUOKU_LANG="en")
    assert english.stdout == bare(*arguments).stdout
    told = "访问令牌: 新建" if len(arguments) == 1 else "新建令牌"
    assert told in chinese.stdout
    assert told not in english.stdout
    assert "--json" in chinese.stdout or len(arguments) == 1
    assert bare("config", GUOKU_LANG="fr").stderr == "guoku: GUOKU_LANG is en or zh, not 'fr'\n"


def test_nothing_is_translated_that_is_not_there() -> None:
    found = [(" ".join(path), command) for path, command in each_command(whole())]
    groups = {name.rpartition(" ")[0] for name, _ in found} | {"audit"}
    assert set(CHINESE_COMMANDS) <= {name for name, _ in found} | groups
    said = {getattr(p, "help", None) for _, command in found for p in command.params}
    said |= {getattr(p, "help", None) for group in each_group(whole()) for p in group.params}
    said |= {"Show this message and exit."}
    assert set(OPTIONS) <= said


def test_a_shell_completes_commands(bare: Guoku) -> None:
    assert "_guoku_completion" in bare("completion", "bash").stdout
    asked = {"_GUOKU_COMPLETE": "complete_bash", "COMP_WORDS": "guoku led", "COMP_CWORD": "1"}
    assert bare(**asked).stdout.split() == ["ledger"]


# ---- books are made by few


@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "create", "--principal", "p", "--role", "ops", "--division", ""),
        ("token", "list"),
        ("keys", "create", "li.si"),
        ("keys", "list"),
        ("cert", "list"),
        ("ledger", "list"),
        ("elements", "show"),
        ("outbox", "list"),
        ("webhook", "list"),
        ("webhook", "dead-letters", "TS-001"),
        ("projections", "verify"),
        ("db", "status"),
        ("db", "backup", "copy"),
        ("audit", "verify"),
        ("audit", "log-key"),
        ("collection", "send", "440000000-2026", "copy"),
        ("bank-sim",),
        ("serve", "--port", "0"),
    ],
)
def test_a_command_makes_no_database_and_says_where_it_looked(
    bare: Guoku, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """A token was made in another folder, with a database of its own, that no server knew; and a
    verified backup of one."""
    done = bare(*(str(tmp_path / each) if each == "copy" else each for each in arguments))
    assert (done.returncode, done.stdout) == (1, "")
    where = tmp_path / "data"
    assert f"there is no database in {where}" in done.stderr
    assert "guoku db init" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_database_without_tables_is_called_so(guoku: Guoku, cluster_dsn: str) -> None:
    done = guoku("ledger", "list", GUOKU_DSN=cluster_dsn)
    assert done.returncode == 1
    assert "has no tables of guoku: `guoku db init` makes them" in done.stderr


def test_whoever_sends_is_told_where_to(guoku: Guoku) -> None:
    done = guoku("serve", "--port", "0", "--with-dispatcher")
    assert done.returncode == 1
    assert "GUOKU_BANK_URL, or GUOKU_BANK_PORT" in done.stderr


# ---- the database


def test_db_init_and_status(guoku: Guoku, cluster_dsn: str) -> None:
    before = guoku("db", "status", GUOKU_DSN=cluster_dsn)
    assert before.returncode == 1
    assert "\tpending\t" in before.stdout
    made = guoku("db", "init", GUOKU_DSN=cluster_dsn)
    assert "applied: 0001_ledger.sql" in made.stdout
    after = guoku("db", "status", GUOKU_DSN=cluster_dsn)
    assert after.returncode == 0
    assert "\tpending\t" not in after.stdout
    assert "fsync: on" in after.stdout
    assert "up to date" in guoku("db", "init", GUOKU_DSN=cluster_dsn).stdout


@pytest.fixture
def cluster_dsn(database: Database) -> str:
    """A database of the test cluster that has no schema yet."""
    name = "empty_for_cli"
    with psycopg.connect(database.owner_conninfo, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    return psycopg.conninfo.make_conninfo(database.owner_conninfo, dbname=name)


@pytest.mark.slow
def test_a_backup_restores_to_the_same_books() -> None:
    with TemporaryDirectory(prefix="guoku-backup-") as directory:  # see running_up.data
        _back_up_and_restore(Path(directory))


def _back_up_and_restore(directory: Path) -> None:
    def bare(*arguments: str, data: str = "data") -> subprocess.CompletedProcess[str]:
        environment = clean_environment(GUOKU_DATA=str(directory / data))
        return run(*arguments, environment=environment)

    copy = str(directory / "copy")
    assert bare("db", "init").returncode == 0
    made = bare("token", "create", "--principal", "p", "--role", "ops", "--division", "")
    assert made.returncode == 0, made.stderr
    assert bare("keys", "create", "li.si").returncode == 0

    copied = bare("db", "backup", copy)
    assert copied.returncode == 0, copied.stderr
    assert bare("db", "backup", copy).returncode == 1  # it is not empty any more

    restored = bare("db", "restore", copy, data="other")
    assert restored.returncode == 0, restored.stderr
    for what in ("token", "keys"):
        assert bare(what, "list", data="other").stdout == bare(what, "list").stdout != ""
    assert bare("db", "restore", copy, data="other").returncode == 1


# ---- the log


def test_the_log_keeps_no_secrets() -> None:
    entry = {
        "event": "sent with Authorization: Bearer abc.def and gk_abcDEF-123",
        "token": "gk_xyz",
        "bank_token": "opaque",
        "headers": {"Authorization": "Basic Zm9v", "accept": "text/xml"},
        "target": "postgresql://keeper:hush@db/books",
        "error": "connection to password=hush host=db failed",
        "count": 3,
        "items": ["gk_abc"],
    }
    kept = redact(logging.getLogger(), "info", dict(entry))
    text = json.dumps(kept)
    for secret in ("abc.def", "gk_abc", "gk_xyz", "opaque", "Zm9v", "hush"):
        assert secret not in text, secret
    assert kept["count"] == 3
    assert kept["headers"]["accept"] == "text/xml"
    assert "host=db" in kept["error"]
    assert "@db/books" in kept["target"]


def test_the_log_of_a_library_is_redacted_too(tmp_path: Path) -> None:
    program = """
import logging
from api.logging import configure_logging
from api.settings import Settings
configure_logging(Settings(log_json=True))
try:
    raise ValueError("token gk_abcdef")
except ValueError:
    logging.getLogger("some.library").exception("with %s", "gk_ghijkl")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(GUOKU_DATA=str(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_S,
    )
    entry = json.loads(done.stderr)
    assert entry["event"] == "with gk_***"
    assert entry["level"] == "error"
    assert "ValueError: token gk_***" in entry["exception"]

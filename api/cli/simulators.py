"""``guoku bank-sim`` and ``guoku pboc-sim``: the simulated banks as programs of their own.

Without options each joins the treasury of GUOKU_DATA or GUOKU_DSN: it gets its key, certificate and
token there, and posts its receipts to the API on GUOKU_HOST and GUOKU_PORT. Without a port it takes
any free one and says which.
"""

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from api.cli.session import acting, key_store, load_settings, start_logging

if TYPE_CHECKING:
    from api.settings import Settings

Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Where it listens.")]
Api = Annotated[str, typer.Option(help="The treasury's API; default: the one on GUOKU_PORT.")]
Token = Annotated[
    str, typer.Option(envvar="GUOKU_BANK_TOKEN", help="Token of role bank; default: a new one.")
]
Serial = Annotated[str, typer.Option(help="Its certificate; default: that on the register.")]
WithParent = Annotated[
    bool, typer.Option("--end-with-parent", hidden=True, help="End when standard input is closed.")
]
Seed = Annotated[int, typer.Option(help="The same seed and vouchers, the same faults.")]
DropAck = Annotated[
    float, typer.Option(min=0, max=1, help="Rate of messages done and not acknowledged.")
]
AckDelay = Annotated[float, typer.Option(min=0, help="Acknowledgements come so much later.")]
Delay = Annotated[float, typer.Option(min=0, help="Receipts come so much later.")]
Duplicate = Annotated[bool, typer.Option("--duplicate-receipts", help="Every receipt comes twice.")]
Reject = Annotated[float, typer.Option(min=0, max=1, help="Rate of refused vouchers or claims.")]
Day = Annotated[
    str,
    typer.Option(
        envvar="GUOKU_SIMULATED_DAY",
        help="The day it believes to be today, or as-asked: that of what it answers. Default: its"
        " clock's.",
    ),
]
WrongAmount = Annotated[
    float, typer.Option(min=0, max=1, help="Rate of claims answered with another amount.")
]


def bank_sim(
    context: typer.Context,
    pay_bank_code: Annotated[
        str, typer.Option(help="Which bank it is [GUOKU_PAY_BANK_CODE].")
    ] = "",
    port: Port = None,
    api: Api = "",
    token: Token = "",
    cert_serial: Serial = "",
    seed: Seed = 0,
    drop_ack_rate: DropAck = 0.0,
    ack_delay_s: AckDelay = 0.0,
    delay_s: Delay = 0.0,
    duplicate_receipts: Duplicate = False,
    reject_rate: Reject = 0.0,
    day: Day = "",
    end_with_parent: WithParent = False,
) -> None:
    """Simulates the agent bank 代理银行: takes vouchers in, pays them, sends signed receipts.

    Payee accounts that begin with 9999 to 9993 have courses of their own, whatever the switches
    say. Told ``return``, it returns money of a payment.
    """
    if context.invoked_subcommand is not None:
        return
    from payments.simulators.bank import BankConfig, run_bank
    from payments.simulators.faults import Faults

    faults = Faults(
        seed=seed,
        drop_ack_rate=drop_ack_rate,
        ack_delay_s=ack_delay_s,
        delay_s=delay_s,
        duplicate_receipts=duplicate_receipts,
        reject_rate=reject_rate,
        day=_day(day),
    )
    settings = _begin(end_with_parent)
    code = pay_bank_code or settings.pay_bank_code
    common = _common(settings, f"bank/{code}", api, token, cert_serial)
    port = _told_port("bank", port or settings.bank_port)
    config = BankConfig(**common, port=port, bank_code=code, faults=faults)
    if pay_bank_code:
        import structlog

        structlog.get_logger(__name__).info(
            "to be appointed",
            address="POST /v1/divisions/{mof_div_code}/banks",
            pay_bank_code=code,
            url=f"http://127.0.0.1:{port}",
            cert_serial=config.cert_serial,
        )
    run_bank(config)


def send_back(
    number: Annotated[str, typer.Argument(help="The voucher's number, or the application's.")],
    amt: Annotated[str, typer.Option(help="In yuan; default: all that is left.")] = "",
    pay_detail_id: Annotated[str, typer.Option(help="The line; default: in their order.")] = "",
    reason: Annotated[str, typer.Option(help="What the notice says.")] = "收款人退回",
    by_payees_bank: Annotated[
        bool, typer.Option("--by-payees-bank", help="The notice is of the payee's bank.")
    ] = False,
    url: Annotated[str, typer.Option(help="The simulator; default: on its set port.")] = "",
) -> None:
    """Tells the simulated agent bank to return money of a payment; prints the notice's number."""
    from payments.messages.vt_codes import REFUND_NOTICE, RETURN_NOTICE

    settings = load_settings()
    body = {"pay_cert_no": number, "amt": amt, "pay_detail_id": pay_detail_id}
    vt_code = RETURN_NOTICE if by_payees_bank else REFUND_NOTICE
    told = {**body, "reason": reason, "vt_code": vt_code}
    answer = _tell(url or f"http://127.0.0.1:{settings.bank_port}", "/sim/returns", told)
    typer.echo(answer["notice_no"])


def tell_outage(
    kind: Annotated[
        str,
        typer.Argument(
            help="none, bare-400, html-200, html-502, error-500, silence or lost-answers."
        ),
    ],
    for_s: Annotated[float, typer.Option(min=0, help="Seconds; default: until told none.")] = 0.0,
    url: Annotated[str, typer.Option(help="The simulator; default: on its set port.")] = "",
) -> None:
    """Has the simulated agent bank not answer for a while: a gateway's words, or silence."""
    settings = load_settings()
    told = {"kind": kind, "for_s": for_s or None}
    answer = _tell(url or f"http://127.0.0.1:{settings.bank_port}", "/sim/outage", told)
    typer.echo(answer["kind"])


def _tell(address: str, path: str, told: dict[str, Any]) -> dict[str, Any]:
    """What a running simulator answers; ends the command where it refuses.

    Raises:
        UnavailableError: there is none, or another program answers there.
    """
    import httpx

    from api.cli.terminal import fail
    from ledger.errors import Code, UnavailableError

    try:
        answer = httpx.post(f"{address}{path}", json=told, trust_env=False)
        shown: dict[str, Any] = answer.json()
        if not answer.is_error:
            return shown
        code, detail = shown["code"], shown["detail"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError) as error:
        reason = f"no simulator answers at {address}: {error or type(error).__name__}"
        raise UnavailableError(Code.UNAVAILABLE, reason) from None
    fail(f"{code}: {detail}", code)
    raise typer.Exit(1)


def pboc_sim(
    context: typer.Context,
    port: Port = None,
    api: Api = "",
    token: Token = "",
    cert_serial: Serial = "",
    seed: Seed = 0,
    drop_ack_rate: DropAck = 0.0,
    ack_delay_s: AckDelay = 0.0,
    delay_s: Delay = 0.0,
    duplicate_receipts: Duplicate = False,
    reject_rate: Reject = 0.0,
    day: Day = "",
    wrong_amount_rate: WrongAmount = 0.0,
    end_with_parent: WithParent = False,
) -> None:
    """Simulates the central bank 人民银行国库: settles claims, sends signed receipts.

    Told ``report``, it sends the day's income of a treasury account.
    """
    if context.invoked_subcommand is not None:
        return
    from api.cli.development import CENTRAL_BANK
    from payments.simulators.faults import Faults
    from payments.simulators.pboc import PbocConfig, run_pboc

    faults = Faults(
        seed=seed,
        drop_ack_rate=drop_ack_rate,
        ack_delay_s=ack_delay_s,
        delay_s=delay_s,
        duplicate_receipts=duplicate_receipts,
        reject_rate=reject_rate,
        day=_day(day),
        wrong_amount_rate=wrong_amount_rate,
    )
    settings = _begin(end_with_parent)
    common = _common(settings, CENTRAL_BANK, api, token, cert_serial)
    port = _told_port("pboc", port or settings.pboc_port)
    run_pboc(PbocConfig(**common, port=port, faults=faults))


def tell_report(
    file: Annotated[
        Path, typer.Argument(help="JSON: a report as `POST /sim/income` takes it, or a list.")
    ],
    url: Annotated[str, typer.Option(help="The simulator; default: on its set port.")] = "",
) -> None:
    """Tells the simulated central bank to send reports of income 3401; prints their numbers."""
    _tell_each(file, "/sim/income", url)


def tell_balance(
    file: Annotated[
        Path, typer.Argument(help="JSON: a report as `POST /sim/balance` takes it, or a list.")
    ],
    url: Annotated[str, typer.Option(help="The simulator; default: on its set port.")] = "",
) -> None:
    """Tells the simulated central bank to send balance reports 3402; prints their numbers."""
    _tell_each(file, "/sim/balance", url)


def tell_bank_reconciliation(
    file: Annotated[Path, typer.Argument(help="JSON: as `POST /sim/reconciliations` takes it.")],
    url: Annotated[str, typer.Option(help="The simulator; default: on its set port.")] = "",
) -> None:
    """Tells the simulated agent bank to say what it has paid 3502; prints the numbers."""
    _tell_each(file, "/sim/reconciliations", url or f"http://127.0.0.1:{load_settings().bank_port}")


def tell_reconciliation(
    file: Annotated[Path, typer.Argument(help="JSON: as `POST /sim/reconciliations` takes it.")],
    url: Annotated[str, typer.Option(help="The simulator; default: on its set port.")] = "",
) -> None:
    """Tells the simulated central bank to say what it has done 3501; prints the numbers."""
    _tell_each(file, "/sim/reconciliations", url)


def _tell_each(file: Path, path: str, url: str) -> None:
    from api.cli.terminal import fail

    settings = load_settings()
    try:
        read = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        fail(f"{file}: {error}", "malformed")
        raise typer.Exit(2) from None
    for told in read if isinstance(read, list) else [read]:
        answer = _tell(url or f"http://127.0.0.1:{settings.pboc_port}", path, told)
        typer.echo(answer["report_no"])


def _told_port(name: str, wanted: int) -> int:
    """The port to listen on, any free one for 0, which whoever sends has to be told."""
    from api.cli.terminal import announce

    if not wanted:
        from api.cli.development import free_port

        wanted = free_port(0, "--port")
    announce([(name, f"http://127.0.0.1:{wanted}")])
    return wanted


def _day(text: str) -> "date | Literal['as-asked'] | None":
    from payments.simulators.faults import AS_ASKED

    if text == AS_ASKED:
        return AS_ASKED
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(f"{text} is no date such as 2026-03-02, nor {AS_ASKED}") from None


def _begin(end_with_parent: bool) -> "Settings":
    if end_with_parent:  # before anything that takes time
        from api.cli.children import end_with_parent as watch

        watch()
    settings = load_settings()
    start_logging(settings)
    return settings


def _common(
    settings: "Settings", subject: str, api: str, token: str, cert_serial: str
) -> dict[str, Any]:
    """What both configurations share; what is not given is fetched from the treasury."""
    from api.tls import own_url, tls_files, trusting

    if not (token and cert_serial):
        from api.cli.development import introduce, prepare

        keys = key_store()
        with acting() as machine:
            admitted = prepare(machine.connection, keys, subject)
            introduce(machine, admitted)
        token, cert_serial = token or admitted.token, cert_serial or admitted.cert_serial
    return {
        "data": settings.data.resolve() / "simulators" / subject,
        "guoku_url": api or own_url(settings),
        "trusted": trusting(tls_files(settings)),
        "token": token,
        "keystore": settings.keystore_path,
        "passphrase": settings.passphrase(),
        "cert_serial": cert_serial,
    }

"""``guoku sign-agent``: one's own key at one's own machine, for pages and programs that ask it."""

import os
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.language import said
from api.cli.terminal import show_fields
from api.sign_agent import AGENT_PORT

if TYPE_CHECKING:
    from api.sign_agent.devices import SigningDevice
    from api.sign_agent.shown import ShownDocument

ANSWER_WITHIN_S = 120
_AGREES = {"y", "yes", "是"}

Principal = Annotated[str, typer.Option(help="Whose key it is, e.g. zhang.san.")]
KeyFile = Annotated[Path, typer.Option(help="The sealed key file.")]
Passphrase = Annotated[
    str, typer.Option(envvar="GUOKU_SIGN_AGENT_PASSPHRASE", help="Opens it; default: asked for.")
]

app = typer.Typer(
    invoke_without_command=True, help="Signs with one's own key, for who asks at this machine."
)


@app.command()
def key(
    principal: Principal, key_file: KeyFile = Path("sign-agent.keys"), passphrase: Passphrase = ""
) -> None:
    """Makes a key (unless there is one), and shows its public half, to be registered."""
    from ledger.gm.keystore import KeyStore

    if not passphrase:
        passphrase = _asked_passphrase(twice=True)
    public_key = KeyStore(key_file, passphrase).create(f"principal/{principal}")
    show_fields((("principal", principal), ("public_key", public_key.hex())))


@app.callback()
def run(
    context: typer.Context,
    principal: Principal = "",
    key_file: KeyFile = Path("sign-agent.keys"),
    passphrase: Passphrase = "",
    cert_serial: Annotated[
        str, typer.Option(help="Under which the key is registered; a page finds it by itself.")
    ] = "",
    origin: Annotated[
        list[str] | None, typer.Option(help="A page that may ask, e.g. https://host (repeatable).")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="On 127.0.0.1; pages ask 9171.")
    ] = AGENT_PORT,
    device: Annotated[
        str, typer.Option(help="module:function that makes a device, instead of a key file.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Signs without asking. For development alone.")
    ] = False,
) -> None:
    """Holds a key, shows what is to be signed, asks, and signs (docs/sign-agent.md)."""
    if context.invoked_subcommand is not None:
        return
    from api.sign_agent.agent import KeyHolder, SigningAgent
    from api.sign_agent.pairing import Pairing
    from api.sign_agent.server import AgentServer
    from ledger.gm.default import default_provider

    if not principal:
        raise typer.BadParameter(said("whose_key"), param_hint="--principal")
    held = _device(device, key_file, principal, passphrase)
    agent = SigningAgent(
        held,
        KeyHolder(principal, cert_serial),
        default_provider(),
        _agreeing_to_all if yes else ask,
    )
    pairing = Pairing(lambda code: _say(said("pairing_code", code=code)), time.monotonic)
    with AgentServer(agent, pairing, origin or (), port, time.monotonic) as server:
        _say(said("agent_ready", port=server.server_port, origins=", ".join(origin or ()) or "-"))
        if yes:
            _say(said("agent_asks_nobody"))
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            _say("")


def _device(place: str, key_file: Path, principal: str, passphrase: str) -> "SigningDevice":
    from api.sign_agent.devices import KeyFileDevice, device_named
    from ledger.errors import ConfigurationError
    from ledger.gm.default import default_provider
    from ledger.gm.keystore import KeyStore

    if place:
        return device_named(place)
    if not key_file.exists():
        raise ConfigurationError(said("no_key_file", file=key_file))
    if not passphrase:
        passphrase = _asked_passphrase(twice=False)
    return KeyFileDevice(
        KeyStore(key_file, passphrase), f"principal/{principal}", default_provider()
    )


def _asked_passphrase(*, twice: bool) -> str:
    """What a person types at the terminal; the question is no output of the command.

    Raises:
        ConfigurationError: nobody can be asked, as standard input is no terminal.
    """
    from ledger.errors import ConfigurationError

    if not sys.stdin.isatty():
        raise ConfigurationError(said("no_passphrase"))
    asked: str = typer.prompt(
        said("passphrase"), hide_input=True, confirmation_prompt=twice, err=True
    )
    return asked


def ask(documents: Sequence["ShownDocument"], asked_by: str) -> bool:
    """Shows what is to be signed and waits for a word; what was typed before is no answer."""
    _show(documents, asked_by)
    _forget_what_was_typed()
    print(said("agree"), end=" ", flush=True)
    ready, _, _ = select.select([sys.stdin], [], [], ANSWER_WITHIN_S)
    answer = sys.stdin.readline().strip().lower() if ready else ""
    agreed = answer in _AGREES
    _say(said("signed" if agreed else "not_signed"))
    return agreed


def _agreeing_to_all(documents: Sequence["ShownDocument"], asked_by: str) -> bool:
    _show(documents, asked_by)
    _say(said("signed"))
    return True


def _show(documents: Sequence["ShownDocument"], asked_by: str) -> None:
    from api.sign_agent.shown import in_words

    _say("\n".join(["", *in_words(documents, asked_by)]))


def _forget_what_was_typed() -> None:
    if os.name == "posix" and sys.stdin.isatty():
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _say(line: str) -> None:
    print(line, flush=True)

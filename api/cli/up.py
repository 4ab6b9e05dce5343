"""``guoku up`` and ``guoku serve``: the server with all its parts, and the API alone."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.cli.background import BackgroundServices
    from api.settings import Settings

OPEN_WARNING = (
    "{host} is not this machine alone and there is no TLS: tokens cross the network in the clear."
    " Set GUOKU_TLS_CERT and GUOKU_TLS_KEY, or put a proxy in front (docs/tls.md)"
)

Host = Annotated[str | None, typer.Option(help="Address to listen on [GUOKU_HOST].")]
Port = Annotated[int | None, typer.Option(help="Port, 0 for any free one [GUOKU_PORT].")]


def up(host: Host = None, port: Port = None) -> None:
    """Runs everything: Postgres, API, sealer, projector, dispatcher, simulated banks.

    Prints the addresses and tokens for development once all of it is ready. Ctrl-C or SIGTERM stops
    it in order: requests, dispatcher, projector, sealer, simulators, sequencer, database.
    """
    from api.cli import development

    def start(background: BackgroundServices, url: str) -> Callable[[], None]:
        treasury = background.treasury
        brought = development.Introduction.of(treasury)
        background.start_recording(lambda: brought.record(treasury))
        for child in brought.children(treasury, url):
            background.start_child(child)
        background.start_sealer()
        background.start_projector()
        background.start_dispatcher()
        background.start_webhooks()
        background.start_handing_over()
        background.start_transfers()
        background.start_exchange()
        background.start_collection()
        return lambda: _announce(url, treasury.settings, brought.developers)

    _run(host, port, start, own=True, prepare=development.with_simulator_ports)


def serve(
    host: Host = None,
    port: Port = None,
    with_projector: Annotated[
        bool, typer.Option("--with-projector", help="Also keep the read models up to date.")
    ] = False,
    with_dispatcher: Annotated[
        bool, typer.Option("--with-dispatcher", help="Also send vouchers and claims to the banks.")
    ] = False,
    with_webhooks: Annotated[
        bool, typer.Option("--with-webhooks", help="Also bring events to registered addresses.")
    ] = False,
    with_sealer: Annotated[
        bool, typer.Option("--with-sealer", help="Also seal history into signed checkpoints.")
    ] = False,
) -> None:
    """Runs the API alone, on GUOKU_DSN or on the embedded server of GUOKU_DATA."""

    def start(background: BackgroundServices, url: str) -> Callable[[], None]:
        if with_projector:
            background.start_projector()
        if with_dispatcher:
            background.start_dispatcher()
        if with_webhooks:
            background.start_webhooks()
        if with_sealer:
            background.start_sealer()
        background.start_handing_over()
        background.start_transfers()
        background.start_exchange()
        background.start_collection()
        return lambda: _announce(url, background.treasury.settings)

    def prepare(settings: Settings) -> Settings:
        from api.cli.session import require_database

        require_database(settings)
        if with_dispatcher:
            settings.require_bank_addresses()
        return settings

    _run(host, port, start, own=False, prepare=prepare)


def _run(
    host: str | None,
    port: int | None,
    start: Callable[[BackgroundServices, str], Callable[[], None]],
    *,
    own: bool,
    prepare: Callable[[Settings], Settings],
) -> None:
    """Opens everything, serves, and closes it in the reverse order of what is written here."""
    from api.cli.background import BackgroundServices
    from api.cli.session import load_settings, start_logging
    from api.heaps import keep_few_heaps
    from api.http.app import create_app
    from api.opening import opened_when_resolved
    from api.server import bind, serve, stop_on_signals, url_of
    from api.tls import serves_openly, tls_files
    from api.treasury import open_treasury

    keep_few_heaps()
    settings = load_settings(host=host, port=port)
    start_logging(settings, quiet=False)
    tls = tls_files(settings)
    if serves_openly(settings.host, tls):
        print(f"warning: {OPEN_WARNING.format(host=settings.host)}", file=sys.stderr, flush=True)
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        bound = stack.enter_context(closing(bind(settings.host, settings.port)))
        settings = prepare(settings)
        treasury = opened_when_resolved(
            lambda: stack.enter_context(open_treasury(settings, own=own)), bound, stop, tls
        )
        stop.check()
        background = stack.enter_context(BackgroundServices(treasury))
        stack.callback(stop.ignore)
        on_ready = start(background, url_of(bound, tls))
        app = create_app(treasury, background)
        services = app.services
        serve(
            app,
            bound,
            stop,
            on_ready,
            services.live.end,
            protocol=services.connections.protocol,
            tls=tls,
        )


def _announce(url: str, settings: Settings, developers: Mapping[str, str] | None = None) -> None:
    """Says that it is ready: a frame for people, then lines that programs can read."""
    from api.cli.language import said
    from api.cli.terminal import announce

    if sys.stdout.isatty():
        from rich.console import Console
        from rich.panel import Panel

        Console().print(Panel.fit(f"国库 {said('ready')}", border_style="green"))
    lines = [
        ("api", url),
        ("console", f"{url}/console/"),
        ("docs", f"{url}/docs"),
        ("health", f"{url}/readyz"),
        ("data", settings.data.resolve()),
    ]
    if developers is not None:
        from api.cli.development import DEVELOPER

        lines += [("bank", settings.bank_address), ("pboc", settings.pboc_address)]
        for name, token in developers.items():
            lines.append(("token" if name == DEVELOPER else name.partition(".")[2], token))
    announce(lines)

"""``guoku bench``: starts the measuring program, which lies above every package it measures."""

import os
import sys

import typer

PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True}


def bench(context: typer.Context) -> None:
    """Measures guoku beside its peers: engine, http, sign, projections, growth, all.

    ``guoku bench --help`` shows its options.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", "bench", *context.args])  # noqa: S606

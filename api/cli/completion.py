"""``guoku completion``: what makes a shell complete the names of commands and options."""

from enum import StrEnum
from typing import Annotated

import typer


class Shell(StrEnum):
    """The shells that can be told."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell that is to complete.")] = Shell.BASH,
) -> None:
    """Prints the script by which a shell completes commands and options 命令补全.

    eval "$(guoku completion bash)", in .bashrc for every shell to come.
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    print(get_completion_script(prog_name="guoku", complete_var="_GUOKU_COMPLETE", shell=shell))

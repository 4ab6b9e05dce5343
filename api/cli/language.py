"""One language policy of the command line: ``GUOKU_LANG``, ``en`` (the default) or ``zh``.

Names of fields, columns, codes and options are the same in both: programs read them. Help follows
the language (``api.cli.chinese``), and so does what commands say of themselves, all of which stands
here. The detail of an error that the core or the API gives is as it comes, in English, beside its
code; what auditors put on file (``audit verify``, ``demo``) is in both languages.
"""

import os
from typing import Any

LANGUAGES = ("en", "zh")

_MESSAGES = {
    "no_database": (
        (
            "there is no database in {place} (GUOKU_DATA={given}): `guoku up` or `guoku db init` "
            "makes one; GUOKU_DATA or GUOKU_DSN says where another one is"
        ),
        (
            "{place} (GUOKU_DATA={given}) 中没有数据库: 由 `guoku up` 或 `guoku db init` 建立; "
            "已有的数据库用 GUOKU_DATA 或 GUOKU_DSN 指明"
        ),
    ),
    "no_tables": (
        "the database {place} (GUOKU_DSN) has no tables of guoku: `guoku db init` makes them",
        "数据库 {place} (GUOKU_DSN) 中没有国库的表: 由 `guoku db init` 建立",
    ),
    "ready": ("guoku is ready · Ctrl-C stops it", "已就绪 · Ctrl-C 停止"),
    "up_to_date": ("nothing, it is up to date", "无, 已是最新"),
    "restored": (
        "nothing is written or sent until `guoku db accept-loss` has said what was lost",
        "在 `guoku db accept-loss` 说明损失之前, 不记账也不发送",
    ),
    "passphrase": ("Passphrase of the key file", "密钥文件口令"),
    "no_passphrase": (
        "no terminal to ask for the passphrase at: set GUOKU_SIGN_AGENT_PASSPHRASE",
        "没有终端可询问口令: 请设置 GUOKU_SIGN_AGENT_PASSPHRASE",
    ),
    "whose_key": ("whose key? --principal", "谁的密钥? --principal"),
    "no_key_file": (
        "there is no key file {file}: `guoku sign-agent key` makes one",
        "没有密钥文件 {file}: 由 `guoku sign-agent key` 建立",
    ),
    "pairing_code": ("pairing code 配对码: {code}", "配对码: {code}"),
    "agent_ready": (
        "signs on 127.0.0.1:{port} for {origins} · Ctrl-C ends it",
        "签名代理在 127.0.0.1:{port}, 页面: {origins} · Ctrl-C 停止",
    ),
    "agent_asks_nobody": (
        "--yes: it signs without asking; for development alone",
        "--yes: 不经询问即签名, 仅供开发",
    ),
    "agree": ("sign it? [y/N]", "签名吗? [y/N]"),
    "signed": ("signed", "已签名"),
    "not_signed": ("not signed", "未签名"),
    "no_language": ("GUOKU_LANG is en or zh, not {given}", "GUOKU_LANG 为 en 或 zh, 不是 {given}"),
}


def language() -> str:
    """The one that is asked for.

    Raises:
        ConfigurationError: it is none that there is.
    """
    asked = os.environ.get("GUOKU_LANG", "") or LANGUAGES[0]
    if asked not in LANGUAGES:
        from ledger.errors import ConfigurationError

        raise ConfigurationError(_MESSAGES["no_language"][0].format(given=repr(asked[:20])))
    return asked


def said(message: str, **values: Any) -> str:
    """One of the messages, in the language that is asked for."""
    return _MESSAGES[message][LANGUAGES.index(language())].format(**values)


def translate(command: Any, path: str = "") -> None:
    """Puts the help of a command, and of all below it, into the language that is asked for."""
    if language() != "zh":
        return
    from api.cli.chinese import COMMANDS, OPTIONS

    if (text := COMMANDS.get(path)) is not None:
        command.help = command.short_help = text
    for parameter in command.params:
        if given := getattr(parameter, "help", None):
            parameter.help = OPTIONS.get(given, given)
    for name, below in getattr(command, "commands", {}).items():
        translate(below, f"{path} {name}".strip())

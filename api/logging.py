"""Logs: one stream (standard error), one shape, no secrets.

Our own loggers are structlog's, the libraries' are the standard library's; both end in one handler,
as lines for people or as JSON. The last step before rendering takes out what must not be kept:
bearer tokens, passwords in connection strings, and every field whose name says that it is secret.
"""

import logging
import re
import sys
from contextvars import ContextVar
from typing import Any

import structlog
from structlog.types import EventDict, Processor

from api.settings import Settings

HIDDEN = "***"

# of the request that is being answered; each request is a task, and a task has a context of its own
correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

_SECRET_FIELD = re.compile(r"token|secret|password|passphrase|authorization|dsn|conninfo", re.I)
_SECRET_TEXT = (
    (re.compile(r"\bgk_[\w-]+"), "gk_" + HIDDEN),
    (re.compile(r"(?i)\bbearer\s+[\w.~+/=-]+"), "Bearer " + HIDDEN),
    (re.compile(r"(?i)\bpassword\s*=\s*('[^']*'|\S+)"), "password=" + HIDDEN),
    (re.compile(r"(://[^/\s:@]*):[^/\s@]+@"), r"\1:" + HIDDEN + "@"),
)
# Below a warning these tell what our own log tells better, or tell it per request.
_QUIET = ("uvicorn.access", "uvicorn.error", "httpx", "httpcore", "psycopg.pool", "asyncio")


def configure_logging(settings: Settings) -> None:
    """Sets up all logging of this process; may be called again."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_correlation_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                _renderer(settings.log_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _add_correlation_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if asked := correlation_id.get():
        event.setdefault("correlation_id", asked)
    return event


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Hides what is secret in an entry: fields by their name, everything else by its shape."""
    return {
        name: HIDDEN if _SECRET_FIELD.search(name) else _without_secrets(value)
        for name, value in event.items()
    }


def _without_secrets(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return redact(None, "", value)
        case list() | tuple() | set() | frozenset():
            return [_without_secrets(item) for item in value]
    text = str(value)
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _renderer(as_json: bool) -> Processor:
    if as_json:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())

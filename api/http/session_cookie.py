"""The cookie of a session, as browsers send it and as they are given it."""

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "guoku_session"

_NAME = COOKIE.encode()


def secret_in(cookies: bytes) -> bytes:
    """The session's secret in a Cookie header; b"" where there is none, or where there are several
    that differ: then a neighbour of ours may have put one there, and nobody knows which was meant.
    """
    found = set()
    for pair in cookies.split(b";"):
        name, _, value = pair.partition(b"=")
        if name.strip() == _NAME:
            found.add(value.strip())
    return found.pop() if len(found) == 1 else b""


def give(response: Response, request: Request, secret: str, longest_s: int) -> None:
    """Has the browser keep the secret where no page can read it, and send it to us alone."""
    _set(response, request, secret, longest_s)


def take_away(response: Response, request: Request) -> None:
    _set(response, request, "", 0)


def _set(response: Response, request: Request, value: str, max_age_s: int) -> None:
    response.set_cookie(
        COOKIE,
        value,
        max_age=max_age_s,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


def _is_secure(request: Request) -> bool:
    """Whether the browser speaks TLS, with us or with what stands before us. Who claims it without
    truth has a cookie that his own browser does not send."""
    forwarded = request.headers.get("x-forwarded-proto", "")
    return request.url.scheme == "https" or forwarded == "https"

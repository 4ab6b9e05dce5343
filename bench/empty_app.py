"""An empty FastAPI application under the same server: what `http` is set beside.

``python -m bench.empty_app`` serves it and prints its address as ``guoku serve`` does.
"""

from contextlib import closing
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from api.server import bind, serve, stop_on_signals, url_of

app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)


@app.post("/empty")
async def empty(request: Request) -> Response:
    """Reads the body and answers nothing: the least that an endpoint can do."""
    await request.body()
    return Response(b"{}", media_type="application/json")


@app.post("/parsed")
async def parsed(body: dict[str, Any]) -> dict[str, Any]:
    """As tutorials write it: FastAPI parses the body and encodes the answer."""
    return {"fields": len(body)}


@app.get("/readyz")
async def ready() -> dict[str, bool]:
    return {"ready": True}


if __name__ == "__main__":
    with stop_on_signals() as stop, closing(bind("127.0.0.1", 0)) as bound:
        url = url_of(bound)
        serve(app, bound, stop, lambda: print(f"api: {url}", flush=True))

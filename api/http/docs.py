"""The operations for reading: Swagger UI, which needs nothing from elsewhere.

Treasuries have no internet, so the page's scripts come from a package and are served from here.
"""

from importlib.resources import files
from pathlib import Path

import orjson
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

DOCS, ASSETS = "/docs", "/docs/assets"


def add_document(app: FastAPI, address: str) -> None:
    """Serves the document, which is made when it is first asked for: in a thread, because that
    takes two seconds, and payments do not wait for it."""

    async def document(request: Request) -> Response:
        schema = await run_in_threadpool(app.openapi)
        if root := request.scope.get("root_path", "").rstrip("/"):  # behind a proxy
            schema = {**schema, "servers": [{"url": root}, *schema.get("servers", [])]}
        return Response(orjson.dumps(schema), media_type="application/json")

    app.add_route(address, document, include_in_schema=False)


def add_docs(app: FastAPI) -> None:
    """Serves ``/docs`` and what it needs."""
    static = Path(str(files("fastapi_offline") / "static"))
    app.mount(ASSETS, StaticFiles(directory=static), name="docs_assets")

    async def page(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{ASSETS}/favicon.png",
        )

    app.add_route(DOCS, page, include_in_schema=False)

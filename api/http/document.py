"""The published OpenAPI document without a server: what clients are generated from.

``python -m api.http.document`` prints it; it needs neither a database nor settings.
"""

import sys

import orjson

from api.http.app import application


def document() -> bytes:
    """The document as ``/openapi.json`` serves it."""
    return orjson.dumps(application().openapi())


if __name__ == "__main__":
    sys.stdout.buffer.write(document())

"""The OpenAPI document, made from what is served: operations, command structs, answers, codes."""

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import orjson

from api.access import Right
from api.http.bodies import AMOUNTS, ITEMS_MAX, Body
from api.http.door import Operation, Route
from api.http.problems import MEDIA_TYPE, TITLES, TYPE_PREFIX
from ledger.errors import Code

_REF = "#/components/schemas/{name}"
_AMOUNT = {
    "type": "string",
    "pattern": r"^-?(0|[1-9][0-9]{0,15})\.[0-9]{2}$",
    "examples": ["1234.56"],
    "description": "yuan, two decimals",
}
_PARAMETER = re.compile(r"\{(\w+)\}")
_INTEGERS = {"after", "limit", "page_size", "as_of_position", "source", "position", "size"}
_OF_SIZES = {"proof.consistency"}  # where from and to are no days but sizes of trees
_DAYS = {"as_of_effective", "from", "to"}

# what an operation may answer because of what it is, beside its own codes
_EVERYWHERE = (Code.MALFORMED, Code.INTERNAL, Code.UNAVAILABLE)
_KNOWN_CALLER = (Code.UNAUTHENTICATED, Code.FORBIDDEN)
_WITH_BODY = (Code.TOO_MANY_ITEMS, Code.BUSY)


def codes_of(operation: Operation) -> list[Code]:
    """Every code an operation may answer with, in the order of the contract."""
    codes = {*operation.codes, *_EVERYWHERE}
    if operation.right is not Right.PUBLIC:
        codes |= set(_KNOWN_CALLER)
    if "{ledger}" in operation.path:
        codes.add(Code.LEDGER_NOT_FOUND)
    if operation.method != "GET":
        codes |= {*_WITH_BODY, Code.IDEMPOTENCY_CONFLICT}
        if isinstance(operation.body, Body) and set(_fields(operation.body)) & AMOUNTS:
            codes.add(Code.INVALID_AMOUNT)
    if operation.path == "/v1/certificates/{serial}" or "{clear_no}" in operation.path:
        codes.add(Code.NOT_FOUND)
    return sorted(codes, key=list(Code).index)


def _fields(body: Body) -> tuple[str, ...]:
    return body.published.__struct_fields__


def api_document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the routes."""
    operations = [route.operation for route in routes]
    types = _types(operations)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    refs = dict(zip(map(_key, types), schemas, strict=True))
    for component in components.values():
        for name, schema in component.get("properties", {}).items():
            if name in AMOUNTS and schema.get("type") == "string":
                component["properties"][name] = _AMOUNT
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _published(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "guoku 国库",
            "version": version,
            "description": "Ledger and payment execution of a Chinese public treasury.",
        },
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _problem_schema()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _types(operations: Sequence[Operation]) -> list[Any]:
    found: dict[str, Any] = {}
    for operation in operations:
        for kind in (_body_type(operation), operation.answer):
            if kind is not None:
                found[_key(kind)] = kind
    return list(found.values())


def _key(kind: Any) -> str:
    return repr(kind)


def _body_type(operation: Operation) -> Any:
    return operation.body.published if isinstance(operation.body, Body) else operation.body


def _published(operation: Operation, refs: dict[str, Any]) -> dict[str, Any]:
    published: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation, refs),
    }
    if operation.right is not Right.PUBLIC:
        published["security"] = [{"token": []}]
        published["x-roles"] = sorted(operation.right.roles)
    if operation.raw_body:
        published["requestBody"] = {"required": True, "content": {operation.raw_body: {}}}
    elif (kind := _body_type(operation)) is not None:
        published["requestBody"] = _request_body(refs[_key(kind)], operation)
    return published


def _request_body(schema: dict[str, Any], operation: Operation) -> dict[str, Any]:
    if not operation.many:
        return {"required": True, "content": {"application/json": {"schema": schema}}}
    items = {"type": "array", "items": schema, "minItems": 1, "maxItems": ITEMS_MAX}
    return {
        "required": True,
        "content": {
            "application/json": {"schema": items},
            "application/x-ndjson": {"schema": schema},
        },
    }


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(operation.path)
    ]
    parameters += [
        {"name": name, "in": "query", "schema": _query_schema(operation, name)}
        for name in operation.query
    ]
    headers = {"X-Request-Id": {"type": "string", "maxLength": 128}}
    if operation.method != "GET":
        headers["Idempotency-Key"] = {"type": "string", "maxLength": 255}
    elif "{ledger}" in operation.path:
        headers["X-Min-Position"] = {"type": "integer", "minimum": 0}
    if operation.brief:
        headers["Prefer"] = {"type": "string", "examples": ["return=minimal"]}
    parameters += [
        {"name": name, "in": "header", "schema": schema} for name, schema in headers.items()
    ]
    return parameters


def _query_schema(operation: Operation, name: str) -> dict[str, Any]:
    if name in _INTEGERS or operation.name in _OF_SIZES:
        return {"type": "integer", "minimum": 0}
    if name == "dry_run":
        return {"type": "boolean", "default": False}
    if name == "mode":
        return {"type": "string", "enum": ["independent", "atomic"], "default": "independent"}
    if name in _DAYS:
        return {"type": "string", "format": "date"}
    if name == "as_of_recorded":
        return {"type": "string", "format": "date-time"}
    return {"type": "string"}


def _responses(operation: Operation, refs: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if operation.answer is not None:
        content["schema"] = refs[_key(operation.answer)]
    responses: dict[str, Any] = {
        str(operation.status): {"description": "done", "content": {operation.media: content}}
    }
    by_status: dict[int, list[Code]] = {}
    for code in codes_of(operation):
        by_status.setdefault(code.status, []).append(code)
    for status, codes in sorted(by_status.items()):
        texts = [code.text for code in codes]
        responses[str(status)] = {
            "description": " · ".join(texts),
            "content": {
                MEDIA_TYPE: {
                    "schema": {
                        "allOf": [
                            {"$ref": _REF.format(name="Problem")},
                            {"properties": {"code": {"enum": texts}}},
                        ]
                    }
                }
            },
        }
    return responses


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": "RFC 9457 problem document",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"enum": [TYPE_PREFIX + code.text for code in Code]},
            "title": {"enum": [TITLES[code] for code in Code]},
            "status": {"type": "integer"},
            "detail": text,
            "instance": text,
            "code": {"enum": [code.text for code in Code]},
            "pointer": {"type": "string", "format": "json-pointer"},
            "available_amt": _AMOUNT,
            "requested_amt": _AMOUNT,
            "bgt_id": text,
            "correlation_id": text,
        },
    }


def docs_page(document: dict[str, Any]) -> str:
    """The operations as one page that needs nothing from elsewhere: treasuries have no internet."""
    rows = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            codes = " · ".join(
                f"{status} {answer['description']}"
                for status, answer in operation["responses"].items()
            )
            query = ", ".join(p["name"] for p in operation["parameters"] if p["in"] == "query")
            cells = (
                f"<code>{method.upper()}</code>",
                f"<code>{html.escape(path)}</code>",
                html.escape(operation["summary"]),
                html.escape(query),
                html.escape(", ".join(operation.get("x-roles", ["public"]))),
                html.escape(codes),
            )
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    heads = "".join(
        f"<th>{head}</th>" for head in ("", "path", "does", "query", "roles", "answers")
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>guoku 国库 API</title>'
        "<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}"
        "td,th{border-bottom:1px solid #ccc;padding:.4rem .6rem;text-align:left;vertical-align:top}"
        "</style><h1>guoku 国库 API</h1><p>The full description for programs is "
        '<a href="/openapi.json">/openapi.json</a>.</p>'
        f"<table><tr>{heads}</tr>{''.join(rows)}</table></html>"
    )


def packed(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document)

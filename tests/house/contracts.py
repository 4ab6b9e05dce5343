"""The import contracts as import-linter reads them; ``make contracts`` writes them to the file.

No contract allows an import by a detour: whoever imports a module imports all that it imports.
"""

from collections.abc import Iterable, Iterator

from tests.house.rooms import CLIENT, DECIDING, ORDER, WORLD

HEAD = "# Made of tests/house/rooms.py by `make contracts`; a test holds it to that."


def contracts() -> str:
    """The text of ``.importlinter``."""
    roots = [room for line in ORDER[""] for room in line.split()]
    sections = [
        _section("importlinter", root_packages=[*roots, CLIENT], include_external_packages="True"),
        *(_layers(container) for container in ORDER),
        _section(
            "importlinter:contract:circles",
            name="no circle of files or folders in any room",
            type="acyclic_siblings",
            ancestors=[*roots, CLIENT],
        ),
        _section(
            "importlinter:contract:client-alone",
            name="the client imports nothing of the program",
            type="forbidden",
            source_modules=[CLIENT],
            forbidden_modules=roots,
        ),
        _section(
            "importlinter:contract:client-unused",
            name="the program imports nothing of the client",
            type="forbidden",
            source_modules=roots,
            forbidden_modules=[CLIENT],
        ),
        _section(
            "importlinter:contract:deciding",
            name="decisions are pure: no database, clock or network in them",
            type="forbidden",
            source_modules=DECIDING,
            forbidden_modules=WORLD,
        ),
    ]
    return "\n".join([HEAD, *sections])


def _layers(container: str) -> str:
    layers = [" | ".join(line.split()) for line in reversed(ORDER[container])]
    within = {"containers": [container], "exhaustive": "True"} if container else {}
    return _section(
        f"importlinter:contract:rooms-{container or 'program'}",
        name=f"imports in {container or 'the program'} point one way",
        type="layers",
        layers=layers,
        **within,
    )


def _section(title: str, **options: str | Iterable[str]) -> str:
    return "\n".join([f"[{title}]", *_lines(options), ""])


def _lines(options: dict[str, str | Iterable[str]]) -> Iterator[str]:
    for name, value in options.items():
        if isinstance(value, str):
            yield f"{name} = {value}"
        else:
            yield f"{name} ="
            yield from (f"    {each}" for each in value)


if __name__ == "__main__":
    print(contracts(), end="")

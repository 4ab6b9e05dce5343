"""Who is who: principals are told apart by their names, whatever case these are written in."""

from unicodedata import normalize

# Who acts at the machine itself, where nobody else has to agree: the program, an operator, what is
# brought on record of an earlier release or of another database. No person has such a name.
PROGRAM, OPERATOR, MIGRATION, IMPORT = "guoku", "operator", "migration", "import"
AT_MACHINE = frozenset({PROGRAM, OPERATOR, MIGRATION, IMPORT})


def folded(principal: str) -> str:
    """What the ways of writing one principal's name have in common."""
    return principal.casefold()


def as_read(principal: str) -> str:
    """As :func:`folded`, and in whatever width: what is the same to who reads it."""
    return principal.casefold() if principal.isascii() else normalize("NFKC", principal).casefold()

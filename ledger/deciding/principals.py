"""Who is who: principals are told apart by their names, whatever case these are written in."""


def folded(principal: str) -> str:
    """What the ways of writing one principal's name have in common."""
    return principal.casefold()

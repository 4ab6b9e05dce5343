"""Which division is a tier below another, as their codes say (GB/T 2260)."""

_TIERS = (2, 4, 6, 9)  # digits of a province's code, a city's, a county's, a township's


def own_digits(mof_div_code: str) -> str:
    """Of nine digits those that tell the division from those beside it: 44 of 440000000."""
    return next(mof_div_code[:digits] for digits in _TIERS if not mof_div_code[digits:].strip("0"))


def tier_code(mof_div_code: str) -> str:
    """级次: 2 省, 3 市, 4 县, 5 乡."""
    return str(_TIERS.index(len(own_digits(mof_div_code))) + 2)


def is_below(above: str, below: str) -> bool:
    """Whether a division lies within another, one tier below or more (省直管县)."""
    return above != below and below.startswith(own_digits(above))

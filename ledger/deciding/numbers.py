"""业务号: under which numbers an answer is kept.

An accepted command is kept under its operation and business number, whoever asked it: the number is
then his. A refusal is kept under the same number for its caller alone, so that what one was refused
leaves the number to whoever it is meant for. A caller's own Idempotency-Key is his, too.
"""

OWN_KEY = "key:"
REFUSED = "refused:"
_OF_A_CALLER = (OWN_KEY, REFUSED)

Number = tuple[str, str]  # operation, and the number that it was asked for with


def of_caller(prefix: str, operation: str, by: str, number: str) -> Number:
    """The number as it is kept for one caller; nobody meets another's answer through it."""
    return prefix + operation, f"{by}\n{number}"


def split(number: Number) -> tuple[str, str, str, str]:
    """(prefix, operation, caller, number); without prefix and caller where it is everybody's."""
    operation, text = number
    if not operation.startswith(_OF_A_CALLER):
        return "", operation, "", text
    prefix, colon, operation = operation.partition(":")
    by, _, own = text.partition("\n")
    return prefix + colon, operation, by, own

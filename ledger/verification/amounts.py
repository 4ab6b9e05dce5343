"""Amounts as texts, which repeat: one stands in an event and in every line of its journal."""

from ledger.money import parse_yuan

_KNOWN_MAX = 200_000


class Amounts(dict[str, int]):
    """Yuan text to fen: ``amounts["1234.56"]``; remembers some, strict about all.

    Raises:
        RequestError: ``invalid_amount``, as ``parse_yuan``; zero is taken, a sign is not.
    """

    def __missing__(self, text: str) -> int:
        amount_fen = parse_yuan(text, zero=True)
        if len(self) >= _KNOWN_MAX:
            self.clear()
        self[text] = amount_fen
        return amount_fen

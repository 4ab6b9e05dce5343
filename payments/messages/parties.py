"""Who says what to whom: sender and receiver of a message, whose certificate signs it, and what of
the books it is about."""

from enum import StrEnum

CENTRAL_BANK_CODE = "1"  # 人民银行, of its subject


class Party(StrEnum):
    """Who sends or receives."""

    TREASURY = "the treasury"
    AGENT_BANK = "an agent bank"
    CENTRAL_BANK = "the central bank"


class SignedBy(StrEnum):
    """Whose certificate a signature needs: what its subject begins with, before the slash."""

    PERSON = "principal"
    FINANCE = "finance"
    AGENT_BANK = "bank"
    CENTRAL_BANK = "pboc"

    def subject(self, name: str) -> str:
        """The subject of this kind with that name."""
        return f"{self}/{name}"

    def is_of(self, subject: str) -> bool:
        """Whether a subject is of this kind."""
        return subject.startswith(f"{self}/")

    @classmethod
    def is_of_a_bank(cls, subject: str) -> bool:
        """Whether a subject is a bank's, the central bank among them."""
        return cls.AGENT_BANK.is_of(subject) or cls.CENTRAL_BANK.is_of(subject)


class Concern(StrEnum):
    """What of the books a message is about."""

    VOUCHER = "voucher"
    CLAIM = "claim"
    BANK_CLAIM = "bank_claim"
    REFUND = "refund"
    RECALL = "recall"
    ORDER = "order"
    ORDER_RETURN = "order_return"
    INCOME = "income"
    INCOME_ORDER = "income_order"
    INCOME_ORDER_RETURN = "income_order_return"
    ADJUSTMENT = "adjustment"
    BALANCE = "balance"
    ARRIVAL = "arrival"
    RECONCILIATION = "reconciliation"

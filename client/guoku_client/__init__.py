"""guoku-client 国库客户端: pay, sign and read, in a way that a lost answer pays nothing twice.

A call is a value that a ledger makes and a client sends, for whoever's token it has::

    books = Ledger("440000000-2026")
    with Client("https://treasury.example", token) as maker:
        payment = maker.do(books.apply(NewPayment(...)))
        for result in maker.each(books.apply_all(payments)):
            ...
"""

from guoku_client.agent import AgentSigner
from guoku_client.amounts import Amount, yuan
from guoku_client.asked import (
    DocumentName,
    NewDetail,
    NewIndicator,
    NewLedger,
    NewPayment,
    NewRefund,
)
from guoku_client.batches import Result
from guoku_client.call import Call, Many
from guoku_client.client import AsyncClient, Client
from guoku_client.division import Division
from guoku_client.errors import (
    AmountError,
    ClientError,
    Conflict,
    Forbidden,
    Insufficient,
    Malformed,
    NoAnswer,
    NotFound,
    Overloaded,
    Problem,
    Refused,
    ServerError,
    ServerFailed,
    SigningError,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
)
from guoku_client.ledger import Ledger, ledgers, open_ledger, webhooks
from guoku_client.retrying import Retries
from guoku_client.shown import Commit, Indicator, Payment, PaymentRow, Submitted
from guoku_client.signing import KeyFileSigner, ShowingSigner, Signer, ToSign, Voucher
from guoku_client.sm2 import new_key_file

__all__ = [
    "AgentSigner",
    "Amount",
    "AmountError",
    "AsyncClient",
    "Call",
    "Client",
    "ClientError",
    "Commit",
    "Conflict",
    "Division",
    "DocumentName",
    "Forbidden",
    "Indicator",
    "Insufficient",
    "KeyFileSigner",
    "Ledger",
    "Malformed",
    "Many",
    "NewDetail",
    "NewIndicator",
    "NewLedger",
    "NewPayment",
    "NewRefund",
    "NoAnswer",
    "NotFound",
    "Overloaded",
    "Payment",
    "PaymentRow",
    "Problem",
    "Refused",
    "Result",
    "Retries",
    "ServerError",
    "ServerFailed",
    "ShowingSigner",
    "Signer",
    "SigningError",
    "Submitted",
    "ToSign",
    "TooMany",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "Voucher",
    "ledgers",
    "new_key_file",
    "open_ledger",
    "webhooks",
    "yuan",
]

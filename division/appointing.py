"""Appointing a bank at the machine: what `guoku up` does for the bank that it simulates."""

from uuid import uuid4

import psycopg

from division.bank import BANK, AppointBank, ChangeBank, Channel
from division.recording import record
from ledger.account_set import standing_ledger
from ledger.deciding.command import Command
from ledger.deciding.principals import OPERATOR
from ledger.reading.objects import read_objects
from ledger.writing.conditions import Conditions


def appoint(
    connection: psycopg.Connection, pay_bank_code: str, channel: Channel, conditions: Conditions
) -> None:
    """Makes sure that the bank is appointed for all divisions, with this channel; committed.

    Nothing is put on record where it is so already, from whatever day on.
    """
    root = standing_ledger("")
    bank = read_objects(connection, root, BANK, [pay_bank_code]).get(pay_bank_code)
    command: Command
    if bank is None:
        command = AppointBank(
            pay_bank_code=pay_bank_code,
            name=channel.name,
            url=channel.url,
            cert_serial=channel.cert_serial,
            start_date=channel.start_date,
        )
    elif _is_same(bank.reached(channel.start_date), channel):
        return
    else:
        command = ChangeBank(
            pay_bank_code=pay_bank_code,
            change_no=uuid4().hex,
            start_date=channel.start_date,
            name=channel.name,
            url=channel.url,
            cert_serial=channel.cert_serial,
        )
    record(connection, root, [command], conditions, by=OPERATOR)


def _is_same(now: Channel | None, channel: Channel) -> bool:
    return now is not None and (now.name, now.url, now.cert_serial) == (
        channel.name,
        channel.url,
        channel.cert_serial,
    )

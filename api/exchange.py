"""异地系统往来: what takes in what other installations say, and what speaks to them."""

from functools import partial
from pathlib import Path

from api.treasury import Treasury
from division.installation import SUBJECT
from ledger.errors import Code, RequestError
from ledger.writing.submitting import submit_to
from projections.collection.following import SendingUpward
from projections.collection.receiving import CollectionReceiver
from transfers.exchanging import Exchanging
from transfers.link import HttpLink
from transfers.message_intake import MessageIntake
from transfers.messages import InstallationSigner


def installation_signer(treasury: Treasury) -> InstallationSigner:
    """What signs for this installation.

    Raises:
        RequestError: ``not_found``: it has no name by which others know it.
        KeyMissingError: its key was not made (``guoku keys create installation/…``).
    """
    name = treasury.settings.installation
    if not name:
        raise RequestError(
            Code.NOT_FOUND, "nothing is exchanged here: GUOKU_INSTALLATION is not set"
        )
    key = treasury.keys.private_key(SUBJECT + name)
    return InstallationSigner(
        treasury.provider.public_key(key), partial(treasury.provider.sign, key)
    )


def message_intake(treasury: Treasury) -> MessageIntake:
    signer = partial(installation_signer, treasury)
    return MessageIntake(treasury.pool, treasury.provider, signer, treasury.now)


def collection_receiver(treasury: Treasury) -> CollectionReceiver:
    """Takes in what others send upward to the divisions that are kept here."""
    signer = installation_signer(treasury)
    return CollectionReceiver(
        treasury.provider,
        treasury.settings.installation,
        lambda: signer.key,
        treasury.codes,
        treasury.now,
    )


def sending_upward(treasury: Treasury, folder: Path) -> SendingUpward:
    """What writes rows for the tier above to a folder; not begun."""
    return SendingUpward(
        treasury.pool,
        folder,
        treasury.charts,
        partial(installation_signer, treasury),
        treasury.now,
        of_division=treasury.settings.installation,
        every_s=treasury.settings.collection_every_s,
    )


def exchanging(treasury: Treasury, link: HttpLink) -> Exchanging:
    """What exchanges transfers with other installations; not begun."""
    return Exchanging(
        treasury.pool,
        submit_to(treasury.sequencer),
        treasury.provider,
        partial(installation_signer, treasury),
        link,
        treasury.now,
        halted=treasury.sequencer.conditions.halted,
    )

"""The parts that work beside the API: sealer, projector, dispatcher, and programs of ours.

Whatever was started is stopped at the end of the block, the last first; and readiness asks here.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from accounting.handing_over import HandingOver
from api.cli.children import Child
from api.cli.recording import Recording
from api.exchange import exchanging, sending_upward
from api.settings import WitnessSetting
from api.treasury import Treasury
from api.webhooks.deliverer import DeliveryPolicy, WebhookDeliverer
from api.webhooks.receivers import Receivers
from api.webhooks.secrets import WebhookKeys
from ledger.gm import PublicKey
from ledger.sealing.cosigner import Cosigner, WitnessAddress
from ledger.sealing.sealer import Sealer, SealingPolicy
from ledger.sealing.system_record import SystemRecord
from ledger.writing.submitting import submit_to
from payments.delivery.contents import Destinations
from payments.delivery.dispatcher import Dispatcher
from payments.delivery.sending import SendingPolicy
from payments.receipts.bringing_returns import BringingReturns
from payments.receipts.early_notices import EarlyNotices
from projections.core.runner import Runner
from transfers.bringing_funds import BringingFunds
from transfers.delivering import Delivering
from transfers.link import HttpLink


class BackgroundServices:
    """What runs in this process beside the API; ``runner``, ``dispatcher`` and ``sealer`` None
    when they run elsewhere."""

    def __init__(self, treasury: Treasury) -> None:
        self.treasury = treasury
        self.runner: Runner | None = None
        self.dispatcher: Dispatcher | None = None
        self.sealer: Sealer | None = None
        self.cosigners: list[Cosigner] = []
        self.children: list[Child] = []
        self.recordings: list[Recording] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start_projector(self) -> None:
        """Keeps the read models up to date from now on."""
        runner = Runner(self.treasury.pool, poll_ms=self.treasury.settings.projection_poll_ms)
        self.treasury.sequencer.on_commit(runner.wake)
        self._stack.callback(runner.close)
        runner.start()
        self.runner = runner

    def start_dispatcher(self) -> None:
        """Sends what is signed to the bank, and claims to the central bank, from now on; and
        matches what a bank said too early."""
        treasury, settings = self.treasury, self.treasury.settings
        dispatcher = Dispatcher(
            treasury.pool,
            treasury.sequencer,
            treasury.signing,
            Destinations(
                banks={settings.pay_bank_code: settings.bank_address}, pboc=settings.pboc_address
            ),
            SendingPolicy(
                timeout_s=settings.send_timeout_s,
                poll_s=settings.dispatcher_poll_ms / 1000,
            ),
            fresh=treasury.fresh_documents,
        )
        self._stack.callback(dispatcher.stop)
        dispatcher.start()
        self.dispatcher = dispatcher
        early = EarlyNotices(treasury.pool, submit_to(treasury.sequencer))
        self._stack.callback(early.stop)
        early.start()

    def start_handing_over(self) -> None:
        """Hands closed years over to the next, and what comes back of a year, from now on."""
        treasury = self.treasury
        submit = submit_to(treasury.sequencer)
        returns = BringingReturns(treasury.pool, submit, treasury.now)
        treasury.sequencer.on_commit(returns.committed)
        self._stack.callback(returns.stop)
        returns.start()
        handing_over = HandingOver(treasury.pool, submit, treasury.charts)
        treasury.sequencer.on_commit(handing_over.committed)
        self._stack.callback(handing_over.stop)
        handing_over.start()

    def start_transfers(self) -> None:
        """Brings transfers between the ledgers, from now on."""
        treasury = self.treasury
        delivering = Delivering(treasury.pool, submit_to(treasury.sequencer))
        treasury.sequencer.on_commit(delivering.committed)
        self._stack.callback(delivering.stop)
        delivering.start()
        funds = BringingFunds(treasury.pool, submit_to(treasury.sequencer))
        treasury.sequencer.on_commit(funds.committed)
        self._stack.callback(funds.stop)
        funds.start()

    def start_exchange(self) -> None:
        """Exchanges transfers with other installations, where this one has a name, from now on."""
        treasury = self.treasury
        if not treasury.settings.installation:
            return
        link = HttpLink(treasury.settings.exchange_timeout_s)
        self._stack.callback(link.close)
        exchange = exchanging(treasury, link)
        treasury.sequencer.on_commit(exchange.committed)
        self._stack.callback(exchange.stop)
        exchange.start()

    def start_collection(self) -> None:
        """Sends rows upward where a folder for them is set, from now on."""
        treasury = self.treasury
        if treasury.settings.collection_path is None:
            return
        upward = sending_upward(treasury, treasury.settings.collection_path)
        self._stack.callback(upward.stop)
        upward.start()

    def start_webhooks(self) -> None:
        """Brings events to those who have registered for them, from now on."""
        treasury, settings = self.treasury, self.treasury.settings
        deliverer = WebhookDeliverer(
            treasury.pool,
            WebhookKeys(treasury.keys, treasury.provider),
            Receivers(
                timeout_s=settings.webhook_timeout_s,
                allows_private=settings.webhook_private_addresses,
            ),
            DeliveryPolicy(attempts_max=settings.webhook_attempts_max),
            halted=treasury.sequencer.conditions.halted,
        )
        treasury.sequencer.on_commit(deliverer.committed)
        self._stack.callback(deliverer.stop)
        deliverer.start()

    def start_sealer(self) -> None:
        """Seals every commit into a signed checkpoint, from now on."""
        treasury, settings = self.treasury, self.treasury.settings
        sealer = Sealer(
            treasury.pool,
            treasury.sequencer,
            treasury.keys,
            treasury.provider,
            settings.checkpoints_path,
            treasury.now,
            SealingPolicy(
                interval_s=settings.seal_interval_ms / 1000,
                province_interval_s=settings.province_interval_s,
                log_key=settings.log_key,
            ),
        )
        self._stack.callback(sealer.close)
        for chosen in settings.witnesses:
            self._start_cosigner(chosen, sealer)
        sealer.start()
        self.sealer = sealer

    def _start_cosigner(self, chosen: WitnessSetting, sealer: Sealer) -> None:
        treasury = self.treasury
        key = PublicKey.from_hex(chosen.public_key)
        record = SystemRecord(treasury.pool, treasury.sequencer, lambda: [(chosen.name, key)])
        cosigner = Cosigner(
            treasury.pool,
            record,
            treasury.provider,
            WitnessAddress(chosen.name, chosen.url, key),
            timeout_s=treasury.settings.witness_timeout_s,
        )
        sealer.on_seal(cosigner.wake)
        self._stack.callback(cosigner.close)
        cosigner.start()
        self.cosigners.append(cosigner)

    def start_recording(self, record: Callable[[], None]) -> None:
        """Has something put on record now, or as soon as anything may be written.

        Raises:
            GuokuError: it fails for another reason.
        """
        self.recordings.append(self._stack.enter_context(Recording(record)))

    def start_child(self, child: Child) -> None:
        """Runs a program until the end of the block, and again whenever it ends before."""
        self._stack.enter_context(child)
        self.children.append(child)

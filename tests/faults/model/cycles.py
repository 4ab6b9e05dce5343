"""Cycles: some indicators, some clients, some breakages, all by a seed; then the reckoning."""

import json
import random
import threading
from collections.abc import Iterator, Sequence
from itertools import count
from time import monotonic
from typing import Any

from tests.faults.model.breakages import BREAKAGES, Breakage, FaultInjector
from tests.faults.model.caller import Answer, Caller, Tally
from tests.faults.model.cards import AFTER_NEXT, PLAIN, Card, Figures, Line, Model, Shown, strangers
from tests.faults.model.clearing import ClearingClerk
from tests.faults.model.courses import COURSES, Clerk, fen, is_final, paid, yuan
from tests.faults.model.installation import Installation
from tests.faults.model.runs import Run, disbursed, lines_of
from tests.support.bookkeeper import ELEMENTS
from tests.support.waiting import HANG_S

LEDGERS = ("440000000-2026", "440100000-2026")
CLIENTS, CARDS_PER_CLIENT, BREAKAGES_PER_CYCLE = 4, 7, 3
BULK_ITEMS, BULK_PAID = 1_200, 12  # so many at once are written by a process of their own
PAUSE_S = 0.05


class Treasury:
    """The installation, the model, and what all callers came to know."""

    def __init__(self, installation: Installation, seed: int) -> None:
        self.installation = installation
        self.seed = seed
        self.model = Model()
        self.tally = Tally()
        self.caller = self.new_caller(random.Random(f"{seed}/open"))
        self.clearing = ClearingClerk(self.caller, LEDGERS)
        self._read_upto = dict.fromkeys(LEDGERS, 0)
        for ledger in LEDGERS:
            division, _, year = ledger.partition("-")
            body = {"mof_div_code": division, "fiscal_year": int(year), "name": "账套"}
            taken(self.caller.post("/v1/ledgers", body, "maker"))

    def new_caller(self, chance: random.Random) -> Caller:
        return Caller(self.installation.servers, self.installation.tokens, self.tally, chance)

    # ---- one cycle

    def run(self, number: int, breakages: Sequence[Breakage] = ()) -> None:
        """With these breakages, or with those that the seed chooses.

        Raises:
            AssertionError: with all that does not agree.
        """
        chance = random.Random(f"{self.seed}/{number}")
        began_at = monotonic()
        cycle = Cycle(self, number, chance)
        cycle.work(breakages or cycle.chosen_breakages())
        worked_at = monotonic()
        wait_for_agreement(self, cycle.model, cycle.let_go)
        agreed_at = monotonic()
        self.model.cards |= cycle.model.cards
        self.model.issued_fen |= cycle.model.issued_fen
        wait_for_clearing(self)
        self.require_what_was_acknowledged()
        assert self.tally.faults == [], self.tally.faults
        verify(self.installation)
        print(
            f"worked {worked_at - began_at:.0f} s, agreed in {agreed_at - worked_at:.0f} s,"
            f" verified in {monotonic() - agreed_at:.0f} s; {self.tally.answers} answers,"
            f" {self.tally.unknown} left in doubt so far",
            flush=True,
        )

    # ---- the reckoning

    def differences(self, model: Model) -> list[str]:
        payments = {card.number: self._shown(card) for card in model.cards.values()}
        figures = {key: self._figures(*key) for key in model.issued_fen}
        return model.differences(payments, figures, self.installation.bank_book())

    def _shown(self, card: Card) -> Shown | None:
        answer = self.caller.get(Clerk.path(card))
        if answer.code == "payment_not_found":
            return None
        shown = taken(answer)
        paid_fen = fen(shown["xpay_amt"])
        return Shown(
            shown["status"], shown["pay_cert_no"] or "", paid_fen, fen(shown["refund_amt"])
        )

    def _figures(self, ledger: str, bgt_id: str) -> Figures:
        shown = taken(self.caller.get(f"/v1/ledgers/{ledger}/indicators/{bgt_id}"))
        names = ("amount", "pay_app_amt", "pay_amt", "canuse_amt")
        return Figures(*(fen(shown[name]) for name in names))

    def require_what_was_acknowledged(self) -> None:
        """Every event that a caller was told of stands where he was told, with its digest."""
        for ledger in LEDGERS:
            after = self._read_upto[ledger]
            path = f"/v1/ledgers/{ledger}/events?after={after}&limit=1000000"
            lines = self.caller.get(path).body
            digests = digests_of(lines)
            for (told_of, position), digest in self.tally.commits.items():
                if told_of == ledger and position > after:
                    assert digests.get(position) == digest, f"{ledger} has lost {position}"
            self._read_upto[ledger] = after + len(lines)

    def require_the_whole(self) -> None:
        """At the end of all cycles, of all that ever was."""
        found = self.differences(self.model)
        found += strangers(self.installation.bank_book(), self.model.cards)
        assert found == [], "\n".join(found)


def digests_of(lines: list[str]) -> dict[int, str]:
    events = map(json.loads, lines)
    return {event["position"]: event["digest"] for event in events}


def taken(answer: Answer) -> Any:
    assert not answer.code, answer
    return answer.body


def verify(installation: Installation) -> None:
    """What an auditor and an operator run; each fails where anything does not hold."""
    installation.command("audit", "verify")
    installation.command("projections", "verify")


def wait_for_agreement(treasury: Treasury, model: Model, let_go: Any) -> None:
    """Until everything is final and agrees; the breakages are over."""
    deadline = monotonic() + HANG_S
    while found := treasury.differences(model):
        assert monotonic() < deadline, "\n".join(["no agreement:", *found])
        let_go()
        threading.Event().wait(PAUSE_S)
    ready_by = monotonic() + HANG_S
    while not treasury.installation.ready():
        assert monotonic() < ready_by, "the installation does not become ready"
        threading.Event().wait(PAUSE_S)


def wait_for_clearing(treasury: Treasury) -> None:
    """Until the central bank has settled, once, what the bank has paid in all cycles so far."""
    while treasury.clearing.claim():
        pass
    deadline = monotonic() + HANG_S
    while found := treasury.clearing.unanswered():
        assert monotonic() < deadline, "\n".join(["not cleared:", *found])
        threading.Event().wait(PAUSE_S)
    bank = treasury.installation.bank_book()
    assert treasury.clearing.settled_fen() == treasury.model.paid_by_ledger(bank, LEDGERS)


class Cycle:
    """Indicators, clients and breakages of one cycle."""

    def __init__(self, treasury: Treasury, number: int, chance: random.Random) -> None:
        self.treasury = treasury
        self.number = number
        self.chance = chance
        self.model = Model()
        self._serial = 0
        self._errors: list[BaseException] = []
        self.indicators = [
            self._indicator(ledger, f"B{number}-{n}", fen=chance.randint(4_000_00, 9_000_00))
            for n, ledger in enumerate(LEDGERS)
        ]

    def chosen_breakages(self) -> list[Breakage]:
        kinds, weights = zip(*BREAKAGES, strict=True)
        return self.chance.choices(kinds, weights, k=BREAKAGES_PER_CYCLE)

    def work(self, breakages: Sequence[Breakage]) -> None:
        """Clients and breakages at the same time; raises what a client met."""
        clients = [self._thread(self._client, self._courses(n)) for n in range(CLIENTS)]
        clients.append(self._thread(self._bulk, self._clerk("bulk"), self._bulk_cards()))
        clients.append(self._thread(self._client, [disbursed(self._clerk("run"), self._run())]))
        besides = [self._thread(self._adjust, clients), self._thread(self._clear, clients)]
        injector = FaultInjector(
            self.treasury.installation,
            self.treasury.tally,
            self.chance,
            lambda: any(client.is_alive() for client in clients),
        )
        print(f"cycle {self.number}: {', '.join(each.__name__ for each in breakages)}", flush=True)
        for thread in [*clients, *besides]:
            thread.start()
        try:
            injector.break_all(breakages)
        finally:
            for thread in [*clients, *besides]:
                thread.join()
        if self._errors:
            raise self._errors[0]

    def let_go(self) -> None:
        """One more payment, behind which the bank says what it has kept back for the next."""
        clerk = self._clerk(f"wake {self._serial}")
        kept_back = [
            card
            for card in self.model.cards.values()
            if card.took("sign") and card.lines[0].account.startswith(AFTER_NEXT)
        ]
        if any(not is_final(clerk.shown(card)) for card in kept_back):
            card = self._card((PLAIN,), 1_00)
            for _ in paid(clerk, card):
                pass

    # ---- clients

    def _courses(self, n: int) -> list[Iterator[None]]:
        """What one client is to do, none of it begun."""
        clerk = self._clerk(f"client {n}")
        return [self._course(clerk) for _ in range(CARDS_PER_CLIENT)]

    def _client(self, under_way: list[Iterator[None]]) -> None:
        """Many payments under way at once, each a step at a time."""
        while under_way:
            left = [steps for steps in under_way if _goes_on(steps)]
            if len(left) == len(under_way):
                threading.Event().wait(PAUSE_S)
            under_way = left

    def _course(self, clerk: Clerk) -> Iterator[None]:
        [(course, accounts, _)] = self.chance.choices(COURSES, [w for *_, w in COURSES])
        return course(clerk, self._card(accounts, self.chance.randint(10_00, 500_00)))

    def _bulk_cards(self) -> list[Card]:
        """Far more applications than their indicator has money for."""
        bgt_id, amount_fen = f"B{self.number}-bulk", BULK_PAID * 3_00
        of = self._indicator(self.chance.choice(LEDGERS), bgt_id, fen=amount_fen)
        return [self._card((PLAIN,), 3_00, of) for _ in range(BULK_ITEMS)]

    def _bulk(self, clerk: Clerk, cards: list[Card]) -> None:
        """All in one request. Those without money are no payments: the figures show it."""
        clerk.apply_all(cards)
        issued = [card for card in cards if card.took("apply")]
        assert len(issued) == BULK_PAID, f"{len(issued)} of an indicator for {BULK_PAID}"
        clerk.approve_all(issued)
        clerk.sign_all(issued)
        for card in cards:
            if not card.took("apply"):
                assert card.said["apply"] == "insufficient_indicator", card
                del self.model.cards[card.number]

    def _run(self) -> Run:
        """A list of payees of an indicator of its own, which has just enough for it."""
        lines = lines_of(self.number, self.chance.randint(1_00, 9_00))
        amount_fen = sum(line.fen for line in lines)
        of = self._indicator(self.chance.choice(LEDGERS), f"B{self.number}-run", fen=amount_fen)
        run = Run(of[0], f"R{self.number}", of[1], lines)
        self.model.cards |= {card.number: card for card in run.cards()}
        return run

    # ---- beside them, while there is any client

    def _adjust(self, clients: list[threading.Thread]) -> None:
        """追加 and 追减 of what the clients pay from."""
        clerk = self._clerk("adjust")
        for n in count(1):
            if not any(client.is_alive() for client in clients):
                return
            ledger, bgt_id = clerk.chance.choice(self.indicators)
            amount_fen = clerk.chance.randint(1_00, 800_00) * clerk.chance.choice((1, -1))
            if clerk.adjust(ledger, bgt_id, f"A{self.number}-{n}", amount_fen):
                self.model.issued_fen[ledger, bgt_id] += amount_fen
            threading.Event().wait(PAUSE_S)

    def _clear(self, clients: list[threading.Thread]) -> None:
        while any(client.is_alive() for client in clients):
            self.treasury.clearing.claim()
            threading.Event().wait(PAUSE_S)

    def _clerk(self, name: str) -> Clerk:
        seed = f"{self.treasury.seed}/{self.number}/{name}"
        one, other = (self.treasury.new_caller(random.Random(f"{seed}/{n}")) for n in range(2))
        return Clerk(one, other, random.Random(seed))

    def _card(self, accounts: tuple[str, ...], fen: int, of: tuple[str, str] | None = None) -> Card:
        ledger, bgt_id = of or self.chance.choice(self.indicators)
        self._serial += 1
        number = f"P{self.number}-{self._serial}"
        lines = tuple(Line(f"{head}{self._serial:012d}", fen) for head in accounts)
        card = self.model.cards[number] = Card(number, ledger, bgt_id, lines)
        return card

    def _indicator(self, ledger: str, bgt_id: str, *, fen: int) -> tuple[str, str]:
        """An indicator that two persons have issued."""
        caller = self.treasury.caller
        body = {"bgt_id": bgt_id, "amount": yuan(fen), **ELEMENTS}
        path = f"/v1/ledgers/{ledger}"
        taken(caller.post(f"{path}/indicators", body, "maker"))
        taken(caller.post(f"{path}/documents/indicator.issue/{bgt_id}/approve", {}, "checker"))
        self.model.issued_fen[ledger, bgt_id] = fen
        return ledger, bgt_id

    def _thread(self, target: Any, *arguments: Any) -> threading.Thread:
        def run() -> None:
            try:
                target(*arguments)
            except BaseException as error:
                self._errors.append(error)

        return threading.Thread(target=run, daemon=True)


def _goes_on(steps: Iterator[None]) -> bool:
    """Takes a course one step on; False when it has come to its end."""
    return next(steps, _ENDED) is not _ENDED


_ENDED = object()

"""审批: which acts want the agreement of other persons, of whom, and how persons are told apart.

A kind of document is an operation whose command says ``APPROVABLE``. The ledger's policy names the
roles that must agree to a kind, in order; each agreement is another person's, and none of them the
maker's. The policy is a fold of events: the ledger's opening carries the first one. A ledger opened
before there were policies has an empty one until one is set.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import ClassVar

import msgspec

from ledger.books.toml_form import Fault, refusal, tables_of
from ledger.books.toml_lines import lines_of
from ledger.deciding.command import Command, command_named, commands
from ledger.deciding.principals import as_read
from ledger.deciding.settings import Setting, declare
from ledger.deciding.state import Decision, LedgerState
from ledger.errors import Code, RequestError
from ledger.events import ApprovalPolicySet, Event, LedgerOpened, Policy

# who may be named in a policy: everybody but who only reads, runs the machine, or is a bank
AGREEING_ROLES = (
    "treasury_maker",
    "treasury_checker",
    "unit",
    "unit_checker",
    "accountant",
    "accountant_checker",
    "security_officer",
    "finance_first",
    "finance_second",
    "treasury",
    "admin",
)
_ALL_OF = ".*"
EVERY_KIND = "*"
_KIND = re.compile(r"[a-z_]+\.([a-z_]+|\*)")
NOBODY_ELSE: Policy = {EVERY_KIND: ()}  # one person is enough for whatever is asked


def same_person(one: str, other: str) -> bool:
    """Whether two principals are one person: ``Both`` is ``both``, in whatever width it is written.
    Persons are compared here and nowhere else."""
    return one == other or as_read(one) == as_read(other)


# ---- the policy


class ApprovalPolicy(msgspec.Struct, frozen=True):
    """By kind of document the roles that must agree, in order; ``x.*`` is every kind of x that is
    not named itself, ``*`` every other kind."""

    roles: Policy = msgspec.field(default_factory=dict)

    def roles_for(self, kind: str, unless_said: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Who must agree to this kind; () where nobody else has to.

        Args:
            unless_said: who must where the policy says nothing of it.
        """
        found = self.roles.get(kind)
        if found is None:
            found = self.roles.get(kind.partition(".")[0] + _ALL_OF)
        return self.roles.get(EVERY_KIND, unless_said) if found is None else found


def _fold(policy: ApprovalPolicy, event: Event) -> ApprovalPolicy:
    if isinstance(event, LedgerOpened):
        return ApprovalPolicy(event.approval_policy)
    if isinstance(event, ApprovalPolicySet):
        return ApprovalPolicy(after(policy.roles, event.approval_policy))
    return policy


APPROVAL_POLICY = declare(Setting("approval_policy", ApprovalPolicy(), _fold))


def after(policy: Policy, asked: Policy) -> Policy:
    """A policy after others were said for some kinds: what is said of all of x, or of every kind,
    takes the place of what was said of each; the other kinds stay as they were."""
    if EVERY_KIND in asked:
        policy = {}
    wide = {kind.removesuffix("*") for kind in asked if kind.endswith(_ALL_OF)}
    kept = {
        kind: roles for kind, roles in policy.items() if f"{kind.partition('.')[0]}." not in wide
    }
    return dict(sorted({**kept, **asked}.items()))


@cache
def default_policy() -> Policy:
    """What a ledger is opened with (``ledger/data/approvals/default.toml``)."""
    data = resources.files("ledger.data") / "approvals" / "default.toml"
    return read_policy(data.read_text(encoding="utf-8"), data.name)


@cache
def default_policies() -> tuple[Policy, ...]:
    """Today's, and before it what earlier releases opened ledgers with, from the last: without what
    was added since (``ledger/data/approvals/added.toml``)."""
    data = resources.files("ledger.data") / "approvals" / "added.toml"
    policies = [default_policy()]
    for added in tomllib.loads(data.read_text(encoding="utf-8"))["steps"]:
        policies.append({kind: r for kind, r in policies[-1].items() if kind not in added})
    return tuple(policies)


def read_policy(text: str, file: str) -> Policy:
    """A file of a policy; ``file`` is what it is called in what is said of it.

    Which kinds there are is known when all domains are: a test holds the shipped file to them.

    Raises:
        ConfigurationError: it is no TOML, or names a role that nobody has, or one twice; each fault
            as ``FILE:LINE: reason``.
    """
    said = tables_of(text, file)
    faults = [fault for kind, roles in said.items() for fault in _faults_of(kind, roles)]
    if faults:
        raise refusal(file, lines_of(text), faults)
    return {kind: tuple(roles) for kind, roles in said.items()}


def _faults_of(kind: str, roles: object) -> Iterator[Fault]:
    """Of one line; a role that nobody has would let what waits for it wait for ever."""
    if _KIND.fullmatch(kind) is None:
        yield Fault((kind,), f"{kind!r} is no kind of document, x.y or x.*")
    if not isinstance(roles, list):
        yield Fault((kind,), f"{kind} has no list of roles")
        return
    for index, role in enumerate(roles):
        if role not in AGREEING_ROLES:
            yield Fault((kind,), f"{kind}: {role!r} is no role that may agree")
        elif role in roles[:index]:
            yield Fault((kind,), f"{kind}: {role} stands twice, and agrees once")


def approvable(kind: str) -> type[Command] | None:
    """The command of a kind of document; None where there is no such kind."""
    command = command_named(kind)
    return command if command is not None and command.APPROVABLE else None


def awaited(state: LedgerState, command: Command) -> tuple[str, ...]:
    """The roles that must agree before this takes effect; () where nobody else has to."""
    if not command.APPROVABLE:
        return ()
    return agreeing(state.settings.get(APPROVAL_POLICY), command.OPERATION)


def agreeing(policy: ApprovalPolicy, kind: str) -> tuple[str, ...]:
    """The roles that must agree to a kind of document by this policy, which may be older than the
    kind."""
    command = command_named(kind)
    return policy.roles_for(kind, command.UNLESS_SAID if command is not None else ())


def check_policy(policy: Policy, pointer: str = "") -> None:
    """Raises RequestError ``malformed`` for a kind or a role that there is not, or one twice;
    ``pointer`` is where the policy stands."""
    for kind, roles in policy.items():
        if not _is_kind(kind):
            raise RequestError(
                Code.MALFORMED, f"{kind[:60]!r} is no kind of document", pointer=f"{pointer}/{kind}"
            )
        for index, role in enumerate(roles):
            if role not in AGREEING_ROLES or role in roles[:index]:
                raise RequestError(
                    Code.MALFORMED,
                    f"a kind lists each role once, of {', '.join(AGREEING_ROLES)}",
                    pointer=f"{pointer}/{kind}/{index}",
                )


def _is_kind(kind: str) -> bool:
    """One that can be asked for, or that the default policy speaks of, or all kinds of one of
    these."""
    default = default_policy()
    if kind == EVERY_KIND:
        return True
    if kind.endswith(_ALL_OF):
        return kind in default or any(
            each.startswith(kind.removesuffix("*")) for each in (*_approvable_kinds(), *default)
        )
    return approvable(kind) is not None or bool(
        kind in default or kind.partition(".")[0] + _ALL_OF in default
    )


def _approvable_kinds() -> list[str]:
    return [kind for kind, command in commands().items() if command.APPROVABLE]


class SetApprovalPolicy(Command, frozen=True, kw_only=True):
    """审批策略: who must agree to the kinds that it names; of the others it says nothing."""

    OPERATION: ClassVar[str] = "approval_policy.set"
    CHANNEL: ClassVar[str] = "审批策略"
    APPROVABLE: ClassVar[bool] = True
    approval_policy: Policy

    @property
    def body(self) -> object:
        return msgspec.structs.replace(
            self, approval_policy=dict(sorted(self.approval_policy.items()))
        )

    def check(self) -> None:
        """Raises RequestError ``malformed``."""
        if not self.approval_policy:
            raise RequestError(Code.MALFORMED, "a policy names a kind at least")
        check_policy(self.approval_policy)

    def decide(self, state: LedgerState, by: str) -> Decision:
        policy = dict(sorted(self.approval_policy.items()))
        return Decision(
            events=[(None, "", ApprovalPolicySet(approval_policy=policy, by=by))],
            effective_on=state.today,
        )

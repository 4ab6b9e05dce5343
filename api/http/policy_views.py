"""A ledger's policies as callers see them: who signs, who agrees, how plans count."""

import msgspec
from msgspec import UNSET

from api.http.models.enums import Signatory
from api.http.views import Committed


class PolicyView(msgspec.Struct, kw_only=True):
    ledger: str
    roles: tuple[Signatory, ...]
    pay_bank_code: str
    signing: str
    commit: Committed = UNSET


class PlanPolicyView(msgspec.Struct, kw_only=True):
    """用款计划控制: ``total``, all plans count together, or ``monthly``, each from its month on."""

    ledger: str
    plan_control: str
    commit: Committed = UNSET


class ApprovalPolicyView(msgspec.Struct, kw_only=True):
    """By kind of document, or ``x.*`` for all kinds of x that are not named, the roles that must
    agree, in order; [] is nobody else."""

    ledger: str
    policy: dict[str, tuple[str, ...]]
    commit: Committed = UNSET

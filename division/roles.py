"""Roles 角色: what a person acts as. Which rights a role carries is said by who is asked."""

from collections.abc import Collection

ROLES = (
    "treasury_maker",
    "treasury_checker",
    "unit",
    "unit_checker",
    "finance_first",
    "finance_second",
    "treasury",
    "accountant",
    "accountant_checker",
    "security_officer",
    "auditor",
    "ops",
    "bank",
    "admin",
)


def unknown_roles(roles: Collection[str]) -> list[str]:
    """Those of ``roles`` that do not exist."""
    return [role for role in roles if role not in ROLES]

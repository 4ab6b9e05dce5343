"""Random histories: how a state machine of hypothesis is run against a real ledger."""

from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from psycopg_pool import ConnectionPool


def run_histories(
    machine: type[RuleBasedStateMachine],
    pool: ConnectionPool,
    examples: int,
    steps: int,
    ledgers: str,
) -> None:
    """The same histories in every run, each in a ledger of its own.

    Args:
        ledgers: the attribute of the machine that counts them.
    """
    attributes: dict[str, Any] = {"pool": pool, ledgers: count(2000)}
    run_state_machine_as_test(
        type("Machine", (machine,), attributes),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )

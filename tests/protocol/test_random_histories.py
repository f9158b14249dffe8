"""Whatever happens in a night, it ends as the undisturbed one."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.protocol.machine import Night


def _run(count: int) -> None:
    Night.histories = 0
    how = settings(
        max_examples=count,
        stateful_step_count=40,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Night, settings=how)
    print(f"{Night.histories} histories")
    assert Night.histories >= count


def test_random_histories():
    _run(200)


@pytest.mark.long
def test_many_random_histories():
    _run(2000)

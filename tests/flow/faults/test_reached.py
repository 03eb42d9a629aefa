"""The table of scenarios is complete: a Task state that no scenario reaches would never meet a fault."""

from collections import Counter

from tests.flow.faults.scenarios import REACHED_BY, TWICE
from tests.transient_faults import task_states


def test_every_task_state_has_the_scenario_that_reaches_it():
    reached = Counter(state for states in REACHED_BY.values() for state in states)
    assert reached == {task.id: 1 for task in task_states()}
    assert set(TWICE) <= set(reached)

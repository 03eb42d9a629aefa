"""The tables of faults are complete: a Task state that no scenario reaches, or no test refuses, would never meet one."""

from collections import Counter

from tests.flow.faults.scenarios import REACHED_BY, TWICE
from tests.flow.faults.test_permanent import refused_somewhere
from tests.transient_faults import task_states


def test_every_task_state_has_the_scenario_that_reaches_it():
    reached = Counter(state for states in REACHED_BY.values() for state in states)
    assert reached == {task.id: 1 for task in task_states()}
    assert set(TWICE) <= set(reached)


def test_every_task_state_is_refused_by_a_test_of_permanent_faults():
    assert refused_somewhere() == {task.id for task in task_states()}

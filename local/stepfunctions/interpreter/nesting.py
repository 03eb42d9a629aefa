"""Branches and iterations.

Replaces `InlineIterationComponent._eval_body` (a failed iteration leaves the others running) and wraps
`IterationWorker._eval_job` (iterations are taken by whichever worker is free: their effects belong to their index).
"""

from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import IterationWorker
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import JobPool

from local.stepfunctions.interpreter.scope import ExecutionBroken, Interrupted

# "Concurrent iterations" of an inline Map state.
_MOST_CONCURRENT = 40

_eval_job = IterationWorker._eval_job


def iterations_body(self: Any, env: Any) -> None:
    """For `InlineIterationComponent._eval_body`: the outputs on the stack, in order of the items."""
    given = env.stack.pop()
    pool = JobPool(job_program=self._get_iteration_program(), job_inputs=given.input_items)
    limit = given.max_concurrency or _MOST_CONCURRENT
    for _ in range(min(limit, _MOST_CONCURRENT, len(given.input_items))):
        self._launch_worker(env=env, eval_input=given, job_pool=pool)
    pool.await_jobs()
    fault = pool.get_worker_exception()
    if fault is not None:
        for frame in list(env._frames):
            frame.set_stop(None, None, None)
        raise fault
    env.stack.append([job.job_output for job in pool.get_closed_jobs()])


def iteration(self: Any, env: Any, job: Any) -> None:
    """For `IterationWorker._eval_job`."""
    env.enter(self._env.scope.branch(job.job_index))
    try:
        _eval_job(self, env, job)
    except (Interrupted, ExecutionBroken) as fault:
        # The worker's thread has to close the job, or the Map state waits for it for ever.
        if not isinstance(job.job_output, Exception):
            job.job_output = RuntimeError(f"The iteration was ended: {fault!r}")

"""What must hold once all runs have ended: nothing held, nothing left over, nothing twice."""

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.flow.product import ROOT, Product, Run, until
from tests.flow.releases import lease_comes_free, one_endpoint_each


def is_tidy(product: Product, models: Iterable[str]) -> None:
    """Each model has been released and is at rest."""
    instances = 0
    for model in models:
        lease_comes_free(product, model)
        one_endpoint_each(product, model)
        manifest = json.loads(product.ledger(model)["champion"]["release"]["S"])
        assert product.served_artefact(f"{model}-production") == manifest["model_data_url"]
        for endpoint in product.endpoints(model):
            described = product.sagemaker.describe_endpoint(EndpointName=endpoint["EndpointName"])
            instances += sum(variant["CurrentInstanceCount"] for variant in described["ProductionVariants"])
    # An old fleet is taken away after the endpoint's answer.
    until("one process for each instance", lambda: len(containers(product, models)) == instances)
    serving = {container["pid"] for container in containers(product)}
    until("no other container", lambda: container_processes(product.cloud.process.pid) == serving)


def every_mail_came_once(product: Product, runs: Iterable[Run]) -> None:
    """Each run's end was told once, and each of its questions was asked once."""
    runs = list(runs)
    mails = [mail for mail in product.mails() if any(run.id in mail.text for run in runs)]
    twice = {mail: count for mail, count in Counter(mails).items() if count > 1}
    assert not twice, [mail.subject for mail in twice]
    for run in runs:
        told = [mail.subject for mail in run.outcome_mails()]
        assert len(told) == 1, (run.id, told)


def containers(product: Product, models: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """The serving containers that the cloud knows of, of all models or of these."""
    found: list[dict[str, Any]] = product.page("containers")["containers"]
    of = None if models is None else {f"{model}-{stage}" for model in models for stage in ("development", "production")}
    return [each for each in found if of is None or each["endpoint"] in of]


def container_processes(cloud: int) -> set[int]:
    """The first process of each container of a cloud, found in the machine's own table of processes."""
    below = descendants(cloud)
    return {process for process, parent in below.items() if "nursery" in command(parent) and _leads_a_session(process)}


def descendants(process: int) -> dict[int, int]:
    """All processes that come from one, each with its parent; without those that have ended and wait to be noticed."""
    parents = _parents()
    found: dict[int, int] = {}
    new = {process}
    while new:
        new = {child for child, parent in parents.items() if parent in new and child not in found}
        found |= {child: parents[child] for child in new}
    return found


def command(process: int) -> str:
    """What a process was started as; "" when it has ended."""
    try:
        return os.fsdecode(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return ""


def _leads_a_session(process: int) -> bool:
    try:
        return os.getsid(process) == process
    except ProcessLookupError:
        return False


def _parents() -> dict[int, int]:
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, fields = status.read_text().rpartition(") ")
        except OSError:
            continue  # it has ended meanwhile
        state, parent = fields.split()[:2]
        if state != "Z":
            parents[int(name.split()[0])] = int(parent)
    return parents


def orphans() -> set[int]:
    """Containers, nurseries and functions' workers of this worktree whose cloud is gone."""
    parents = _parents()
    ours = {
        process for process in parents if str(ROOT / "local") in command(process) or " -m container" in command(process)
    }
    return {process for process in ours if not _has_a_cloud(process, parents)}


def _has_a_cloud(process: int, parents: dict[int, int]) -> bool:
    while process in parents:
        process = parents[process]
        if command(process).endswith("\0-m\0local\0"):
            return True
    return False

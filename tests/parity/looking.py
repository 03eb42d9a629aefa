"""One case, looked at from all sides."""

import time
from dataclasses import asdict, dataclass, field

import numpy as np

from container.predictor import MODEL_FILE
from container.training.agreement import Agreement, compare_all
from container.training.faults import ExportDiffers
from container.training.graph import GRAPH_FILE
from tests.bench.training.measured import peak_mb
from tests.parity.cases import CASES, Case, fit_case
from tests.parity.rows import RowMaker


@dataclass
class Coverage:
    """What rows reached, by the library's own account."""

    targets: int = 0
    """Pairs of node and value (the threshold, an ulp below or above it, missing) that any row can reach."""
    of_missing: int = 0
    unreachable: int = 0
    """Pairs that none can: the way to the node, or the end of the finite numbers, excludes the value."""
    reached: int = 0

    @property
    def share(self) -> float:
        """Of what can be reached."""
        return self.reached / self.targets if self.targets else 1.0


@dataclass
class Finding:
    """What came out."""

    case: str
    seed: int
    trees: int
    nodes: int
    """Those that split."""
    coverage: Coverage
    agreement: Agreement = field(default_factory=Agreement)
    """Of what is served."""
    worst_of_graph: float = 0.0
    """The graph's largest difference; where its answers differ by more than they may, there is no finding."""
    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0

    def record(self) -> dict[str, object]:
        """As it is written down."""
        return {**asdict(self), "coverage": {**asdict(self.coverage), "share": self.coverage.share}}


def look(case: Case, seed: int, minimum_rows: int, *, quick: bool = False) -> Finding:
    """Fit the case, make rows that reach every threshold of it, and compare what is exported with the estimator on each.

    Raises:
        ExportDiffers: on some row an export gives another answer.
    """
    began = time.process_time()
    subject = fit_case(case, seed, quick=quick)
    maker = RowMaker(subject.ensemble, subject.table, seed)
    coverage = Coverage(
        targets=maker.target_count,
        of_missing=sum(plan.targets.of_missing for plan in maker.plans),
        unreachable=sum(plan.targets.unreachable for plan in maker.plans),
    )
    reached = [np.zeros(len(plan.targets.node), dtype=bool) for plan in maker.plans]
    nodes = sum(int((~tree.is_leaf & tree.is_reached).sum()) for tree in subject.ensemble.trees)
    finding = Finding(case.name, seed, len(subject.ensemble.trees), nodes, coverage)
    for batch in maker.batches(minimum_rows):
        plan = batch.plan
        leaves = subject.leaves(plan.number, batch.rows)
        arrived = plan.paths.leads_to(plan.targets.node[batch.places], leaves)
        reached[plan.number][batch.places[arrived]] = True
        agreements = compare_all(subject.estimator, subject.exported, batch.rows)
        finding.agreement += agreements[MODEL_FILE]
        finding.worst_of_graph = max(finding.worst_of_graph, agreements[GRAPH_FILE].worst)
    coverage.reached = sum(int(one.sum()) for one in reached)
    finding.cpu_seconds = round(time.process_time() - began, 1)
    finding.peak_memory_mb = round(peak_mb())
    return finding


def look_at(number: int, seed: int, rows: int) -> Finding | str:
    """The finding about `CASES[number]`; the fault where an export differs."""
    try:
        return look(CASES[number], seed, rows)
    except ExportDiffers as fault:
        return f"{CASES[number].name}: {fault}"

"""Measures everything and writes `build/bench-serving.json`; `--table` makes the tables of docs/serving.md of it."""

import argparse
import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from infra.project import PROJECT
from tests.bench.serving import batch
from tests.bench.serving.datasets import Dataset, prepare
from tests.bench.serving.load import CONNECTIONS, compile_generator
from tests.bench.serving.machine import machine, versions
from tests.bench.serving.rounds import Times, at_half_rate, started, take_turns
from tests.bench.serving.single_row import study
from tests.bench.serving.stacks import Stack, stacks
from tests.bench.serving.table import filled, tables

REPORT = PROJECT.built / "bench-serving.json"
GUIDE = PROJECT.root / "docs" / "serving.md"
DATASETS = ("breast cancer", "iris", "synthetic")
QUICK = Times(rounds=1, warm_up=0.2, closed=1.0, open=3.0, batches=1, study=0.3)


def main() -> int:
    """Measure, print, write; or only put into the guide what was written."""
    options = _options()
    if options.table:
        content = tables(json.loads(REPORT.read_text()))
        GUIDE.write_text(filled(GUIDE.read_text(encoding="utf-8"), content), encoding="utf-8")
        print(f"{content}\n\nWritten into {PROJECT.told(GUIDE)}")
        return 0
    # Whoever ends this run, by whatever signal, ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    begun = time.monotonic()
    times = QUICK if options.quick else Times(options.rounds, closed=options.seconds, open=options.open_seconds)
    compile_generator()
    report: dict[str, Any] = {"machine": machine(), "versions": versions(), "times": asdict(times)}
    report |= {"connections": CONNECTIONS, "quick": options.quick}
    report |= {name: [] for name in ("rows", "failures", "half_rate", "batch", "single_row")}
    for _ in _measure(report, options.dataset or list(DATASETS), options.stack, times):
        # After each part: one that breaks off leaves the others.
        report["took_seconds"] = time.monotonic() - begun
        REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\n{tables(report)}\n\nWritten to {PROJECT.told(REPORT)} after {report['took_seconds']:.0f} s")
    return 0


def _options() -> argparse.Namespace:
    times = Times()
    options = argparse.ArgumentParser(prog="make bench-serving")
    options.add_argument("--table", action="store_true", help="write the tables of the last run into docs/serving.md")
    options.add_argument("--quick", action="store_true", help="try everything out; the figures mean nothing")
    options.add_argument("--rounds", type=int, default=times.rounds)
    options.add_argument("--seconds", type=float, default=times.closed, help="of each stack in each round")
    options.add_argument("--open-seconds", type=float, default=times.open, help="of each stack at half a peer's rate")
    options.add_argument("--dataset", action="append", choices=DATASETS, help="only this one; may be given again")
    options.add_argument("--stack", action="append", help="only stacks with this in their name; may be given again")
    return options.parse_args()


def _measure(report: dict[str, Any], names: list[str], wanted: list[str] | None, times: Times) -> Iterator[None]:
    """Fill the report, part by part."""
    asked = [stack for stack in stacks() if not wanted or any(word in stack.name for word in wanted)]
    datasets = []
    for name in names:
        print(f"\n{name}: training", flush=True)
        datasets.append(prepare(name))
        _measure_single_rows(report, datasets[-1], asked, times, first=name == names[0])
        yield
    print(f"\n{names[0]}: bodies of 6 MB", flush=True)
    report["batch"], left_out = batch.measure(datasets[0], times)
    report["failures"] += left_out
    yield
    print(f"\n{names[0]}: ONNX Runtime and a single row", flush=True)
    report["single_row"] = study(datasets[0], times.rounds, times.study)
    yield


def _measure_single_rows(
    report: dict[str, Any], dataset: Dataset, asked: list[Stack], times: Times, *, first: bool
) -> None:
    with contextlib.ExitStack() as held:
        answering, failures = started(asked, dataset, held)
        failures += take_turns(answering, times)
        report["rows"] += [one.row(dataset.name) for one in answering]
        if first:
            report["half_rate"], broken = at_half_rate(answering, times)
            failures += broken
        report["failures"] += failures


if __name__ == "__main__":
    sys.exit(main())

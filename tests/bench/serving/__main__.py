"""Measures everything and writes `build/bench-serving.json`; `--table` makes the tables of docs/serving.md of it."""

import argparse
import contextlib
import json
import signal
import sys
import time
from dataclasses import asdict

from infra.project import PROJECT
from tests.bench.serving import batch
from tests.bench.serving.datasets import Dataset, prepare
from tests.bench.serving.load import CONNECTIONS, compile_generator
from tests.bench.serving.machine import machine, versions
from tests.bench.serving.rounds import Times, at_half_rate, started, take_turns
from tests.bench.serving.single_row import study
from tests.bench.serving.stacks import stacks
from tests.bench.serving.table import filled, tables

REPORT = PROJECT.built / "bench-serving.json"
GUIDE = PROJECT.root / "docs" / "serving.md"
DATASETS = ("breast cancer", "iris", "synthetic")
# What is measured once only is measured on this one.
FIRST = DATASETS[0]
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
    report: dict[str, object] = {"machine": machine(), "versions": versions(), "times": asdict(times)}
    report |= {"connections": CONNECTIONS, "quick": options.quick}
    report |= _measure(options.dataset or list(DATASETS), options.stack, times)
    report["took_seconds"] = time.monotonic() - begun
    REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
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


def _measure(names: list[str], wanted: list[str] | None, times: Times) -> dict[str, object]:
    rows, failures, half_rate = [], [], []
    first: Dataset | None = None
    for name in names:
        print(f"\n{name}: training", flush=True)
        dataset = prepare(name)
        first = first or dataset
        asked = [stack for stack in stacks() if not wanted or any(word in stack.name for word in wanted)]
        with contextlib.ExitStack() as held:
            answering, left_out = started(asked, dataset, held)
            failures += left_out + take_turns(answering, times)
            rows += [one.row(name) for one in answering]
            if dataset is first:
                half_rate = at_half_rate(answering, times)
    assert first
    print(f"\n{first.name}: bodies of 6 MB", flush=True)
    batches, left_out = batch.measure(first, times)
    print(f"\n{first.name}: ONNX Runtime and a single row", flush=True)
    return {
        "rows": rows,
        "failures": failures + left_out,
        "half_rate": half_rate,
        "batch": batches,
        "single_row": study(first, times.study),
    }


if __name__ == "__main__":
    sys.exit(main())

"""`make bench-load`: what a call costs the load generator beside boto3's threads, against one server, in turns.

The server has a process of its own and looks at each signature. Processor time is that of the generators' processes,
with the start of ours and without that of boto3's: build/bench-load.json.
"""

import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator

from infra.project import PROJECT
from load.endpoint import Endpoint, Question
from load.schedule import Level
from load.traffic import Traffic
from tests.load.conftest import StubSession

REPORT = PROJECT.built / "bench-load.json"
ROUNDS, THREADS = 3, 32
OUR_CALLS, THEIR_CALLS = 40_000, 4_000
ROW, ANSWER = "4.6,3.1,1.5,0.2", "1"
WANTED_RATIO = 5.0


def main() -> int:
    """Measure, print, write; 1 when it is not as many times boto3's as it should be."""
    ours, theirs = [], []
    with _server() as url:
        for _ in range(ROUNDS):
            ours.append(_ours(url))
            theirs.append(_theirs(url))
            print(f"calls per CPU second: {ours[-1]:9,.0f} ours, {theirs[-1]:9,.0f} boto3's threads", flush=True)
    ratio = statistics.median(ours) / statistics.median(theirs)
    report = {"calls_per_cpu_second": {"ours": ours, "boto3 threads": theirs}, "ratio": ratio, "threads": THREADS}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report | {"wanted_ratio": WANTED_RATIO}, indent=1) + "\n", encoding="utf-8")
    print(f"{ratio:.1f} times as many (median of {ROUNDS}; wanted: {WANTED_RATIO:.0f}). {PROJECT.told(REPORT)}")
    return 0 if ratio >= WANTED_RATIO else 1


def _ours(url: str) -> float:
    asked = Endpoint.of(StubSession(url), "iris", [Question(ROW, ANSWER)])
    with Traffic(Level(THREADS, OUR_CALLS), asked) as traffic:
        traffic.wait()
    recording = traffic.recording
    if recording.answered != OUR_CALLS or not recording.cpu_seconds:
        raise RuntimeError(f"{recording.answered} of {OUR_CALLS} were answered: {recording.failures}")
    return OUR_CALLS / recording.cpu_seconds


def _theirs(url: str) -> float:
    command = [sys.executable, "-m", "tests.bench.load_callers", url, str(THREADS), str(THEIR_CALLS), ROW, ANSWER]
    found = json.loads(subprocess.run(command, check=True, cwd=PROJECT.root, stdout=subprocess.PIPE).stdout)
    if found["right"] != THEIR_CALLS:
        raise RuntimeError(f"boto3 had {found['right']} right answers of {THEIR_CALLS}")
    return float(THEIR_CALLS / found["cpu"])


@contextlib.contextmanager
def _server() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.load.stub", "0"]
    with subprocess.Popen(command, cwd=PROJECT.root, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline() if server.stdout else 0)}"
        finally:
            server.kill()


if __name__ == "__main__":
    sys.exit(main())

"""`make local`: keeps the embedded cloud up with the product deployed in it, and says how to reach it."""

import os
import signal
import sys
import threading
from pathlib import Path

from infra.app import EXPLAINED as SYNTHESIS_FAULTS
from infra.project import PROJECT
from infra.synthesise import synthesise
from local.configuration import Configuration, InvalidConfiguration
from local.demo.iris import write_iris
from local.deployer import DeploymentFailed
from local.launch import CloudNotReady, RunningCloud, deploy_product, running_cloud

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "build" / "local"
EXPLAINED = (
    *SYNTHESIS_FAULTS,
    InvalidConfiguration,
    CloudNotReady,
    DeploymentFailed,
)


def main() -> int:
    """Run until interrupted; everything is kept in build/local for the next time."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        configuration = Configuration.from_environment({"STATE_DIR": str(STATE / "state"), **os.environ})
        synthesise(PROJECT)
        print("Starting the embedded cloud …", flush=True)
        with running_cloud(configuration, STATE / "cloud.log") as cloud:
            deploy_product(cloud, lambda stack: print(f"  deployed {stack}", flush=True))
            write_iris(ROOT / "build" / "iris.csv")
            print(directions(cloud), flush=True)
            while not stopped.wait(0.5):
                if cloud.process.poll() is not None:
                    raise CloudNotReady(f"the embedded cloud ended by itself; its log: {STATE / 'cloud.log'}")
            print("\nStopping; what is there is kept in build/local.")
    except EXPLAINED as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


def directions(cloud: RunningCloud) -> str:
    """The lines to export in another terminal, and what to try there."""
    exports = "\n".join(f"  export {name}={value}" for name, value in cloud.environment().items())
    return f"""
The embedded cloud answers at {cloud.endpoint}. In another terminal:

{exports}

then, for instance:

  make drop MODEL=iris-model DATASET=build/iris.csv
  make runs
  aws stepfunctions list-state-machines
  aws s3 ls

Mails: {cloud.endpoint}/_cloud/mails     Log: build/local/cloud.log     Ctrl-C stops it."""


if __name__ == "__main__":
    sys.exit(main())

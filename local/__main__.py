"""`python -m local`: the embedded cloud in the foreground. Settings come from the environment (local/configuration.py)."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from local.compat import Incompatible
from local.configuration import Configuration, InvalidConfiguration
from local.occupancy import Occupied
from local.server import announce, run


def main() -> int:
    """Run until stopped; the exit status is 0 after a clean stop, 1 when the cloud could not start."""
    parser = argparse.ArgumentParser(prog="python -m local", description="The embedded cloud, in the foreground.")
    parser.add_argument("--bootstrap-template", type=Path, help="CDK bootstrap template to deploy after the start")
    arguments = parser.parse_args()
    try:
        configuration = Configuration.from_environment(os.environ)
        if arguments.bootstrap_template:
            configuration = replace(configuration, bootstrap_template=arguments.bootstrap_template.resolve())
        run(configuration, announce)
    except (InvalidConfiguration, Occupied, Incompatible) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

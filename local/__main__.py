"""`python -m local`: the embedded cloud in the foreground, told by its environment (local/configuration.py)."""

import argparse
import os
import sys
import traceback
from dataclasses import replace
from pathlib import Path

from local.compat import Incompatible
from local.configuration import Configuration, InvalidConfiguration
from local.faults.orders import InvalidOrder
from local.occupancy import Occupied
from local.server import announce, run


def main() -> int:
    """Run until stopped: ends the process with status 0. Returns 1 when the cloud could not start."""
    parser = argparse.ArgumentParser(prog="python -m local", description="The embedded cloud, in the foreground.")
    parser.add_argument("--bootstrap-template", type=Path, help="CDK bootstrap template to deploy after the start")
    arguments = parser.parse_args()
    try:
        configuration = Configuration.from_environment(os.environ)
        if arguments.bootstrap_template:
            configuration = replace(configuration, bootstrap_template=arguments.bootstrap_template.resolve())
        run(configuration, announce)
    except (InvalidConfiguration, InvalidOrder, Occupied, Incompatible) as fault:
        print(fault, file=sys.stderr)
        return 1
    except Exception:  # a fault of ours: it must end the process too, whatever its threads wait for
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(2)
    # Everything is saved and every child ended; what is left are threads that wait for something that cannot come.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())

"""Entry point for the CDK: `python3 -m infra.app` writes the cloud assembly to $CDK_OUTDIR, else build/cloud-assembly.

The functions are staged anew each time, which is quick. The layers are only checked, because making them asks a
package index: `python3 -m infra.synthesise` makes them.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from contracts.settings import InvalidSettings, load_all_settings
from infra.deployment import load_deployment
from infra.node import use_node
from infra.project import PROJECT, CannotSynthesise, Project, alone
from infra.staging import check_layers, stage_functions
from statemachine.loader import InvalidDefinition

# Faults whose message is all that a person needs.
EXPLAINED = (CannotSynthesise, InvalidSettings, InvalidDefinition)


def synthesise_app(project: Project, outdir: Path, ready_layers: Callable[[Project], object] = check_layers) -> None:
    """Stage the functions and write the cloud assembly. What is cheap to check comes first.

    Raises:
        CannotSynthesise, InvalidSettings, InvalidDefinition: a person has to mend something; the message says what.
    """
    deployment = load_deployment(project.deployment_file)
    models = load_all_settings(project.models)
    use_node()
    ready_layers(project)
    stage_functions(project)
    # Imported late: the CDK takes seconds to import, and a missing Node.js would end that in a traceback.
    from infra.composition import compose  # noqa: PLC0415

    compose(project, deployment, models, outdir).synth()


def main(project: Project = PROJECT) -> int:
    """Exit status: 0, or 1 after explaining on stderr what is wrong."""
    try:
        with alone(project):
            synthesise_app(project, Path(os.environ.get("CDK_OUTDIR") or project.assembly))
    except EXPLAINED as fault:
        print(project.told(fault), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Makes the state machines from their definitions."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.deployment import Deployment
from infra.log_groups import log_group
from infra.names import machine_log_group
from infra.project import CannotSynthesise
from statemachine.loader import load_definition, placeholders


def state_machine(
    scope: Construct, definition: Path, role: iam.Role, values: Mapping[str, str | None], deployment: Deployment
) -> sfn.StateMachine:
    """A Standard machine that logs everything but data. It bears the name of its definition's file.

    What a definition says with a placeholder whose value is None is left out of it.

    Raises:
        CannotSynthesise: the definition has a placeholder for which there is no value.
        statemachine.loader.InvalidDefinition: the definition breaks a rule.
    """
    known = {key: value for key, value in values.items() if value is not None}
    text = load_definition(definition, values.keys() - known.keys())
    used = placeholders(text)
    unknown = sorted(used - known.keys())
    if unknown:
        raise CannotSynthesise(f"{definition.name}: there is no value for the placeholder {', '.join(unknown)}")
    name = definition.name.removesuffix(".asl.yaml")
    construct = "".join(word.title() for word in name.split("-"))
    return sfn.StateMachine(
        scope,
        construct,
        state_machine_name=name,
        state_machine_type=sfn.StateMachineType.STANDARD,
        # Inline: a definition given as a file becomes an S3 object that linters, snapshots and diffs cannot see.
        definition_body=sfn.DefinitionBody.from_string(text),
        definition_substitutions={key: known[key] for key in sorted(used)},
        role=role.without_policy_updates(),
        tracing_enabled=True,
        logs=sfn.LogOptions(
            destination=log_group(scope, f"{construct}Logs", machine_log_group(name), deployment),
            level=sfn.LogLevel.ALL,
            # Payloads hold task tokens and rows of data.
            include_execution_data=False,
        ),
    )

"""A parameter of an endpoint's stack that says whether a part of it is there, and the condition that follows."""

from aws_cdk import CfnCondition, CfnParameter, Fn
from constructs import Construct


def switch(scope: Construct, parameter: str, condition: str, description: str) -> CfnCondition:
    """The condition; it holds unless somebody says "false"."""
    asked = CfnParameter(
        scope, parameter, type="String", allowed_values=["true", "false"], default="true", description=description
    )
    return CfnCondition(scope, condition, expression=Fn.condition_equals(asked.value_as_string, "true"))

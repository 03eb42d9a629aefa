"""What Lambda unpacks before it starts a function."""

from infra.project import PROJECT
from tests.infra.template import Template

# "Deployment package (.zip file archive) size: 250 MB unzipped … including layers", Lambda's quotas; in bytes as the
# API's refusal says it.
LARGEST_UNPACKED_BYTES = 262_144_000


def unpacked_bytes(content: dict) -> int:
    folder = PROJECT.assembly / f"asset.{content['S3Key'].removesuffix('.zip')}"
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_each_function_and_its_layers_fit_into_lambda(workflow: Template) -> None:
    layers = {
        name: unpacked_bytes(resource["Properties"]["Content"])
        for name, resource in workflow.of_type("AWS::Lambda::LayerVersion").items()
    }
    assert max(layers.values()) > 100_000_000  # the compiled libraries are really in there
    functions = workflow.of_type("AWS::Lambda::Function")
    assert functions
    for function in functions.values():
        own = unpacked_bytes(function["Properties"]["Code"])
        assert own + sum(layers[layer["Ref"]] for layer in function["Properties"]["Layers"]) < LARGEST_UNPACKED_BYTES

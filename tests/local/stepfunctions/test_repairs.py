"""The private parts that are touched exist, and importing them costs and disturbs little."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from local.stepfunctions import TOUCHED
from local.stepfunctions.interpreter import repairs

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("symbol", [symbol for symbol in TOUCHED if symbol.startswith("moto.")])
def test_every_touched_part_of_moto_exists(symbol: str) -> None:
    owner, name = repairs.resolve(symbol)
    # Some are annotated on the class and set on its instances.
    assert hasattr(owner, name) or name in getattr(owner, "__annotations__", {})


def test_every_replacement_is_in_place() -> None:
    repairs.apply()
    for symbol, replacement in repairs.REPLACED.items():
        owner, name = repairs.resolve(symbol)
        assert getattr(owner, name).__module__ == f"local.stepfunctions.interpreter.{replacement.partition(':')[0]}", symbol


def _python(code: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_rest_of_moto_is_not_imported() -> None:
    seen = _python(
        "import json, sys\n"
        "from local.stepfunctions.interpreter import repairs\n"
        "repairs.apply()\n"
        "names = sorted({'.'.join(m.split('.')[:2]) for m in sys.modules if m.startswith('moto.')})\n"
        "print(json.dumps({'names': names, 'moto': 'moto' in sys.modules, 'modules': len(sys.modules)}))"
    )
    assert "moto.ec2" not in seen["names"]
    assert "moto.batch" not in seen["names"]
    assert seen["moto"] is False


def test_who_imports_moto_gets_the_real_one() -> None:
    seen = _python(
        "import json, boto3\n"
        "from local.stepfunctions.interpreter import repairs\n"
        "repairs.apply()\n"
        "from moto import mock_aws\n"
        "with mock_aws():\n"
        "    bucket = boto3.client('s3', 'us-east-1', aws_access_key_id='a', aws_secret_access_key='b')\n"
        "    bucket.create_bucket(Bucket='b')\n"
        "    print(json.dumps({'buckets': len(bucket.list_buckets()['Buckets'])}))"
    )
    assert seen == {"buckets": 1}


def test_a_moto_that_is_there_already_is_repaired_too() -> None:
    seen = _python(
        "import json\n"
        "import moto.stepfunctions.parser.models\n"
        "from local.stepfunctions.definition import program\n"
        "text = json.dumps({'QueryLanguage': 'JSONata', 'StartAt': 'T', 'States': {'T': {'Type': 'Task', 'Resource':"
        " 'arn:aws:states:::sagemaker:createTrainingJob.sync', 'Arguments': {'TrainingJobName': 'x'}, 'End': True}}})\n"
        "print(json.dumps({'kind': type(program(text).states.states['T']).__name__}))"
    )
    assert seen == {"kind": "ServiceTask"}

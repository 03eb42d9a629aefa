"""The private parts that are touched exist, and importing them costs and disturbs little."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from local import compat
from local.stepfunctions import TOUCHED, TOUCHED_SYMBOLS, repairs

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
        assert getattr(owner, name).__module__ == f"local.stepfunctions.interpreter.{replacement.partition(':')[0]}", (
            symbol
        )


def test_the_check_at_the_start_finds_them_all() -> None:
    assert compat.missing_symbols(TOUCHED_SYMBOLS) == []


def _python(code: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_rest_of_moto_is_not_imported_until_somebody_wants_it() -> None:
    seen = _python(
        "import json, sys\n"
        "import local.stepfunctions\n"
        "at_first = [name for name in sys.modules if name.startswith('moto')]\n"
        "from local.stepfunctions import repairs\n"
        "repairs.apply()\n"
        "names = sorted({'.'.join(name.split('.')[:2]) for name in sys.modules if name.startswith('moto')})\n"
        "import boto3\n"
        "from moto import mock_aws\n"
        "with mock_aws():\n"
        "    s3 = boto3.client('s3', 'us-east-1', aws_access_key_id='a', aws_secret_access_key='b')\n"
        "    s3.create_bucket(Bucket='a-bucket')\n"
        "    print(json.dumps({'at_first': at_first, 'names': names, 'buckets': len(s3.list_buckets()['Buckets'])}))"
    )
    assert seen["at_first"] == []
    assert not {"moto", "moto.ec2", "moto.batch"} & set(seen["names"])
    assert seen["buckets"] == 1


def test_a_moto_that_is_there_already_is_repaired_too() -> None:
    seen = _python(
        "import json\n"
        "import moto.stepfunctions\n"
        "from local.stepfunctions.definition import program\n"
        "text = json.dumps({'QueryLanguage': 'JSONata', 'StartAt': 'T', 'States': {'T': {'Type': 'Task', 'Resource':"
        " 'arn:aws:states:::sagemaker:createTrainingJob.sync', 'Arguments': {'TrainingJobName': 'x'}, 'End': True}}})\n"
        "print(json.dumps({'kind': type(program(text).states.states['T']).__name__}))"
    )
    assert seen == {"kind": "ServiceTask"}

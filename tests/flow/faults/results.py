"""What must be there after a run, once and once only, however often its calls were made."""

import json
from collections import Counter
from collections.abc import Sequence

from infra.deployment import load_deployment
from local.demo.iris import KNOWN_ROWS
from local.demo.mail import Mail, approval_link
from tests.flow.product import ROOT, Product, Run, until

ROWS = "\n".join(KNOWN_ROWS)
OWNERS = ["ml-team@example.com"]
OPERATORS = list(load_deployment(ROOT / "infra" / "deployment.toml").operators)
_APPROVERS = ["release-approvers@example.com"]


def released_once(product: Product, run: Run, *, number: int = 1, runs: int = 1, jobs: int = 0) -> None:
    """Model Deployed with one of everything; `number` is the release's, `runs` how many runs of the model there were.

    `jobs` is how many training jobs they have begun, when that is more.
    """
    model = json.loads(run.describe()["input"])["detail"]["object"]["key"].split("/")[1]
    until("the lease to be free", lambda: product.lease_is_free(model))
    assert claims(product, run) == [run.arn]
    assert len(training_jobs(product, model)) == (jobs or runs)
    packages = product.sagemaker.list_model_packages(ModelPackageGroupName=model)["ModelPackageSummaryList"]
    assert len(packages) == runs
    assert [each["ModelPackageVersion"] for each in packages if each["ModelApprovalStatus"] == "Approved"] == [number]
    one_endpoint_each(product, model)
    ledger = product.ledger(model)
    release = json.loads(ledger["champion"]["release"]["S"])
    assert (release["run"], release["number"]) == (run.arn, number)
    assert ledger[f"release#{number:06}"]["release"] == ledger["champion"]["release"]
    assert product.sha256(product.served_artefact(f"{model}-production")) == product.sha256(release["model_data_url"])
    assert product.predict(f"{model}-production", ROWS) == list(KNOWN_ROWS.values())
    asked_once(product, run)
    told_once(product, run)


def one_endpoint_each(product: Product, model: str) -> None:
    """One endpoint for development and one for production, which has one target and one policy."""
    found = product.sagemaker.list_endpoints(NameContains=model, MaxResults=100)["Endpoints"]
    assert sorted(each["EndpointName"] for each in found) == [f"{model}-development", f"{model}-production"]
    assert {each["EndpointStatus"] for each in found} == {"InService"}
    client = product.client("application-autoscaling")
    scaling = {
        "targets": client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"],
        "policies": client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"],
    }
    mine = {
        kind: [each for each in all_of_kind if f"/{model}-production/" in each["ResourceId"]]
        for kind, all_of_kind in scaling.items()
    }
    assert {kind: len(found) for kind, found in mine.items()} == {"targets": 1, "policies": 1}


def claims(product: Product, run: Run) -> list[str]:
    """Who has claimed the run's dataset version."""
    detail = json.loads(run.describe()["input"])["detail"]
    bucket, stored = detail["bucket"]["name"], detail["object"]
    found = product.client("dynamodb").query(
        TableName="mlops-ledger",
        KeyConditionExpression="pk = :claim",
        ExpressionAttributeValues={":claim": {"S": f"dataset#{bucket}/{stored['key']}#{stored['version-id']}"}},
    )
    return [item["execution_arn"]["S"] for item in found["Items"]]


def training_jobs(product: Product, model: str) -> list[str]:
    listed = product.sagemaker.list_training_jobs(NameContains=model, MaxResults=100)["TrainingJobSummaries"]
    return [job["TrainingJobName"] for job in listed]


def asked_once(product: Product, run: Run) -> None:
    """One question to each approver. SES cannot tell a repeated call, so the same mail may have come twice."""
    asking = [mail for mail in product.mails() if mail.asks and mail.release == run.release()]
    assert {mail.to: links for mail in asking for links in [_links(asking, mail)]} == {
        (approver,): 1 for approver in _APPROVERS
    }


def _links(asking: list[Mail], mail: Mail) -> int:
    return len({approval_link(other.text) for other in asking if other.to == mail.to})


def told_once(product: Product, run: Run, whom: Sequence[str] = OWNERS) -> None:
    """One mail about the end to each of them, and no other; see `asked_once` about copies."""
    mails = [mail for mail in product.mails() if run.id in mail.text and not mail.asks]
    assert Counter(mail.to for mail in set(mails)) == {(person,): 1 for person in whom}

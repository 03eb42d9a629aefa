"""What must be there after a run, once and once only, however often its calls were made."""

import json
from collections import Counter
from collections.abc import Sequence

from infra.deployment import load_deployment
from local.demo.iris import KNOWN_ROWS
from local.demo.mail import Mail, approval_link
from tests.flow.product import ROOT, Product, Run
from tests.flow.releases import lease_comes_free, one_endpoint_each

ROWS = "\n".join(KNOWN_ROWS)
OWNERS = ["ml-team@example.com"]
OPERATORS = list(load_deployment(ROOT / "infra" / "deployment.toml").operators)
_APPROVERS = ["release-approvers@example.com"]


def released_once(product: Product, run: Run, *, number: int = 1, runs: int = 1, jobs: int = 0) -> None:
    """Model Deployed with one of everything; `number` is the release's, `runs` how many runs of the model there were.

    `jobs` is how many training jobs they have begun, when that is more.
    """
    model = json.loads(run.describe()["input"])["detail"]["object"]["key"].split("/")[1]
    lease_comes_free(product, model)
    assert claims(product, run) == [run.arn]
    assert len(training_jobs(product, model)) == (jobs or runs)
    packages = product.packages(model)
    assert len(packages) == runs
    assert [each for each, status in packages.items() if status == "Approved"] == [number]
    one_endpoint_each(product, model)
    ledger = product.ledger(model)
    release = json.loads(ledger["champion"]["release"]["S"])
    assert (release["run"], release["number"]) == (run.arn, number)
    assert ledger[f"release#{number:06}"]["release"] == ledger["champion"]["release"]
    assert product.sha256(product.served_artefact(f"{model}-production")) == product.sha256(release["model_data_url"])
    assert product.predict(f"{model}-production", ROWS) == list(KNOWN_ROWS.values())
    asked_once(product, run)
    told_once(run)


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


def told_once(run: Run, whom: Sequence[str] = OWNERS) -> None:
    """One mail about the end to each of them, and no other; see `asked_once` about copies."""
    assert Counter(mail.to for mail in set(run.outcome_mails())) == {(person,): 1 for person in whom}

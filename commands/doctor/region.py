"""Does the region have every service?"""

from collections.abc import Iterator

from commands.doctor.finding import Finding, Patient, ok, warning

SERVICES = (
    "cloudformation",
    "cloudwatch",
    "codebuild",
    "codepipeline",
    "dynamodb",
    "ecr",
    "events",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sagemaker",
    "sesv2",
    "sns",
    "sqs",
    "ssm",
    "stepfunctions",
)
"""By the names of the SDK."""


def check_region(patient: Patient) -> Iterator[Finding]:
    """The SDK's own list of regions; it may be older than the region, so a gap is no proof."""
    session, region = patient.account.session, patient.account.region
    partition = session.get_partition_for_region(region)
    missing = [service for service in SERVICES if region not in session.get_available_regions(service, partition)]
    if missing:
        yield warning(
            f"the SDK knows no {', '.join(missing)} in {region}",
            "Look the region up in AWS's list of regional services, or deploy to another one.",
        )
    else:
        yield ok(f"{region} has all {len(SERVICES)} services")

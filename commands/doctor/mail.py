"""Do mails leave, and do they arrive?"""

from collections.abc import Iterator
from typing import Any

from commands.doctor.finding import Finding, Patient, fault, ok

# Set aside for examples and tests (RFC 2606): nobody has an address there.
_RESERVED = ("example.com", "example.net", "example.org", "example", "test", "invalid", "localhost")


def check_mail(patient: Patient) -> Iterator[Finding]:
    """SES sends from the sender, and takes every recipient; or SNS does, and everybody has confirmed it."""
    if patient.deployment.mails_by_sns:
        yield from _subscriptions(patient)
        return
    ses = patient.account.client("sesv2")
    account = ses.get_account()
    if not account.get("SendingEnabled", True):
        yield fault("SES has paused sending from this account", "Look at its reputation in the console of SES.")
    yield from _sender(ses, patient.deployment.sender)
    yield from _placeholders(patient)
    if account.get("ProductionAccessEnabled", False):
        yield ok("SES sends to everybody")
    else:
        yield from _recipients(ses, patient)


def recipients(patient: Patient) -> list[str]:
    """Everybody whom any setting names: operators, owners, approvers."""
    people = set(patient.deployment.operators)
    for model in patient.models.values():
        people |= {*model.owners, *model.approval.approvers, model.approval.escalation or ""}
    return sorted(people - {""})


def _subscriptions(patient: Patient) -> Iterator[Finding]:
    """Without a sender: a person who has not confirmed is never asked, and nobody hears of that."""
    sns, topic = patient.account.client("sns"), f":{patient.account.names.people_topic}"
    pages = sns.get_paginator("list_subscriptions").paginate()
    ours = [each for page in pages for each in page["Subscriptions"] if each["TopicArn"].endswith(topic)]
    reached = {each["Endpoint"].lower() for each in ours if each["SubscriptionArn"].startswith("arn:")}
    deaf = [person for person in recipients(patient) if person.lower() not in reached]
    if deaf:
        yield fault(
            f"{', '.join(deaf)} did not confirm the subscription to {topic[1:]}, and so is neither asked nor told",
            "Have them follow the link in the mail from AWS Notifications. Who lost it is mailed another by: aws sns "
            f"subscribe --protocol email --topic-arn <that of {topic[1:]}> --notification-endpoint <address> "
            '--attributes \'{"FilterPolicy": "{\\"recipient\\": [\\"<address>\\"]}"}\'.',
        )
    else:
        yield ok(f"{len(reached)} subscriptions to {topic[1:]} are confirmed: mails go out by SNS, as plain text")


def _sender(ses: Any, sender: str) -> Iterator[Finding]:  # noqa: ANN401 -- a boto3 client
    if _verified(ses, sender):
        yield ok(f"mails leave from {sender}")
    elif _is_placeholder(sender):
        yield fault(
            f"the sender {sender} is a placeholder, so no approval can be asked for",
            "Write your own `sender` and `operators` into infra/deployment.toml, and make deploy.",
        )
    else:
        yield fault(
            f"SES does not know the sender {sender}, so no approval can be asked for",
            f"aws sesv2 create-email-identity --email-identity {sender}, then follow the link that it is mailed.",
        )


def _placeholders(patient: Patient) -> Iterator[Finding]:
    """People whom nobody has replaced since the sender was; as long as that is one too, it stands for them all."""
    if patient.deployment.mails_by_sns or _is_placeholder(patient.deployment.sender):
        return
    if left := [person for person in recipients(patient) if _is_placeholder(person)]:
        yield fault(
            f"{', '.join(left)} are placeholders, so nobody is asked or told",
            "Write your own `operators` into infra/deployment.toml, owners and approvers into models/*.toml, and make "
            "deploy.",
        )


def _is_placeholder(address: str) -> bool:
    domain = address.rpartition("@")[2]
    return any(domain == reserved or domain.endswith(f".{reserved}") for reserved in _RESERVED)


def _recipients(ses: Any, patient: Patient) -> Iterator[Finding]:  # noqa: ANN401 -- a boto3 client
    unknown = [person for person in recipients(patient) if not _verified(ses, person)]
    if unknown:
        yield fault(
            f"SES is in its sandbox and sends nothing to {', '.join(unknown)}",
            "Ask for production access in the console of SES, or verify each of them as an identity.",
        )
    else:
        yield ok("SES is in its sandbox, and every recipient is verified; it sends 200 mails a day")


def _verified(ses: Any, address: str) -> bool:  # noqa: ANN401 -- a boto3 client
    """The address itself, or a domain above it."""
    labels = address.rpartition("@")[2].split(".")
    domains = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    return any(_is_identity(ses, identity) for identity in (address, *domains))


def _is_identity(ses: Any, identity: str) -> bool:  # noqa: ANN401 -- a boto3 client
    try:
        return bool(ses.get_email_identity(EmailIdentity=identity)["VerifiedForSendingStatus"])
    except ses.exceptions.NotFoundException:
        return False

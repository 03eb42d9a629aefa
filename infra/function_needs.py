"""What each function needs and may do."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.approval import OPEN_INDEX
from infra.deployment import Deployment
from infra.functions import FunctionNeeds
from infra.grants import ANYTHING, Grant, pass_role
from infra.names import Names, arn, published_json

# A model has 60 s to answer and is asked twice, each time once more when it fails. The states wait 300 s.
_ENDPOINT_SECONDS = 290


def freeze_dataset(names: Names) -> FunctionNeeds:
    """Copies what was dropped."""
    grants = (
        Grant(
            "ReadDataset",
            "A run works on the version that was dropped, not on whatever has the key by now.",
            ("s3:GetObjectVersion",),
            (names.objects("datasets/*"),),
        ),
        Grant(
            "FindFiles",
            "Looks which files of a folder are there.",
            ("s3:ListBucket",),
            (names.whole_bucket(),),
            {"StringLike": {"s3:prefix": "datasets/*"}},
        ),
        Grant(
            "PinFiles",
            "Asks for the versions of the files that a run.json names.",
            ("s3:GetObject",),
            (names.objects("datasets/*"),),
        ),
        Grant(
            "FreezeDataset",
            "The copy that validation and training share. Tags are replaced by none, so no tagging right is needed.",
            ("s3:PutObject",),
            (names.objects("runs/*/train/*"), names.objects("runs/*/validation/*")),
        ),
        Grant(
            "WriteSettings",
            "The settings that a training job works with; they outgrow what a hyperparameter holds.",
            ("s3:PutObject",),
            (names.objects("runs/*/settings/*"),),
        ),
    )
    # S3 copies some 100 MB a second; the function waits for it.
    return FunctionNeeds(
        "freeze_dataset",
        "Copies what was dropped under the run's own key.",
        grants,
        900,
        memory_mb=512,
        reads_tables=True,
    )


def validate_dataset(names: Names) -> FunctionNeeds:
    """Reads a dataset, and writes down what it saw."""
    profiles = (names.objects("runs/*/profile.json"),)
    grants = (
        Grant(
            "ReadDataset",
            "Reads the run's frozen copy, never the dropped object that may change meanwhile.",
            ("s3:GetObject",),
            (names.objects("runs/*/train/*"), names.objects("runs/*/validation/*")),
        ),
        Grant("WriteProfile", "Keeps the dataset's profile beside it.", ("s3:PutObject",), profiles),
        Grant(
            "ReadProfile",
            "Compares the dataset with that of the last release, whose run may be any earlier one.",
            ("s3:GetObject",),
            profiles,
        ),
    )
    # As long as a function may take, two processors, and room for a dataset of the size limit.
    return FunctionNeeds(
        "validate_dataset",
        "Refuses bad data before training is paid for.",
        grants,
        900,
        memory_mb=3538,
        storage_mb=6 * 1024,
        reads_tables=True,
    )


def smoke_test(names: Names) -> FunctionNeeds:
    """Asks the development endpoint."""
    return FunctionNeeds(
        "smoke_test",
        "Asks the development endpoint rows whose answers are known.",
        (_read_report(names), _invoke_endpoint("development")),
        _ENDPOINT_SECONDS,
        memory_mb=512,
    )


@dataclass(frozen=True)
class ApprovalKeys:
    """ARNs of the key that encrypts task tokens, and of those that sign links and nonces, by their numbers."""

    token: str
    signing: Mapping[int, str]

    def environment(self) -> dict[str, str]:
        """As functions read them."""
        numbered = " ".join(f"{number}={key}" for number, key in self.signing.items())
        return {"TOKEN_KEY_ID": self.token, "SIGNING_KEYS": numbered}


def request_approval(
    names: Names, deployment: Deployment, keys: ApprovalKeys, page_url: str, prices: str
) -> FunctionNeeds:
    """Stores a request and mails it; `page_url` is where its links lead, `prices` what instances cost, as JSON."""
    grants = (
        Grant(
            "StoreRequest",
            "A second call for the same run renews the token and keeps the links.",
            ("dynamodb:PutItem", "dynamodb:UpdateItem"),
            (names.table(names.approvals_table),),
        ),
        _note(names),
        Grant(
            "EnterApproval",
            "The lease notes that its run asks now; one that lost the lease, or was superseded, must not ask.",
            ("dynamodb:GetItem", "dynamodb:UpdateItem"),
            (names.table(names.ledger_table),),
        ),
        _read_report(names),
        Grant(
            "ReadProfiles",
            "What is known of this dataset, and of that of the last release, whose run may be any earlier one.",
            ("s3:GetObject",),
            (names.objects("runs/*/profile.json"),),
        ),
        Grant(
            "ReadFormerSettings",
            "The settings of the live release, published as a JSON asset, to show what is changed.",
            ("s3:GetObject",),
            (published_json(),),
        ),
        Grant("SealToken", "The task token is stored encrypted.", ("kms:Encrypt",), (keys.token,)),
        _sign(keys, "Links are signed with a key that never leaves KMS."),
        _answer_run("A run that asks again after a decision is given that decision at once."),
        *_send_mail(names, deployment),
    )
    environment = {
        "APPROVALS_TABLE": names.approvals_table,
        "AUDIT_TABLE": names.audit_table,
        "LEDGER_TABLE": names.ledger_table,
        **keys.environment(),
        "MAIL_SENDER": _sender(names, deployment),
        "PAGE_URL": page_url,
        "HOSTING_PRICES": prices,
    }
    return FunctionNeeds(
        "request_approval",
        "Mails each approver a link to decide.",
        grants,
        120,
        memory_mb=512,
        environment=environment,
    )


def decide_release(names: Names, keys: ApprovalKeys) -> FunctionNeeds:
    """Shows a request to whoever holds a link, takes the decision, and gives it to the run."""
    grants = (
        Grant(
            "ClaimDecision",
            "The page shows the request; a decision is claimed by a conditional update before it is sent.",
            ("dynamodb:GetItem", "dynamodb:UpdateItem"),
            (names.table(names.approvals_table),),
        ),
        _note(names),
        Grant("OpenToken", "The task token is stored encrypted.", ("kms:Decrypt",), (keys.token,)),
        _sign(keys, "Links and nonces are signed with a key that never leaves KMS, and checked by signing again."),
        _answer_run("A decision goes to the run that waits for it."),
    )
    environment = {
        "APPROVALS_TABLE": names.approvals_table,
        "AUDIT_TABLE": names.audit_table,
        **keys.environment(),
    }
    return FunctionNeeds(
        "decide_release", "Shows a release to an approver and takes the decision.", grants, 60, environment=environment
    )


def tend_approvals(names: Names, deployment: Deployment, keys: ApprovalKeys, page_url: str) -> FunctionNeeds:
    """Gives decisions to runs that have not heard of them, reminds, lets questions expire, and tells how they ended."""
    grants = (
        Grant(
            "FindOpenRequests",
            "Requests that need something are found by the time at which they do.",
            ("dynamodb:Query",),
            (names.index(names.approvals_table, OPEN_INDEX),),
        ),
        Grant(
            "ClaimExpiry",
            "That nobody has decided is claimed by the same conditional update as a decision.",
            ("dynamodb:GetItem", "dynamodb:UpdateItem"),
            (names.table(names.approvals_table),),
        ),
        Grant(
            "StoreLinks",
            "A reminder has a link of its own.",
            ("dynamodb:PutItem",),
            (names.table(names.approvals_table),),
        ),
        _note(names),
        Grant("OpenToken", "The task token is stored encrypted.", ("kms:Decrypt",), (keys.token,)),
        _sign(keys, "Links are signed with a key that never leaves KMS."),
        _answer_run("A decision, or that there was none, goes to the run that waits for it."),
        *_send_mail(names, deployment),
    )
    environment = {
        "APPROVALS_TABLE": names.approvals_table,
        "AUDIT_TABLE": names.audit_table,
        **keys.environment(),
        "MAIL_SENDER": _sender(names, deployment),
        "PAGE_URL": page_url,
    }
    return FunctionNeeds(
        "tend_approvals", "Looks after questions to people, every minute.", grants, 50, environment=environment
    )


def verify_production(names: Names) -> FunctionNeeds:
    """Looks at production and asks it."""
    described = Grant(
        "LookAtProduction",
        "Compares what production serves with what was released; CloudFormation makes up the names behind it.",
        ("sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig", "sagemaker:DescribeModel"),
        (arn("sagemaker", "endpoint/*-production"), arn("sagemaker", "endpoint-config/*"), arn("sagemaker", "model/*")),
    )
    return FunctionNeeds(
        "verify_production",
        "Checks that production serves this release, on all instances.",
        (_read_report(names), described, _invoke_endpoint("production")),
        _ENDPOINT_SECONDS,
        memory_mb=512,
    )


def announce_outcome(names: Names, deployment: Deployment) -> FunctionNeeds:
    """Mails."""
    remembers = Grant(
        "RememberMails",
        "Who was mailed is kept, so that a second call mails nobody twice.",
        ("dynamodb:UpdateItem",),
        (names.table(names.approvals_table),),
    )
    environment = {
        "APPROVALS_TABLE": names.approvals_table,
        "MAIL_SENDER": _sender(names, deployment),
        "OPERATORS": ",".join(deployment.operators),
    }
    return FunctionNeeds(
        "announce_outcome",
        "Mails how a run ended.",
        (remembers, _read_report(names), *_send_mail(names, deployment)),
        # The state waits 120 s: a report is looked for in as much as can be read in half of that.
        110,
        memory_mb=512,
        environment=environment,
    )


def pass_lease(names: Names) -> FunctionNeeds:
    """Gives a release lease to the next run, and wakes it."""
    grants = (
        Grant(
            "PassLease",
            "Holder and waiting runs are read, the lease changes hands in one transaction, and a mark is taken back.",
            ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"),
            (names.table(names.ledger_table),),
        ),
        Grant(
            "WakeRun",
            "A waiting run is woken through its token, which names it: the action knows no resource.",
            ("states:SendTaskSuccess",),
            (ANYTHING,),
        ),
    )
    return FunctionNeeds(
        "pass_lease",
        "Gives a release lease to the run whose turn it is.",
        grants,
        110,
        environment={"LEDGER_TABLE": names.ledger_table},
    )


def expire_development(names: Names, deployment_role_arn: str) -> FunctionNeeds:
    """Removes development endpoints whose time is over."""
    grants = (
        Grant(
            "FindExpiring",
            "Each model's pointer says how long its development endpoint may stand.",
            ("ssm:GetParametersByPath",),
            (names.parameter(names.models_prefix.rstrip("/")),),
        ),
        Grant(
            "LookAtDevelopment",
            "A stack tells when it was deployed last, and that it goes.",
            ("cloudformation:DescribeStacks",),
            (names.development_stacks(),),
        ),
        Grant(
            "HoldLease",
            "Nothing is removed but under the model's release lease, taken and given back by conditional writes.",
            ("dynamodb:PutItem", "dynamodb:DeleteItem"),
            (names.table(names.ledger_table),),
        ),
        Grant(
            "RemoveDevelopment",
            "Development endpoints expire; no production stack has a name that fits.",
            ("cloudformation:DeleteStack",),
            (names.development_stacks(),),
        ),
        pass_role(
            "PassDeploymentRole",
            deployment_role_arn,
            "cloudformation.amazonaws.com",
            "CloudFormation takes the endpoint down with the deployment role; this function cannot do so itself.",
        ),
    )
    environment = {
        "LEDGER_TABLE": names.ledger_table,
        "MODELS_PREFIX": names.models_prefix,
        "DEPLOYMENT_ROLE_ARN": deployment_role_arn,
    }
    return FunctionNeeds(
        "expire_development",
        "Removes development endpoints whose time is over, every quarter of an hour.",
        grants,
        120,
        environment=environment,
    )


def explain_failure(names: Names) -> FunctionNeeds:
    """Reads the events of endpoint stacks."""
    events = Grant(
        "ReadStackEvents",
        "The first cause of a failed deployment stands in the stack's events, which may exceed what a state can hold.",
        ("cloudformation:DescribeStackEvents",),
        (names.endpoint_stacks(),),
    )
    return FunctionNeeds("explain_failure", "Finds the first cause of a failed deployment.", (events,), 50)


def _read_report(names: Names) -> Grant:
    return Grant(
        "ReadReport",
        "The training job's report holds rows with their answers, and what the gate says.",
        ("s3:GetObject",),
        (names.objects("runs/*/output/*"),),
    )


def _invoke_endpoint(stage: str) -> Grant:
    return Grant(
        "AskEndpoint",
        f"Known rows are put to the {stage} endpoint, as a client would.",
        ("sagemaker:InvokeEndpoint",),
        (arn("sagemaker", f"endpoint/*-{stage}"),),
    )


def _answer_run(reason: str) -> Grant:
    return Grant(
        "AnswerRun",
        f"{reason} The token itself names the waiting task: these actions know no resource.",
        ("states:SendTaskSuccess", "states:SendTaskFailure"),
        (ANYTHING,),
    )


def _note(names: Names) -> Grant:
    return Grant(
        "AddToAudit",
        "The audit is added to; no role of the product may change or remove what is in it.",
        ("dynamodb:PutItem",),
        (names.table(names.audit_table),),
    )


def _sign(keys: ApprovalKeys, reason: str) -> Grant:
    return Grant("Sign", reason, ("kms:GenerateMac",), tuple(keys.signing.values()))


def _sender(names: Names, deployment: Deployment) -> str:
    return arn("sns", names.people_topic) if deployment.mails_by_sns else deployment.sender


def _send_mail(names: Names, deployment: Deployment) -> tuple[Grant, ...]:
    if deployment.mails_by_sns:
        reason = "No sender is verified: SNS mails, to each person what is meant for that person."
        return (Grant("PublishMail", reason, ("sns:Publish",), (arn("sns", names.people_topic),)),)
    condition = {"StringEquals": {"ses:FromAddress": deployment.sender}}
    return (
        Grant(
            "SendMail",
            "Mail goes out under the deployment's sender. SES asks for the right on the identity that verifies it, its "
            "own or its domain's, and in the sandbox on every recipient's as well: only the sender is the same for "
            "all.",
            ("ses:SendEmail",),
            (arn("ses", "identity/*"),),
            condition,
        ),
        Grant(
            "SendByConfigurationSet",
            "SES asks for the right on the configuration set that the sender's identity has by default, too.",
            ("ses:SendEmail",),
            (arn("ses", "configuration-set/*"),),
            condition,
        ),
    )

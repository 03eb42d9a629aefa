"""What the two state machines may do: one grant for each kind of task in their definitions."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.deployment import Deployment
from infra.encryption import key_grants
from infra.grants import Grant, log_and_trace, pass_role, role
from infra.names import CLOSE_RUN, DEPLOY_STACK, PROMOTE_MODEL, Names, arn, published_json


def promote_model_role(scope: Construct, deployment: Deployment, training_role: iam.IRole) -> iam.Role:
    """The role of `promote-model`."""
    names = Names(deployment.name)
    grants = [
        _find_settings(names),
        _load_settings(),
        Grant(
            "KeepLedger",
            "Claims, leases and releases are conditional writes; releases are written in one transaction.",
            ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"),
            (names.table(names.ledger_table),),
        ),
        *_traffic(names),
        *_training(training_role.role_arn),
        *_registry(names),
        *_child_executions(),
        Grant(
            "LookAtHolder",
            "A run that waits long for the release lease looks whether its holder still lives.",
            ("states:DescribeExecution",),
            (arn("states", f"execution:{PROMOTE_MODEL}:*"),),
        ),
        Grant(
            "CloseHolder",
            "And starts what should have followed the holder's end.",
            ("states:StartExecution",),
            (arn("states", f"stateMachine:{CLOSE_RUN}"),),
        ),
        _invoke(
            names,
            "freeze_dataset",
            "validate_dataset",
            "smoke_test",
            "request_approval",
            "decide_release",
            "verify_production",
            "announce_outcome",
        ),
        *log_and_trace(),
    ]
    grants += key_grants(grants, deployment.kms_key_arn)
    return role(scope, "PromoteModelRole", "states.amazonaws.com", "Takes a dataset to a released model.", grants)


def deploy_stack_role(scope: Construct, deployment: Deployment, deployment_role: iam.IRole) -> iam.Role:
    """The role of `deploy-stack`."""
    names = Names(deployment.name)
    stacks = names.endpoint_stacks()
    grants = [
        Grant(
            "HoldLease",
            "A deployment begins with a conditional write to its run's lease: without the lease nothing is touched.",
            ("dynamodb:UpdateItem",),
            (names.table(names.ledger_table),),
        ),
        Grant(
            "WatchStack",
            "Looks at a stack and at its change sets until they are settled.",
            ("cloudformation:DescribeStacks", "cloudformation:DescribeChangeSet", "cloudformation:ListChangeSets"),
            (stacks,),
        ),
        Grant(
            "ChangeStack",
            "Changes go through change sets, so that an empty one is seen before anything happens.",
            ("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", "cloudformation:DeleteChangeSet"),
            (stacks,),
        ),
        Grant(
            "TagStack",
            "Stacks carry their model as a tag; that CreateChangeSet asks for this right is [unverified].",
            ("cloudformation:TagResource",),
            (stacks,),
        ),
        Grant(
            "RepairStack",
            "A creation that failed can only be deleted, and a roll back that stopped must be finished first.",
            ("cloudformation:DeleteStack", "cloudformation:ContinueUpdateRollback"),
            (stacks,),
        ),
        Grant(
            "ReadTemplate",
            "CloudFormation reads a TemplateURL with the rights of whoever creates the change set.",
            ("s3:GetObject",),
            (published_json(),),
        ),
        pass_role(
            "PassDeploymentRole",
            deployment_role.role_arn,
            "cloudformation.amazonaws.com",
            "CloudFormation builds the endpoint with the deployment role; this machine cannot do so itself.",
        ),
        _invoke(names, "explain_failure"),
        *log_and_trace(),
    ]
    grants += key_grants(grants, deployment.kms_key_arn)
    return role(scope, "DeployStackRole", "states.amazonaws.com", "Brings an endpoint stack to a template.", grants)


def close_run_role(scope: Construct, deployment: Deployment) -> iam.Role:
    """The role of `close-run`."""
    names = Names(deployment.name)
    grants = [
        Grant(
            "LookAtRun",
            "An event may be late or come twice; the execution itself tells how it stands.",
            ("states:DescribeExecution",),
            (arn("states", f"execution:{PROMOTE_MODEL}:*"),),
        ),
        Grant(
            "CloseLease",
            "Marks the lease of a run that has ended, so that nothing of that run's gets past it any more.",
            ("dynamodb:UpdateItem",),
            (names.table(names.ledger_table),),
        ),
        Grant(
            "ReadLedger",
            "Which release is the champion.",
            ("dynamodb:GetItem",),
            (names.table(names.ledger_table),),
        ),
        Grant(
            "FindSettings",
            "A model's settings name its owners, who are told.",
            ("ssm:GetParameter",),
            (names.parameter(f"{names.models_prefix}*"),),
        ),
        _load_settings(),
        *_child_executions(),
        Grant(
            "RejectPackage",
            "The registry shows that the candidate of a run that broke was not released.",
            ("sagemaker:UpdateModelPackage",),
            (arn("sagemaker", "model-package/*"),),
        ),
        _invoke(names, "decide_release", "announce_outcome", "pass_lease"),
        *log_and_trace(),
    ]
    grants += key_grants(grants, deployment.kms_key_arn)
    return role(scope, "CloseRunRole", "states.amazonaws.com", "Makes good what a run that ended could not.", grants)


def _find_settings(names: Names) -> Grant:
    return Grant(
        "FindSettings",
        "One parameter per model points at the settings and templates that a run keeps; another names the image.",
        ("ssm:GetParameter",),
        (names.parameter(f"{names.models_prefix}*"), names.parameter(names.image_parameter)),
    )


def _load_settings() -> Grant:
    return Grant("LoadSettings", "Settings are published as JSON assets.", ("s3:GetObject",), (published_json(),))


def _training(training_role_arn: str) -> list[Grant]:
    jobs = arn("sagemaker", "training-job/*")
    return [
        Grant(
            "TrainModel",
            "Starts a job, watches it, and stops it when the run is stopped. Job names begin with the model's name.",
            ("sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"),
            (jobs,),
        ),
        Grant(
            "TagTrainingJob",
            "Jobs carry model and run as tags, and Step Functions adds its own to a job it waits for.",
            ("sagemaker:AddTags", "sagemaker:ListTags"),
            (jobs,),
        ),
        Grant(
            "HearOfTrainingJob",
            "A `.sync` task is told of the job's end through a rule that Step Functions manages.",
            ("events:PutTargets", "events:PutRule", "events:DescribeRule"),
            (arn("events", "rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule"),),
        ),
        pass_role(
            "PassTrainingRole",
            training_role_arn,
            "sagemaker.amazonaws.com",
            "The job reads data and writes artefacts with the training role.",
        ),
    ]


def _traffic(names: Names) -> list[Grant]:
    production = (arn("sagemaker", "endpoint/*-production"),)
    return [
        Grant(
            "LookAtTraffic",
            "Sees how two releases share production, and whether their weights have moved.",
            ("sagemaker:DescribeEndpoint",),
            production,
        ),
        Grant(
            "ShiftTraffic",
            "Gives one of two releases all requests. Both were approved; nothing is deployed.",
            ("sagemaker:UpdateEndpointWeightsAndCapacities",),
            production,
        ),
        Grant(
            "AuditTraffic",
            "Who asked for it is noted in one transaction with it. The audit is only ever added to.",
            ("dynamodb:PutItem",),
            (names.table(names.audit_table),),
        ),
    ]


def _registry(names: Names) -> list[Grant]:
    return [
        Grant(
            "RegisterCandidate",
            "Candidates become model packages; their status follows the decision.",
            ("sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"),
            (arn("sagemaker", "model-package/*"),),
        ),
        Grant(
            "ShowImageToRegistry",
            "The registry looks at the image with the caller's rights, as AWS's own policy has it [unverified].",
            ("ecr:BatchGetImage", "ecr:DescribeImages"),
            (names.repository(),),
        ),
        Grant(
            "ShowArtefactToRegistry",
            "The registry looks at the artefact with the caller's rights, as AWS's own policy has it [unverified].",
            ("s3:GetObject",),
            (names.objects("runs/*/output/*"),),
        ),
    ]


def _child_executions() -> list[Grant]:
    return [
        Grant(
            "StartDeployment",
            "Endpoints are deployed by the child machine.",
            ("states:StartExecution",),
            (arn("states", f"stateMachine:{DEPLOY_STACK}"),),
        ),
        Grant(
            "WatchDeployment",
            "Waits for the child's end, and stops it when the run is stopped.",
            ("states:DescribeExecution", "states:StopExecution"),
            (arn("states", f"execution:{DEPLOY_STACK}:*"),),
        ),
        Grant(
            "HearOfDeployment",
            "A `.sync` task is told of the child's end through a rule that Step Functions manages.",
            ("events:PutTargets", "events:PutRule", "events:DescribeRule"),
            (arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"),),
        ),
    ]


def _invoke(names: Names, *verbs: str) -> Grant:
    return Grant(
        "InvokeFunctions",
        "Every version, because a run that waits a week invokes the versions that its definition named at its start.",
        ("lambda:InvokeFunction",),
        tuple(arn("lambda", f"function:{names.function(verb)}:*") for verb in verbs),
    )

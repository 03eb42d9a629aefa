from functions.explain_failure.first_cause import first_cause


def event(
    resource: str, status: str, reason: str = "", *, of: str = "ours", kind: str = "AWS::SageMaker::Endpoint"
) -> dict:
    return {
        "LogicalResourceId": resource,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "ClientRequestToken": of,
    }


def test_the_first_failure_of_this_deployment_explains_it():
    newest_first = [
        event("stack", "UPDATE_ROLLBACK_COMPLETE", kind="AWS::CloudFormation::Stack"),
        event("Endpoint", "UPDATE_FAILED", "the consequence"),
        event("Model", "CREATE_FAILED", "the cause"),
        event("Model", "CREATE_IN_PROGRESS"),
        event("Model", "CREATE_FAILED", "of another deployment", of="theirs"),
    ]
    assert first_cause(newest_first, "ours") == "Model (AWS::SageMaker::Endpoint): the cause"


def test_what_was_cancelled_because_of_another_failure_explains_nothing():
    newest_first = [
        event("Model", "CREATE_FAILED", "the cause"),
        event("Target", "CREATE_FAILED", "Resource creation cancelled"),
    ]
    assert first_cause(newest_first, "ours") == "Model (AWS::SageMaker::Endpoint): the cause"


def test_a_stack_that_sums_up_its_resources_explains_nothing():
    summary = event("stack", "ROLLBACK_FAILED", "The following resource(s) failed", kind="AWS::CloudFormation::Stack")
    assert first_cause([summary], "ours") is None


def test_no_events_no_cause():
    assert first_cause([], "ours") is None

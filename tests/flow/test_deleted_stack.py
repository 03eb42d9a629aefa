"""An endpoint's stack deletes what it made, with the role it was made with."""

from tests.flow.product import until


def test_a_deleted_production_stack_leaves_neither_endpoint_nor_scaling(product, iris):
    model = "deleted-stack"
    product.model(model)
    product.drop(model, iris).approve()
    cloudformation = product.client("cloudformation")
    stack = f"mlops-deploy-{model}-prd"
    assert "DeploymentRole" in cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["RoleARN"]
    cloudformation.delete_stack(StackName=stack)
    until("the endpoint to be gone", lambda: not product.has_endpoint(f"{model}-production"))
    assert product.scaling(model) == ([], [])
    assert product.has_endpoint(f"{model}-development")

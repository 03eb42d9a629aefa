"""An endpoint that is called like ours and does not carry this deployment's tag is out of a release's reach."""

from tests.flow.product import Product

MODEL = "shared-name-model"
TAG = "mlops:deployment"


def test_an_endpoint_without_the_deployments_tag_is_never_changed(product: Product, iris: str) -> None:
    product.model(MODEL)
    product.drop(MODEL, iris).reaches("Request Approval").decide("reject")
    endpoint = f"{MODEL}-development"
    arn = product.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    served = product.served_artefact(endpoint)
    product.sagemaker.delete_tags(ResourceArn=arn, TagKeys=[TAG])
    refused = product.drop(MODEL, iris, "next.csv").ends_in("Deployment Failed")
    assert "sagemaker:UpdateEndpoint" in refused["cause"]
    assert product.served_artefact(endpoint) == served
    # It is ours after all.
    product.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": TAG, "Value": "mlops"}])
    product.drop(MODEL, iris, "last.csv").reaches("Request Approval").decide("reject")
    assert product.served_artefact(endpoint) != served

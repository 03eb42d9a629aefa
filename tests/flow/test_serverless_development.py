"""A development endpoint without instances: the run proves its candidate on it, and production has its own."""

SETTINGS = """
[development]
serverless = { memory_mb = 3072, max_concurrency = 5 }
"""


def test_a_candidate_proves_itself_on_a_serverless_endpoint(product, iris):
    model = "flow-serverless"
    product.model(model, SETTINGS)
    first = product.drop(model, iris)
    first.approve()
    described = product.sagemaker.describe_endpoint(EndpointName=f"{model}-development")
    (variant,) = described["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == {"MemorySizeInMB": 3072, "MaxConcurrency": 5}
    assert variant["CurrentInstanceCount"] == 0
    assert "DataCaptureConfig" not in described
    assert product.predict(f"{model}-development", "5.1,3.5,1.4,0.2\n") == product.predict(
        f"{model}-production", "5.1,3.5,1.4,0.2\n"
    )
    (production,) = product.sagemaker.describe_endpoint(EndpointName=f"{model}-production")["ProductionVariants"]
    assert production["CurrentInstanceCount"] == 2
    # What the registry says a package may run on: production's instances, for development has none.
    package = product.sagemaker.describe_model_package(ModelPackageName=product.release(model)["package_arn"])
    supported = package["InferenceSpecification"]["SupportedRealtimeInferenceInstanceTypes"]
    assert supported == ["ml.c5.large"]

    second = product.drop(model, iris + "\n" + iris.splitlines()[-1], "again.csv")
    second.approve()
    assert product.served_artefact(f"{model}-development") == second.model_data_url()

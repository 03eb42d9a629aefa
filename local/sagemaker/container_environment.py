"""The variables SageMaker gives every container beside those of its job or model."""

from local.credentials import Credentials


def container_environment(url: str, region: str, credentials: Credentials | None) -> dict[str, str]:
    """How a container reaches AWS: under its role, or not at all when it runs isolated from the network.

    On AWS the role's keys come from a metadata address; SDKs find them in either place.
    """
    environment = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_EC2_METADATA_DISABLED": "true"}
    if credentials is None:
        return environment
    environment |= {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
    }
    if credentials.session_token:
        environment["AWS_SESSION_TOKEN"] = credentials.session_token
    return environment

"""One release after another of a model: what flows begin with, and what they leave behind."""

from tests.flow.product import Change, Product, Run, until

# When datasets were dropped. Runs that are started with such a time are newer than any that a drop starts.
OLDER, OLD, NEW, NEWER = (f"2031-03-0{day}T00:00:00Z" for day in (1, 2, 3, 4))


def policy(name: str) -> str:
    """The settings of a model whose lease goes on by this policy."""
    return f'[lease]\npolicy = "{name}"\n'


HOLD = policy("hold")


def released_before(product: Product, model: str, dataset: str, settings: str = "", **templates: Change) -> Run:
    """The run of a first release: approved, the champion in production, and nobody at work."""
    product.model(model, settings, **templates)
    first = product.start(model, dataset, OLD)
    first.approve()
    lease_comes_free(product, model)
    return first


def lease_comes_free(product: Product, model: str) -> None:
    """Wait until nobody holds the model's lease, and nobody waits for it."""
    until("the lease to be free", lambda: product.lease_is_free(model))


def is_champion(product: Product, model: str, run: Run) -> None:
    """The run's release is in production, as the ledger says and as the endpoint serves."""
    assert product.champion(model) == run.release()
    assert product.served_artefact(f"{model}-production") == run.model_data_url()


def one_endpoint_each(product: Product, model: str) -> None:
    """One endpoint for development and one for production, which has one target and one policy."""
    found = product.endpoints(model)
    assert sorted(each["EndpointName"] for each in found) == [f"{model}-development", f"{model}-production"]
    assert {each["EndpointStatus"] for each in found} == {"InService"}
    targets, policies = product.scaling(model)
    assert targets == [f"endpoint/{model}-production/variant/model-a"]
    assert len(policies) == 1

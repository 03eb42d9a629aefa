import pytest

from functions.verify_production.fleet import Fleet, faults

URL = "s3://bucket/model.tar.gz"


def fleet(**changed):
    return Fleet(
        **{
            "status": "InService",
            "failure_reason": "",
            "variant": "model-a",
            "instances": 2,
            "instances_wanted": 2,
            "model_data_url": URL,
            **changed,
        }
    )


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"instances": 7, "instances_wanted": 7},  # scaled out
        {"instances": 2, "instances_wanted": 7},  # scaling out
        {"instances": 1, "instances_wanted": 1},  # scaled in
    ],
)
def test_a_fleet_that_serves_the_release_has_no_faults(changed):
    assert faults(fleet(**changed), URL, 2) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"status": "Updating"}, "Its status is Updating."),
        ({"status": "Failed", "failure_reason": "no capacity"}, "Its status is Failed: no capacity."),
        ({"model_data_url": "s3://bucket/old.tar.gz"}, f"It serves s3://bucket/old.tar.gz instead of {URL}."),
        ({"model_data_url": ""}, f"It serves no artefact instead of {URL}."),
        ({"instances": 1}, "Instances that serve: 1; needed: 2."),
        ({"instances": 0, "instances_wanted": 0}, "Instances that serve: 0; needed: 1."),
    ],
)
def test_every_fault_is_told(changed, said):
    assert faults(fleet(**changed), URL, 2) == [said]


def test_what_sagemaker_leaves_out_counts_against_the_endpoint():
    described = Fleet.from_descriptions({"EndpointStatus": "Creating"}, "model-a", {})
    assert len(faults(described, URL, 2)) == 3


def test_a_model_of_several_containers_serves_the_first_artefact():
    described = {
        "EndpointStatus": "InService",
        "ProductionVariants": [{"VariantName": "model-a", "CurrentInstanceCount": 2, "DesiredInstanceCount": 2}],
    }
    assert (
        faults(Fleet.from_descriptions(described, "model-a", {"Containers": [{}, {"ModelDataUrl": URL}]}), URL, 2) == []
    )

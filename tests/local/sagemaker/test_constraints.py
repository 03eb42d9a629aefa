"""Patterns of AWS's models, which are Java's, check here what they check there."""

import re

import botocore.session
import pytest

from local.sagemaker.constraints import _compiled

SERVICES = ("sagemaker", "sagemaker-runtime", "application-autoscaling")


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_of_a_model_is_understood(service: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {None}
    assert patterns
    for pattern in patterns:
        assert isinstance(_compiled(pattern), re.Pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (r"[\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]*", "größer — ≥ 3 (ö) 🌷", True),
        (r"[\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]*", "two\nlines", False),
        (r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)${1,256}", "datasets/m/a b.csv", True),
        (r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)${1,256}", "datasets/m/a (1).csv", False),
        (r"\p{Print}+", "printable", True),
        (r"\p{Print}+", "ü", False),
        (r"\A\S[\p{Print}]*\z", "x y", True),
        ("[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*", "🌷", True),
    ],
)
def test_javas_classes_mean_what_they_mean_in_java(pattern: str, text: str, *, fits: bool) -> None:
    assert bool(_compiled(pattern).fullmatch(text)) is fits

"""The mocked account of the functions' tests."""

from tests.functions.conftest import aws, environment  # noqa: F401 - fixtures

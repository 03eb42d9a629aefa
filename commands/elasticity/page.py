"""The comparison as a page that stands alone: no script, nothing that is loaded."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from commands.elasticity import picture

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(told: dict[str, Any]) -> str:
    """Of a report."""
    # All of it is ours; names are escaped nevertheless.
    course, summary = Markup(picture.course(told["course"])), Markup(picture.summary(told["policies"]))  # noqa: S704
    return _TEMPLATES.get_template("page.html").render(told=told, course=course, summary=summary)

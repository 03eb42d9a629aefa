"""What an instance costs, for the sentence that tells an approver what an approval will cost."""

import json
import tomllib

from infra.project import Project


def hosting_prices(project: Project) -> str:
    """The list prices of `docs/prices.toml` as JSON: US dollars an hour by instance type."""
    table = tomllib.loads((project.root / "docs" / "prices.toml").read_text(encoding="utf-8"))
    return json.dumps(table["hosting"], sort_keys=True)

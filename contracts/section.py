"""What every table of a settings file is: closed, unchangeable, and resolved to JSON."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]


class Section(BaseModel):
    """One table. A key that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def resolved(self) -> dict[str, Any]:
        """The section as the JSON object that a run carries."""
        return self.model_dump(mode="json")

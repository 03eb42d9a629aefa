"""Do runs work under the settings that are in this project?"""

from collections.abc import Iterator

from commands.doctor.finding import Finding, Patient, fault, ok, warning
from commands.published import changes, published_settings


def check_settings(patient: Patient) -> Iterator[Finding]:
    """What is published against `models/`."""
    published = published_settings(patient.account)
    for name in sorted(published.keys() - patient.models.keys()):
        yield warning(f"model {name} is deployed and not in models/", "make deploy takes its settings back.")
    for name, model in sorted(patient.models.items()):
        if name not in published:
            yield fault(f"model {name} is not deployed: its datasets are rejected", "make deploy")
        elif published[name] is None:
            yield fault(f"the published settings of {name} cannot be read: every run of it fails", "make deploy")
        elif different := changes(published[name], patient.deployment.published(model)):
            yield warning(f"model {name} is deployed with other settings: {different[0]}", "make diff; make deploy")
        else:
            yield ok(f"model {name} is deployed as it is here")

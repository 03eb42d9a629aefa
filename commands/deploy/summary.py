"""Where to look after a deployment: links into the console, and what to do next."""

from urllib.parse import quote

from commands.account import Account
from commands.doctor.examination import Report


def summary(account: Account, report: Report) -> str:
    """A line for each place that people look at."""
    names, region = account.names, account.region
    console = f"https://{region}.console.aws.amazon.com"
    outputs = account.outputs("workflow")
    machine = quote(outputs.get("PromoteModelArn", ""), safe="")
    dashboard = account.outputs("operations").get("DashboardName", "")
    places = {
        "Runs": f"{console}/states/home?region={region}#/statemachines/view/{machine}",
        "Image pipeline": f"{console}/codesuite/codepipeline/pipelines/{names.image}/view?region={region}",
        "Bucket": f"https://s3.console.aws.amazon.com/s3/buckets/{names.bucket}?region={region}",
        "Dashboard": f"{console}/cloudwatch/home?region={region}#dashboards/dashboard/{dashboard}",
        "Sender": f"{console}/ses/home?region={region}#/identities",
    }
    lines = [f"  {name + ':':16}{link}" for name, link in places.items()]
    return "\n".join(
        [
            _told(report),
            *lines,
            "Drop a dataset: make drop MODEL=… DATASET=…; watch it: make runs; look again: make doctor",
        ]
    )


def _told(report: Report) -> str:
    if report.hindrances:
        return (
            f"Deployed, but releases will fail until the faults above are mended ({', '.join(report.hindrances)}); "
            "then look again: make doctor"
        )
    return "Deployed." if report.sound else "Deployed. The faults above keep no release from succeeding."

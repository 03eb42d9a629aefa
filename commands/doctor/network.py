"""Is the network that the settings give the one that production needs?"""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from commands.doctor.finding import Finding, Patient, fault, ok

_ZONES = 2
_REMEDY = "Name other subnets in infra/deployment.toml, then make deploy."


def check_network(patient: Patient) -> Iterator[Finding]:
    """Subnets in two zones, so that one may fail. Their ids do not tell the zone, so only AWS can."""
    network = patient.deployment.network
    if network is None:
        yield ok("no VPC is asked for")
        return
    try:
        answer = patient.account.client("ec2").describe_subnets(SubnetIds=list(network.subnet_ids))
    except ClientError as refusal:
        if not refusal.response["Error"]["Code"].startswith("InvalidSubnet"):
            raise
        yield fault(f"[network] names a subnet that is not there: {refusal.response['Error']['Message']}", _REMEDY)
        return
    subnets = answer["Subnets"]
    elsewhere = sorted(each["SubnetId"] for each in subnets if each["VpcId"] != network.vpc_id)
    zones = sorted({each["AvailabilityZoneId"] for each in subnets})
    if elsewhere:
        yield fault(f"{', '.join(elsewhere)} of [network] is not in {network.vpc_id}", _REMEDY)
    elif len(zones) < _ZONES:
        yield fault(
            f"all subnets of [network] lie in one availability zone, {zones[0]}: production would fail with it", _REMEDY
        )
    else:
        yield ok(f"subnets in {len(zones)} availability zones")

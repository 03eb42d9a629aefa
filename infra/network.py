"""An existing VPC: what it takes to run in it. Who reaches what from there stands in docs/account.md."""

from infra.deployment import Network
from infra.grants import ANYTHING, Grant
from infra.names import arn

_INTERFACES = arn("ec2", "network-interface/*")


def function_grants(network: Network | None) -> tuple[Grant, ...]:
    """What Lambda does, under a function's role, to put the function into the network."""
    if network is None:
        return ()
    # Lambda names the function only in calls of the function's own code, which shall not make interfaces.
    service_only = {"Null": {"lambda:SourceFunctionArn": "true"}}
    return (
        Grant(
            "JoinNetwork",
            "Lambda makes the network interfaces of a function under its role; the function's code cannot.",
            ("ec2:CreateNetworkInterface",),
            _interface_in(network),
            service_only,
        ),
        Grant(
            "LeaveNetwork",
            "Lambda makes up the names of the interfaces that it changes and removes again.",
            ("ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
            (_INTERFACES,),
            service_only,
        ),
        Grant(
            "LookAtNetwork",
            "Lambda looks at subnets and interfaces; these actions know no resource.",
            ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
            (ANYTHING,),
            service_only,
        ),
    )


def container_grants(network: Network | None, service: str) -> tuple[Grant, ...]:
    """What SageMaker or CodeBuild (`service`) does, under the role of a job, to run its containers in the network."""
    if network is None:
        return ()
    return (
        Grant(
            "JoinNetwork",
            "The service makes network interfaces in the given subnets with the given security groups.",
            ("ec2:CreateNetworkInterface",),
            _interface_in(network),
        ),
        Grant(
            "LendInterface",
            "An interface is lent to the service's own account, where the containers run, and to no other service.",
            ("ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterfacePermission"),
            (_INTERFACES,),
            {"StringEquals": {"ec2:AuthorizedService": service}},
        ),
        Grant(
            "LeaveNetwork",
            "The service makes up the names of the interfaces that it removes again.",
            ("ec2:DeleteNetworkInterface",),
            (_INTERFACES,),
        ),
        Grant(
            "LookAtNetwork",
            "The service checks network, subnets and security groups first; these actions know no resource.",
            (
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ),
            (ANYTHING,),
        ),
    )


def _interface_in(network: Network) -> tuple[str, ...]:
    """What a new interface is made of, as IAM sees it: itself, its subnet, its security groups."""
    return (
        _INTERFACES,
        *(arn("ec2", f"subnet/{each}") for each in network.subnet_ids),
        *(arn("ec2", f"security-group/{each}") for each in network.security_group_ids),
    )

"""What a deployment does to the fleets of an endpoint, from its beginning to what its record says in the end."""

from local.clock import Clock
from local.sagemaker.endpoints import record as records
from local.sagemaker.endpoints.bookkeeping import Bookkeeping
from local.sagemaker.endpoints.faults import FleetFault
from local.sagemaker.endpoints.fleet import Fleet
from local.sagemaker.endpoints.fleets import Fleets
from local.sagemaker.endpoints.guardrails.alarms import RollbackAlarms
from local.sagemaker.endpoints.guardrails.plan import Plan, make_plan
from local.sagemaker.endpoints.guardrails.rollout import Rollout
from local.sagemaker.endpoints.guardrails.watch import DeploymentHalted, Watch
from local.sagemaker.endpoints.specification import FleetSpecification
from local.sagemaker.endpoints.traffic import Traffic
from local.sagemaker.store import Record


class Deployments:
    """Each method is one deployment, takes its time and raises FleetAbandoned when the server ends meanwhile."""

    def __init__(self, books: Bookkeeping, fleets: Fleets, alarms: RollbackAlarms, clock: Clock) -> None:
        self._books = books
        self._fleets = fleets
        self._alarms = alarms
        self._clock = clock

    def create(self, name: str, endpoint: Record) -> None:
        """Start the pending fleet of an endpoint whose record says Creating."""
        specification = records.pending(endpoint)
        assert specification is not None  # it was given at creation
        try:
            fleet = self._fleets.start(name, specification)
        except FleetFault as fault:
            self._books.end_deployment(name, "Failed", str(fault))
            return
        self._fleets.serve(name, fleet)
        self._books.end_deployment(name, "InService", live=specification)

    def update(self, name: str, endpoint: Record) -> None:
        """Replace the serving fleet by the pending one, along the deployment's plan; the record says Updating."""
        traffic, live, wanted = self._fleets.traffic(name), records.live(endpoint), records.pending(endpoint)
        assert traffic is not None  # it serves
        assert live is not None
        assert wanted is not None  # it was given with the update
        plan = make_plan(records.deployment(endpoint), live.instance_count, wanted.instance_count)
        rollout = Rollout(
            plan, traffic, live, self._watch(plan, wanted), lambda step: self._books.set_progress(name, step)
        )
        green: Fleet | None = None
        try:
            green = self._fleets.make(name, wanted.sized(0))
            rollout.forward(green, wanted)
        except (FleetFault, DeploymentHalted) as fault:
            self._books.begin_roll_back(name, str(fault))
            self._roll_back(name, rollout, traffic, green, wanted, str(fault))
            return
        old = traffic.serving
        traffic.settle(green)
        self._books.end_deployment(name, "InService", live=wanted)
        self._fleets.end(old)

    def resize(self, name: str, endpoint: Record) -> None:
        """Bring the serving fleet to the weights and sizes in the record, which says Updating."""
        specification, traffic = records.live(endpoint), self._fleets.traffic(name)
        assert specification is not None  # it serves
        assert traffic is not None
        fleet = traffic.serving
        try:
            fleet.apply(specification)
        except FleetFault as fault:
            for variant, state in fleet.states().items():
                specification = specification.resized(variant, weight=None, instance_count=state.instance_count)
            self._books.end_deployment(name, "InService", str(fault), live=specification)
            return
        self._books.end_deployment(name, "InService")

    def delete(self, name: str, endpoint: Record) -> None:
        """End the fleet and forget the endpoint; the record says Deleting."""
        traffic = self._fleets.forget(name)
        if traffic is not None:
            self._fleets.end(traffic.serving)
        self._books.forget(endpoint)

    def serve_again(self, name: str, endpoint: Record) -> None:
        """After a start of the server. An update begins again with its first step; a roll back goes on."""
        specification = records.live(endpoint)
        assert specification is not None  # only such endpoints are resumed
        try:
            fleet = self._fleets.start(name, specification)
        except FleetFault as fault:
            self._books.set_status(name, "Failed", str(fault))  # tried again at the next start
            return
        self._fleets.serve(name, fleet)
        if reason := records.roll_back_reason(endpoint):
            self._books.end_deployment(name, "InService", reason)
        elif endpoint["Pending"]:
            self.update(name, endpoint)
        else:
            self._books.set_status(name, "InService", endpoint.get("FailureReason"))

    def _watch(self, plan: Plan, wanted: FleetSpecification) -> Watch:
        role_arn = wanted.variants[0].role_arn
        deadline = None if plan.timeout_seconds is None else wanted.deployed_at + plan.timeout_seconds
        return Watch(self._clock, lambda: self._alarms.sounding(plan.alarms, role_arn), deadline, self._fleets.closing)

    def _roll_back(
        self,
        name: str,
        rollout: Rollout,
        traffic: Traffic,
        green: Fleet | None,
        wanted: FleetSpecification,
        reason: str,
    ) -> None:
        """The endpoint goes on with the configuration it had; only when that does not serve either is it in trouble.

        On AWS an endpoint is UpdateRollbackFailed "with a mix of the old and new endpoint configurations"
        (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html); here one of the two
        serves then, if it can the old one.
        """
        status = "InService"
        try:
            if green is not None:
                rollout.back(green)
        except FleetFault as fault:
            status, reason = "UpdateRollbackFailed", f"{reason} The roll back failed: {fault}"
        old = traffic.serving
        if old.is_healthy():
            self._keep(traffic, old, ended=green)
            self._books.end_deployment(name, status, reason, live=old.specification)
        elif green is not None and green.is_healthy():
            self._keep(traffic, green, ended=old)
            self._books.end_deployment(name, "UpdateRollbackFailed", reason, live=wanted.sized(green.size))
        else:
            self._keep(traffic, old, ended=green)
            self._books.end_deployment(name, "UpdateRollbackFailed", reason)

    def _keep(self, traffic: Traffic, kept: Fleet, ended: Fleet | None) -> None:
        traffic.settle(kept)
        if ended is not None:
            self._fleets.end(ended)

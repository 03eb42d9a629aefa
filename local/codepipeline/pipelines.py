"""CodePipeline's operations on pipelines, and the reading of their executions."""

from local.clock import Clock
from local.codepipeline.executions import KIND as EXECUTION
from local.codepipeline.executions import Executions
from local.sagemaker.faults import ServiceFault
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.store import Record, Store

KIND = "pipeline"
_PAGE = 100


class PipelineOperations:
    """Keeps declarations of pipelines; `Executions` runs them."""

    def __init__(self, store: Store, executions: Executions, clock: Clock, region: str, account: str) -> None:
        self._store = store
        self._executions = executions
        self._clock = clock
        self._prefix = f"arn:aws:codepipeline:{region}:{account}:"

    def operations(self) -> dict[str, Operation]:
        """By the API's names."""
        return {
            "CreatePipeline": self.create,
            "UpdatePipeline": self.update,
            "GetPipeline": self.get,
            "DeletePipeline": self.delete,
            "ListPipelines": self.list_pipelines,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list_tags,
            "StartPipelineExecution": self.start,
            "ListPipelineExecutions": self.list_executions,
            "GetPipelineExecution": self.get_execution,
            "ListActionExecutions": self.list_actions,
        }

    def create(self, request: Json) -> Json:
        """A new pipeline runs at once, as on AWS."""
        declared = {**request["pipeline"], "version": 1}
        now = self._clock.now()
        if not self._store.insert(KIND, declared["name"], {"pipeline": declared, "created": now, "updated": now}):
            message = f"A pipeline with the name '{declared['name']}' already exists"
            raise ServiceFault("PipelineNameInUseException", message)
        self._store.tag(self._arn(declared["name"]), _as_dict(request.get("tags", [])))
        self._executions.start(declared, "CreatePipeline")
        return {"pipeline": declared, "tags": request.get("tags", [])}

    def update(self, request: Json) -> Json:
        """The next execution follows the new declaration."""
        name = request["pipeline"]["name"]
        declared = {**request["pipeline"], "version": self._existing(name)["pipeline"]["version"] + 1}

        def change(record: Record) -> None:
            record.update(pipeline=declared, updated=self._clock.now())

        self._store.update(KIND, name, change)
        return {"pipeline": declared}

    def get(self, request: Json) -> Json:
        """Declaration and dates."""
        record = self._existing(request["name"])
        dates = {"created": record["created"], "updated": record["updated"]}
        return {"pipeline": record["pipeline"], "metadata": {"pipelineArn": self._arn(request["name"]), **dates}}

    def delete(self, request: Json) -> Json:
        """Of a pipeline that is not there too, as on AWS."""
        if self._store.delete(KIND, request["name"]):
            self._store.untag(self._arn(request["name"]))
            for execution in self._of(request["name"]):
                self._store.delete(EXECUTION, execution["pipelineExecutionId"])
        return {}

    def list_pipelines(self, _request: Json) -> Json:
        """All of them."""
        return {
            "pipelines": [
                {
                    "name": record["pipeline"]["name"],
                    "version": record["pipeline"]["version"],
                    "created": record["created"],
                    "updated": record["updated"],
                }
                for record in self._store.all(KIND)
            ]
        }

    def tag(self, request: Json) -> Json:
        """Add tags."""
        self._store.tag(request["resourceArn"], _as_dict(request["tags"]))
        return {}

    def untag(self, request: Json) -> Json:
        """Remove tags."""
        self._store.untag(request["resourceArn"], request["tagKeys"])
        return {}

    def list_tags(self, request: Json) -> Json:
        """In order of their keys."""
        return {
            "tags": [{"key": key, "value": value} for key, value in self._store.tags(request["resourceArn"]).items()]
        }

    def start(self, request: Json) -> Json:
        """Of the newest source."""
        declared = self._existing(request["name"])["pipeline"]
        return {"pipelineExecutionId": self._executions.start(declared, "StartPipelineExecution")}

    def list_executions(self, request: Json) -> Json:
        """Newest first."""
        self._existing(request["pipelineName"])
        newest = [
            {
                "pipelineExecutionId": each["pipelineExecutionId"],
                "status": each["status"],
                "startTime": each["startTime"],
                "lastUpdateTime": each["lastUpdateTime"],
                "sourceRevisions": each["sourceRevisions"],
                "trigger": {"triggerType": each["trigger"]},
            }
            for each in reversed(self._of(request["pipelineName"]))
        ]
        return {"pipelineExecutionSummaries": newest[: request.get("maxResults", _PAGE)]}

    def get_execution(self, request: Json) -> Json:
        """How far one has come."""
        found = self._execution(request["pipelineName"], request["pipelineExecutionId"])
        revisions = [
            {"name": each["actionName"], "revisionId": each["revisionId"]} for each in found["sourceRevisions"]
        ]
        told = {key: found[key] for key in ("pipelineName", "pipelineVersion", "pipelineExecutionId", "status")}
        return {"pipelineExecution": {**told, "artifactRevisions": revisions}}

    def list_actions(self, request: Json) -> Json:
        """Newest first."""
        wanted = request.get("filter", {}).get("pipelineExecutionId")
        found = [self._execution(request["pipelineName"], wanted)] if wanted else self._of(request["pipelineName"])
        return {"actionExecutionDetails": [action for each in reversed(found) for action in reversed(each["actions"])]}

    def _existing(self, name: str) -> Record:
        record = self._store.get(KIND, name)
        if record is None:
            raise ServiceFault("PipelineNotFoundException", f"Account does not have a pipeline with name '{name}'")
        return record

    def _execution(self, pipeline: str, execution: str) -> Record:
        self._existing(pipeline)
        for each in self._of(pipeline):
            if each["pipelineExecutionId"] == execution:
                return each
        raise ServiceFault("PipelineExecutionNotFoundException", f"No execution {execution} of pipeline {pipeline}")

    def _of(self, pipeline: str) -> list[Record]:
        return [each for each in self._store.all(EXECUTION) if each["pipelineName"] == pipeline]

    def _arn(self, name: str) -> str:
        return self._prefix + name


def _as_dict(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in tags}

"""Runs pipelines: stage after stage, action after action, each under the pipeline's role."""

import logging
import threading
import uuid
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local import credentials
from local.clock import Clock
from local.codepipeline.build import BuildFailed, Source, build
from local.sagemaker.json_rpc import Json
from local.sagemaker.store import Record, Store

KIND = "pipeline-execution"
_PIPELINE_PRINCIPAL = "codepipeline.amazonaws.com"
_log = logging.getLogger(__name__)


class ActionFailed(Exception):
    """An action of a pipeline did not do its work; the message is what the pipeline shows."""


class Executions:
    """One execution runs at a time, in the order of their start."""

    def __init__(self, store: Store, clock: Clock, region: str) -> None:
        self._store = store
        self._clock = clock
        self._region = region
        self._turn = threading.Lock()

    def start(self, pipeline: Json, trigger: str) -> str:
        """Begin an execution of a declared pipeline; its id."""
        now = self._clock.now()
        record: Record = {
            "pipelineName": pipeline["name"],
            "pipelineVersion": pipeline["version"],
            "pipelineExecutionId": str(uuid.uuid4()),
            "status": "InProgress",
            "startTime": now,
            "lastUpdateTime": now,
            "trigger": trigger,
            "sourceRevisions": [],
            "actions": [],
            "declaration": pipeline,
        }
        self._store.insert(KIND, record["pipelineExecutionId"], record)
        self._run_in_background(record)
        return str(record["pipelineExecutionId"])

    def resume(self) -> None:
        """Run again what a crash interrupted. Every action may be done twice."""
        for record in self._store.all(KIND):
            if record["status"] == "InProgress":
                record.update(sourceRevisions=[], actions=[])
                self._run_in_background(record)

    def _run_in_background(self, record: Record) -> None:
        threading.Thread(target=self._run, args=(record,), name="pipeline", daemon=True).start()

    def _run(self, record: Record) -> None:
        with self._turn:
            try:
                artefacts: dict[str, Source] = {}
                done = all(self._perform(record, stage, action, artefacts) for stage, action in _actions(record))
                self._note(record, status="Succeeded" if done else "Failed")
            except Exception:
                _log.exception("The execution %s of a pipeline broke", record["pipelineExecutionId"])
                self._note(record, status="Failed")

    def _perform(self, record: Record, stage: str, action: Json, artefacts: dict[str, Source]) -> bool:
        detail = {
            "pipelineExecutionId": record["pipelineExecutionId"],
            "actionExecutionId": str(uuid.uuid4()),
            "pipelineVersion": record["pipelineVersion"],
            "stageName": stage,
            "actionName": action["name"],
            "startTime": self._clock.now(),
            "lastUpdateTime": self._clock.now(),
            "status": "InProgress",
        }
        record["actions"].append(detail)
        self._note(record)
        try:
            result = self._result(record, action, artefacts)
            detail |= {"status": "Succeeded", "output": {"executionResult": result}}
        except (ActionFailed, BuildFailed, ClientError, BotoCoreError) as fault:
            error = {"errorDetails": {"code": "JobFailed", "message": str(fault)}}
            detail |= {"status": "Failed", "output": {"executionResult": error}}
        detail["lastUpdateTime"] = self._clock.now()
        self._note(record)
        return detail["status"] == "Succeeded"

    def _result(self, record: Record, action: Json, artefacts: dict[str, Source]) -> dict[str, str]:
        provider = action["actionTypeId"]["provider"]
        if provider == "S3":
            return self._fetch(record, action, artefacts)
        if provider == "CodeBuild":
            return self._build(record, action, artefacts)
        raise ActionFailed(f"The embedded cloud has no pipeline action {provider}.")

    def _fetch(self, record: Record, action: Json, artefacts: dict[str, Source]) -> dict[str, str]:
        """Copy the newest version of the source to where the next action finds it."""
        s3 = self._client("s3", record)
        bucket, key = action["configuration"]["S3Bucket"], action["configuration"]["S3ObjectKey"]
        try:
            found = s3.get_object(Bucket=bucket, Key=key)
        except s3.exceptions.NoSuchKey:
            raise ActionFailed(f"The object with key '{key}' does not exist.") from None
        body = found["Body"].read()
        store = record["declaration"]["artifactStore"]["location"]
        for artefact in action.get("outputArtifacts", []):
            kept = f"{record['pipelineName'][:20]}/{artefact['name']}/{record['pipelineExecutionId'][:7]}.zip"
            s3.put_object(Bucket=store, Key=kept, Body=body)
            artefacts[artefact["name"]] = Source(store, kept)
        revision = {
            "actionName": action["name"],
            "revisionId": found["VersionId"],
            "revisionUrl": f"s3://{bucket}/{key}",
        }
        record["sourceRevisions"].append(revision)
        return {"externalExecutionId": found["VersionId"]}

    def _build(self, record: Record, action: Json, artefacts: dict[str, Source]) -> dict[str, str]:
        codebuild = self._client("codebuild", record)
        project = action["configuration"]["ProjectName"]
        started = codebuild.start_build(projectName=project)["build"]["id"]
        described = credentials.client("codebuild", self._region).batch_get_projects(names=[project])["projects"][0]
        image = build(described, artefacts[action["inputArtifacts"][0]["name"]], self._region)
        return {"externalExecutionId": started, "externalExecutionSummary": image}

    def _client(self, service: str, record: Record) -> Any:
        role = credentials.role_credentials(
            record["declaration"]["roleArn"], _PIPELINE_PRINCIPAL, record["pipelineExecutionId"]
        )
        return credentials.client(service, self._region, role)

    def _note(self, record: Record, **changes: str) -> None:
        record.update(changes, lastUpdateTime=self._clock.now())
        # A pipeline that was deleted meanwhile takes its executions with it.
        self._store.update(KIND, record["pipelineExecutionId"], lambda kept: kept.update(record))


def _actions(record: Record) -> Iterator[tuple[str, Json]]:
    for stage in record["declaration"]["stages"]:
        for action in sorted(stage["actions"], key=lambda action: action.get("runOrder", 1)):
            yield stage["name"], action

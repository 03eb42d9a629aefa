"""What outlives every run: the bucket, the tables, the keys."""

from typing import cast

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from contracts.approval import OPEN_INDEX
from infra.deployment import Deployment
from infra.encryption import account_key
from infra.names import Names
from infra.retention import kept


class StorageStack(Stack):
    """The bucket with `datasets/`, `runs/` and `monitoring/`, the ledger, the approvals, and their keys."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        names = Names(deployment.name)
        super().__init__(
            scope,
            names.stack("storage"),
            description="Datasets, runs, captured requests, the release ledger, approvals and their audit.",
        )
        self._deployment = deployment
        self._key = account_key(self, deployment)
        self._kept = kept(deployment)
        self._bucket(names.bucket)
        # Claims, leases, champions, releases; and who was asked about which release.
        ledger = self._table("Ledger", names.ledger_table)
        CfnOutput(self, "LedgerTableName", value=ledger.table_name)
        approvals = self._table("Approvals", names.approvals_table)
        # Only requests that still need something are in it, so it is as small as they are few.
        approvals.add_global_secondary_index(
            index_name=OPEN_INDEX,
            partition_key=dynamodb.Attribute(name=OPEN_INDEX, type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="attend_at", type=dynamodb.AttributeType.NUMBER),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        # Who was asked, looked and decided: entries are added, and no role of the product may change one.
        audit = self._table("Audit", names.audit_table)
        CfnOutput(self, "AuditTableName", value=audit.table_name)
        self.token_key = kms.Key(
            self,
            "TokenKey",
            description="Encrypts task tokens of pending approvals.",
            enable_key_rotation=True,
            # Nothing that is encrypted with it is worth more than a pending approval.
            removal_policy=RemovalPolicy.DESTROY,
            pending_window=Duration.days(7),
        )
        self.signing_keys = {number: self._signing_key(number) for number in sorted(deployment.signing_keys)}

    def _signing_key(self, number: int) -> kms.Key:
        # KMS rotates no HMAC keys. What an old one has signed holds for as long as the settings name it.
        return kms.Key(
            self,
            f"SigningKey{number}",
            description="Signs mailed links, and the nonces of the pages behind them.",
            key_spec=kms.KeySpec.HMAC_256,
            key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC,
            removal_policy=RemovalPolicy.DESTROY,
            pending_window=Duration.days(7),
        )

    def _bucket(self, name: str) -> None:
        retention = self._deployment.retention
        bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=name,
            versioned=True,
            encryption=s3.BucketEncryption.KMS if self._key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self._key,
            # Otherwise every object would be a request to KMS.
            bucket_key_enabled=True if self._key else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            removal_policy=self._kept,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="captured-requests", prefix="monitoring/", expiration=Duration.days(retention.capture_days)
                ),
                s3.LifecycleRule(
                    id="superseded-versions",
                    noncurrent_version_expiration=Duration.days(retention.superseded_days),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                ),
                # A marker with nothing behind it only slows listings down.
                s3.LifecycleRule(id="lone-delete-markers", expired_object_delete_marker=True),
            ],
        )
        resource = cast("s3.CfnBucket", bucket.node.default_child)
        # The L2's `event_bridge_enabled` does the same through a Lambda function and a role of its own.
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        CfnOutput(self, "BucketName", value=bucket.bucket_name).override_logical_id("BucketOutput")

    def _table(self, name: str, table_name: str) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            name,
            table_name=table_name,
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if self._key else None,
            encryption_key=self._key,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            # Cleans up only: whoever reads checks the expiry, because DynamoDB deletes days late.
            time_to_live_attribute="purge_at",
            removal_policy=self._kept,
        )

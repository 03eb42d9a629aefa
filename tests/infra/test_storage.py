from tests.infra.template import Template


def test_bucket_is_named_after_region_and_account(storage: Template) -> None:
    assert storage.text(storage.properties("AWS::S3::Bucket")["BucketName"]) == "mlops-us-east-1-123456789012"


def test_bucket_refuses_plain_http_and_the_public(storage: Template) -> None:
    assert set(storage.properties("AWS::S3::Bucket")["PublicAccessBlockConfiguration"].values()) == {True}
    (statement,) = storage.properties("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_only_captured_requests_expire(storage: Template) -> None:
    rules = storage.properties("AWS::S3::Bucket")["LifecycleConfiguration"]["Rules"]
    assert [rule.get("Prefix") for rule in rules if "ExpirationInDays" in rule] == ["monitoring/"]
    assert [rule["NoncurrentVersionExpiration"] for rule in rules if "NoncurrentVersionExpiration" in rule] == [
        {"NoncurrentDays": 180}
    ]


def test_tables_are_on_demand_recoverable_and_cleaned_up(storage: Template) -> None:
    tables = storage.of_type("AWS::DynamoDB::Table").values()
    assert sorted(each["Properties"]["TableName"] for each in tables) == [
        *("mlops-approvals", "mlops-audit", "mlops-ledger")
    ]
    for table in tables:
        properties = table["Properties"]
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert properties["TimeToLiveSpecification"] == {"AttributeName": "purge_at", "Enabled": True}
        assert [(key["AttributeName"], key["KeyType"]) for key in properties["KeySchema"]] == [
            ("pk", "HASH"),
            ("sk", "RANGE"),
        ]


def test_data_outlives_its_stack_but_not_a_creation_that_failed(storage: Template) -> None:
    for kind in ("AWS::S3::Bucket", "AWS::DynamoDB::Table"):
        for resource in storage.of_type(kind).values():
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_tokens_are_encrypted_and_links_signed_with_keys_of_their_own(storage: Template) -> None:
    assert storage.properties("AWS::KMS::Key", "TokenKey")["EnableKeyRotation"] is True
    signing_key = storage.properties("AWS::KMS::Key", "SigningKey1")
    assert (signing_key["KeySpec"], signing_key["KeyUsage"]) == ("HMAC_256", "GENERATE_VERIFY_MAC")


def test_commands_find_the_bucket(storage: Template) -> None:
    bucket = next(iter(storage.of_type("AWS::S3::Bucket")))
    assert storage.all["Outputs"]["BucketOutput"] == {"Value": {"Ref": bucket}}


def test_only_keys_are_exported(storage: Template) -> None:
    exported = {storage.text(output["Value"]) for output in storage.all["Outputs"].values() if "Export" in output}
    assert {arn.rpartition("/")[2][:-8] for arn in exported} == {"TokenKey", "SigningKey1"}

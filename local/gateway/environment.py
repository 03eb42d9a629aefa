"""The environment variables the emulator reads when it is imported."""

import os
from collections.abc import MutableMapping
from pathlib import Path

from local.configuration import Configuration
from local.credentials import ROOT

# A laptop's own AWS settings must neither reach the emulated account nor change how the clients in it behave.
_FOREIGN_PREFIXES = ("AWS_", "MINISTACK_", "LOCALSTACK_", "LAMBDA_", "S3_", "SMTP_", "EDGE_PORT", "SERVICES")


def emulator_environment(configuration: Configuration) -> dict[str, str]:
    """What the emulator must find in its environment: one port, loopback, IAM on, nothing beside HTTP."""
    return {
        "GATEWAY_PORT": str(configuration.port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_ACCOUNT_ID": configuration.account,
        "MINISTACK_REGION": configuration.region,
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
        "AWS_ACCESS_KEY_ID": ROOT.access_key_id,
        "AWS_SECRET_ACCESS_KEY": ROOT.secret_access_key,
        "AWS_REGION": configuration.region,
        "AWS_DEFAULT_REGION": configuration.region,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{configuration.port}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **_persistence(configuration.state_dir),
    }


def apply(configuration: Configuration, environment: MutableMapping[str, str]) -> None:
    """Replace the laptop's settings by the cloud's. Must run before anything of the emulator is imported."""
    for name in [name for name in environment if name.startswith(_FOREIGN_PREFIXES)]:
        del environment[name]
    environment.update(emulator_environment(configuration))


def _persistence(state_dir: Path | None) -> dict[str, str]:
    if state_dir is None:
        return {"PERSIST_STATE": "0"}
    return {
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state_dir / "services"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state_dir / "objects"),
    }

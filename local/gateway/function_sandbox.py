"""What a Lambda function may see: the SDK that AWS's runtime brings, its layers, its zip, and a clean environment."""

import hashlib
import importlib.util
import io
import os
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.configuration import Configuration
from local.gateway.compiled_packages import compiled_packages, link_packages, members_without
from local.gateway.lambda_worker import LAYER_ROOT, TASK_ROOT

# What the Python runtime of Lambda has beside the standard library, and nothing else of this process's packages.
_SDK_MODULES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
# AWS's limit for a function and its layers together, unpacked.
MAX_UNPACKED_BYTES = 262_144_000
# Set by Lambda for every function; a function's own value of the same name is refused on AWS.
_HANDED_ON = ("PATH", "SYSTEMROOT", "TMPDIR")


class UnpackFailed(ValueError):
    """A zip of a function or layer that Lambda would not take."""


class Sandboxes:
    """Folders that functions run in: each distinct zip is unpacked once, read by every worker that needs it."""

    def __init__(self, state_dir: Path | None) -> None:
        if state_dir is None:
            self._root = Path(tempfile.mkdtemp(prefix="embedded-cloud-functions-"))
        else:
            self._root = state_dir / "functions"
            shutil.rmtree(self._root, ignore_errors=True)  # what a crash left
            self._root.mkdir()
        self._unpacking = threading.Lock()
        self.sdk = self._root / "sdk"
        _link_sdk(self.sdk)

    def unpacked(self, archive: bytes) -> Path:
        """The folder with the archive's contents. Raises UnpackFailed."""
        target = self._root / hashlib.sha256(archive).hexdigest()[:32]
        with self._unpacking:
            if not target.exists():
                part = Path(tempfile.mkdtemp(dir=self._root))
                _unpack(archive, part)
                part.rename(target)
        return target

    def remove(self) -> None:
        """Delete everything unpacked."""
        shutil.rmtree(self._root, ignore_errors=True)


def _link_sdk(folder: Path) -> None:
    folder.mkdir()
    for name in _SDK_MODULES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise UnpackFailed(f"The SDK for functions lacks {name}")
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)


def _unpack(archive: bytes, target: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            if sum(member.file_size for member in opened.infolist()) > MAX_UNPACKED_BYTES:
                raise UnpackFailed(f"Unzipped size must be smaller than {MAX_UNPACKED_BYTES} bytes")
            compiled = compiled_packages(opened)
            opened.extractall(target, members_without(opened, compiled))  # drops absolute paths and ".." itself
            if compiled and (missing := link_packages(compiled, target)):
                raise UnpackFailed(f"The layer's {missing[0]} is compiled for Lambda, and is not installed here")
    except zipfile.BadZipFile as error:
        raise UnpackFailed(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from error


def search_path(code: Path, layers: list[Path], sdk: Path) -> list[str]:
    """Python's search path in AWS's order: the function, its layers (a later one first), the runtime's SDK."""
    found = [str(code)]
    for layer in reversed(layers):
        folders = (layer / "python", *layer.glob("python/lib/python3.*/site-packages"))
        found += [str(folder) for folder in folders if folder.is_dir()]
    return [*found, str(sdk)]


def mounts(code: Path, layers: list[Path], sdk: Path) -> dict[str, str]:
    """Real folder → where a function finds it on AWS, for stack traces."""
    ours = {str(code): TASK_ROOT, **{str(layer): LAYER_ROOT for layer in layers}, str(sdk): "/var/runtime"}
    return ours | {str(Path(os.__file__).parent): "/var/lang/lib/python3.13"}


def environment(
    configuration: Configuration,
    function: Mapping[str, Any],
    session: Mapping[str, str],
    code: Path,
) -> dict[str, str]:
    """A function's environment: its own variables under those that Lambda sets; nothing else of this process."""
    own = (function.get("Environment") or {}).get("Variables") or {}
    name, region = function["FunctionName"], function["FunctionArn"].split(":")[3]
    return {
        **{key: os.environ[key] for key in _HANDED_ON if key in os.environ},
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{configuration.port}",
        **{key: str(value) for key, value in own.items()},
        **session,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.get('Runtime', 'python3.13')}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.get("Version", "$LATEST"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.get("MemorySize", 128)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": (function.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}",
        "LAMBDA_TASK_ROOT": str(code),
        "_HANDLER": function.get("Handler", ""),
        # The laptop's own AWS files and network must play no part.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }

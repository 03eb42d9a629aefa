"""The servers that are measured: how each is started, and what it speaks."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.project import PROJECT
from tests.bench.serving.datasets import Dataset
from tests.bench.serving.protocols import ARRAY, CSV, OPEN_INFERENCE, Protocol

PEERS = Path(__file__).parent / "peers"
PEER_BINARIES = PROJECT.built / "bench-serving-environment" / "bin"
# What the product's server takes for the number of its worker processes.
WORKERS_VARIABLE = "SAGEMAKER_MODEL_SERVER_WORKERS"
# As the toolkit's own start script writes them, but for the addresses: that one serves the whole network.
_MULTI_MODEL_SERVER_SETTINGS = """\
enable_envvars_config=true
decode_input_request=false
load_models=ALL
inference_address=http://127.0.0.1:{port}
management_address=http://127.0.0.1:{port}
default_workers_per_model=1
default_response_timeout=60
default_service_handler=sagemaker_inference.default_handler_service
vmargs=-XX:-UseContainerSupport
"""


class Missing(Exception):
    """A stack cannot be measured here; the message says what to install."""


@dataclass(frozen=True)
class Start:
    """A process to start."""

    command: list[str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Stack:
    """`start` is told the dataset, the port and a folder of its own. A constant answer is asked for class 0."""

    name: str
    protocol: Protocol
    start: Callable[[Dataset, int, Path], Start]
    workers: int = 1
    constant: bool = False
    product: bool = False

    @property
    def label(self) -> str:
        """Told apart from the same stack with other workers."""
        return self.name if self.workers == 1 else f"{self.name}, {self.workers} workers"


def stacks() -> list[Stack]:
    """All, in the order of the table."""
    cores = os.cpu_count() or 1
    return [
        Stack("nginx, a constant", CSV, _nginx, constant=True),
        *_ours(sorted({1, cores})),
        Stack("gunicorn gevent + flask + scikit-learn", CSV, _gunicorn("gevent", "flask_rows:app")),
        Stack("inference-server (gunicorn gevent)", CSV, _gunicorn("gevent", "inference_app:app")),
        Stack("MLServer", OPEN_INFERENCE, _mlserver),
        Stack("BentoML", ARRAY, _bentoml),
        Stack("multi-model-server + sagemaker-inference", CSV, _multi_model_server),
    ]


def tables_stack() -> Stack:
    """For bodies of many rows."""
    return Stack("gunicorn gevent + flask + pandas + scikit-learn", CSV, _gunicorn("gevent", "flask_tables:app"))


def _ours(workers: list[int]) -> list[Stack]:
    return [Stack("ours", CSV, _started_with(count), workers=count, product=True) for count in workers]


def _started_with(workers: int) -> Callable[[Dataset, int, Path], Start]:
    def start(dataset: Dataset, port: int, _folder: Path) -> Start:
        environment = {
            "SAGEMAKER_BASE_DIR": str(dataset.layout.base),
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "SERVE_HOST": "127.0.0.1",
            WORKERS_VARIABLE: str(workers),
            "PYTHONPATH": str(PROJECT.root),
        }
        return Start([sys.executable, "-m", "container", "serve"], environment)

    return start


def _gunicorn(worker_class: str, application: str) -> Callable[[Dataset, int, Path], Start]:
    def start(dataset: Dataset, port: int, folder: Path) -> Start:
        command = [_peer("gunicorn"), "--worker-class", worker_class, "--workers", "1", "--bind", f"127.0.0.1:{port}"]
        command += ["--keep-alive", "75", "--chdir", str(PEERS), "--no-control-socket", application]
        return Start(command, _environment(dataset, folder))

    return start


def _mlserver(dataset: Dataset, port: int, folder: Path) -> Start:
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": port + 1,
        "metrics_port": port + 2,
        "parallel_workers": 0,  # in the server's own process: the fastest way for one worker
        "debug": False,
    }
    model = {
        "name": "forest",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(dataset.estimator)},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))
    return Start([_peer("mlserver"), "start", str(folder)], _environment(dataset, folder))


def _bentoml(dataset: Dataset, port: int, folder: Path) -> Start:
    command = [_peer("bentoml"), "serve", "bento_service:Forest", "--working-dir", str(PEERS)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--api-workers", "1"]
    environment = {"BENTOML_HOME": str(folder / "home"), "BENTOML_DO_NOT_TRACK": "True"}
    return Start(command, {**_environment(dataset, folder), **environment})


def _multi_model_server(dataset: Dataset, port: int, folder: Path) -> Start:
    if not shutil.which("java"):
        raise Missing("there is no java; on Debian: apt-get install openjdk-17-jre-headless")
    code = folder / "model" / "code"
    code.mkdir(parents=True)
    shutil.copy(PEERS / "inference.py", code)
    settings = folder / "settings.properties"
    settings.write_text(_MULTI_MODEL_SERVER_SETTINGS.format(port=port))
    command = [_peer("multi-model-server"), "--start", "--foreground", "--model-store", "/"]
    command += ["--mms-config", str(settings), "--models", f"model={code.parent}"]
    # The start script of the toolkit gives its own settings of the log, which write no line for a request.
    quiet = PEER_BINARIES.parent.glob("lib/python3*/site-packages/sagemaker_inference/etc/log4j2.xml")
    command += ["--log-config", str(next(quiet))]
    environment = {"SAGEMAKER_BASE_DIR": str(folder), "PYTHONPATH": f"{code}:", "TEMP": str(folder)}
    return Start(command, {**_environment(dataset, folder), **environment})


def _nginx(_dataset: Dataset, port: int, folder: Path) -> Start:
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not binary:
        raise Missing("there is no nginx; on Debian: apt-get install nginx-light")
    settings = folder / "nginx.conf"
    settings.write_text(f"""\
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr;
events {{ worker_connections 64; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ default_type text/csv; return 200 "0"; }} }}
}}
""")
    return Start([binary, "-e", "stderr", "-p", str(folder), "-c", str(settings)], {})


def _peer(name: str) -> str:
    binary = PEER_BINARIES / name
    if not binary.is_file():
        raise Missing(f"{name} is not installed; `make bench-serving` installs it")
    return str(binary)


def _environment(dataset: Dataset, folder: Path) -> dict[str, str]:
    """Of a peer: its own environment's programs first, and files that it makes in its folder."""
    path = f"{PEER_BINARIES}{os.pathsep}{os.environ.get('PATH', '')}"
    return {"ESTIMATOR": str(dataset.estimator), "PATH": path, "TMPDIR": str(folder), "HOME": str(folder)}

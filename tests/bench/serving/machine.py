"""What the figures were taken on and with."""

import json
import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from tests.bench.serving.stacks import PEER_BINARIES

_OURS = ("numpy", "onnxruntime", "scikit-learn")
_PEERS = (
    *("bentoml", "flask", "gevent", "gunicorn", "inference-server", "mlserver", "mlserver-sklearn"),
    *("multi-model-server", "numpy", "pandas", "sagemaker-inference", "scikit-learn"),
)
_TELL = (
    "import json, sys; from importlib.metadata import version; print(json.dumps({n: version(n) for n in sys.argv[1:]}))"
)


def machine() -> dict[str, object]:
    """The processor, how many may be used, and how many processes waited for them when the run began."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "load_average": os.getloadavg()[0],
    }


def versions() -> dict[str, object]:
    """Of the libraries on both sides."""
    told: dict[str, object] = {"python": platform.python_version(), "ours": {name: version(name) for name in _OURS}}
    python = PEER_BINARIES / "python"
    if python.is_file():
        asked = subprocess.run(
            [python, "-c", _TELL, *_PEERS], check=True, stdout=subprocess.PIPE, text=True, timeout=60
        )
        told["peers"] = json.loads(asked.stdout)
    return told

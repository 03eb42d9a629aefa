"""Imports moto's Step Functions interpreter without the rest of moto.

moto's packages import everything they are part of: `moto.stepfunctions` its emulation of the API, `moto.core` the
stubbing of botocore, the task factory every integration (and with AWS Batch all of EC2). Here stand-ins take those
places while the interpreter is imported, which takes a quarter of the time and a fifth of the memory. They are taken
away afterwards, so that whoever imports moto in the same process gets the real packages.
"""

import importlib
import importlib.util
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

_PARENTS = ("moto", "moto.core", "moto.logs", "moto.stepfunctions")
_FACTORY = "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_factory"
_CLIENTS = "moto.stepfunctions.parser.asl.utils.boto_client"
_LOGS = "moto.logs.models"
_lock = threading.Lock()


def import_interpreter() -> None:
    """Import the parser and with it every component of the language. Cheap after the first time."""
    with _lock:
        if "moto.stepfunctions.parser.asl.parse.asl_parser" in sys.modules:
            return
        with _stand_ins():
            importlib.import_module("moto.stepfunctions.parser.asl.parse.asl_parser")
    # It logs each failure with the whole parse tree of the component that failed.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)


@contextmanager
def _stand_ins() -> Iterator[None]:
    absent = [name for name in _PARENTS if name not in sys.modules]
    root = _moto_folder()
    for name in absent:
        folder = root.joinpath(*name.split(".")[1:])
        # The package without what its `__init__` would import.
        sys.modules[name] = _module(name, __path__=[str(folder)], __file__=str(folder / "__init__.py"))
    # These two stay: they are what the interpreter is told to use instead.
    sys.modules.setdefault(_FACTORY, _module(_FACTORY, state_task_service_for=_no_integration))
    sys.modules.setdefault(_CLIENTS, _module(_CLIENTS, boto_client_for=_no_client))
    logs_absent = _LOGS not in sys.modules
    if logs_absent:
        sys.modules[_LOGS] = _module(_LOGS, LogEvent=None, LogsBackend=None, logs_backends=None)
    try:
        yield
    finally:
        for name in absent + ([_LOGS] if logs_absent else []):
            sys.modules.pop(name, None)


def _moto_folder() -> Path:
    specification = importlib.util.find_spec("moto")
    if specification is None or not specification.submodule_search_locations:
        raise ModuleNotFoundError("moto is not installed; the embedded cloud interprets state machines with it")
    return Path(specification.submodule_search_locations[0])


def _module(name: str, **attributes: Any) -> ModuleType:
    module = ModuleType(name)
    for attribute, value in attributes.items():
        setattr(module, attribute, value)
    return module


def _no_integration(service_name: str) -> Any:
    raise ValueError(f"the integration {service_name} was asked for before the interpreter was repaired")


def _no_client(**_: object) -> Any:
    raise ValueError("the interpreter asked for a client of its own")

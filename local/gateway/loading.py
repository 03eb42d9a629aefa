"""The emulator's modules when they are needed and not before, with hooks that run as they come.

Its CloudFormation imports nearly every service at once: two seconds and 40 MB, mostly for services nobody here uses.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

Hook = Callable[[Any], None]


class _AfterImport(importlib.abc.MetaPathFinder):
    """Runs hooks when a module has been executed, before anyone who imports it goes on."""

    def __init__(self) -> None:
        self.hooks: dict[str, list[Hook]] = {}
        self.late: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.hooks and fullname not in self.late:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            for hook in self.hooks.pop(fullname, []):
                hook(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        if fullname in self.late:
            spec.loader = _LateLoader(spec.loader)
        return spec


class _LateLoader(importlib.abc.Loader):
    """Makes a module that is executed when somebody first asks it for something.

    The standard library's LazyLoader shows a half-executed module to other threads in Python 3.11.
    """

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__late__"] = _Late(self._loader)
        module.__class__ = _LateModule


class _Late:
    """How far a late module is. The lock is reentrant: a module's own code asks it for things while it is executed."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self.loader = loader
        self.lock = threading.RLock()
        self.begun = False


class _LateModule(ModuleType):
    def __getattribute__(self, name: str) -> Any:
        late: _Late | None = object.__getattribute__(self, "__dict__").get("__late__")
        # Imports ask for these without needing the module's content.
        if late is not None and name not in ("__class__", "__spec__", "__dict__", "__name__"):
            with late.lock:
                if not late.begun:
                    late.begun = True
                    late.loader.exec_module(self)
                    del self.__dict__["__late__"]
                    self.__class__ = ModuleType  # type: ignore[assignment]
        return object.__getattribute__(self, name)


_finder = _AfterImport()


# Imported by CloudFormation for resource types that no stack here has; loaded when one has, after all.
_RARELY_USED = (
    "acm",
    "alb",
    "apigateway",
    "apigateway_v1",
    "appconfig",
    "appsync",
    "athena",
    "autoscaling",
    "backup",
    "cloudfront",
    "codebuild",
    "cognito",
    "documentdb",
    "ec2",
    "ecs",
    "efs",
    "elasticache",
    "firehose",
    "glue",
    "iot",
    "kinesis",
    "kinesisanalyticsv2",
    "opensearch",
    "rds",
    "route53",
    "s3tables",
    "servicediscovery",
    "stepfunctions",
    "waf",
)


def import_late() -> None:
    """Have rarely used services imported at their first use."""
    # Containers are run by the cloud's own back ends; the engine's client would cost 0.2 s and look for an engine.
    sys.modules["docker"] = None  # type: ignore[assignment]
    _finder.late.update(f"ministack.services.{name}" for name in _RARELY_USED)
    _watch()


def is_loaded(module: ModuleType) -> bool:
    """Whether a module has been executed; asking it for an attribute would execute it."""
    return not isinstance(module, _LateModule)


def _watch() -> None:
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def after_import(module: str, hook: Hook) -> None:
    """Call ``hook(module)`` once the module has been imported: now, or whenever that will be."""
    if module in sys.modules and is_loaded(sys.modules[module]):
        hook(sys.modules[module])
        return
    _watch()
    _finder.hooks.setdefault(module, []).append(hook)

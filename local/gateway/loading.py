"""The emulator's modules when they are needed and not before, with hooks that run as they come.

Its CloudFormation imports nearly every service at once: two seconds and 40 MB, mostly for services nobody here uses.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
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
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


_finder = _AfterImport()


# Imported by CloudFormation for resource types that no stack here has; loaded when one has, after all.
_RARELY_USED = ["acm", "alb", "apigateway", "apigateway_v1", "appconfig", "appsync", "athena", "autoscaling", "backup", "cloudfront", "codebuild", "cognito", "documentdb", "ec2", "ecs", "efs", "elasticache", "firehose", "glue", "iot", "kinesis", "kinesisanalyticsv2", "opensearch", "rds", "route53", "s3tables", "servicediscovery", "waf"]


def import_late() -> None:
    """Have rarely used services imported at their first use."""
    # Containers are run by the cloud's own back ends; the engine's client would cost 0.2 s and look for an engine.
    sys.modules["docker"] = None  # type: ignore[assignment]
    _finder.late.update(f"ministack.services.{name}" for name in _RARELY_USED)
    _watch()


def is_loaded(module: ModuleType) -> bool:
    """Whether a module has been executed; asking it for an attribute would execute it."""
    return type(module).__name__ != "_LazyModule"


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

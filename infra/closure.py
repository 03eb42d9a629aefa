"""Which of the project's files a function needs: its own, and those of the inner packages that they import."""

import ast
from collections.abc import Iterator
from pathlib import Path

from infra.project import CannotSynthesise

_CARRIED = ("approvals", "contracts", "mails", "tables")
# Everything else of ours lies further out: a function that imported it would carry the tool shed along.
_OUR_OTHER_PACKAGES = {"commands", "container", "infra", "labs", "load", "local", "scaling", "statemachine", "tests"}


def source_files(root: Path, verb: str) -> list[Path]:
    """The files of `functions/<verb>`, and of the inner packages what they import, directly or not; sorted.

    A function carries only what it imports, so that a changed contract publishes anew only those that use it.

    Raises:
        CannotSynthesise: the function imports another function, or another of our packages.
    """
    folder = root / "functions" / verb
    own = set(_sources(folder))
    needed = own | {root / "functions" / "__init__.py"}
    waiting = sorted(file for file in own if file.suffix == ".py")
    while waiting:
        importer = waiting.pop()
        for module in _imports(importer, root):
            _refuse_foreign(importer.relative_to(root), module, verb)
            found = _files(root, module) - needed
            needed |= found
            waiting += sorted(found)
    # Templates and the like are few, and no import tells who reads them.
    for package in (root / name for name in _CARRIED):
        if package / "__init__.py" in needed:
            needed |= {file for file in _sources(package) if file.suffix != ".py"}
    return sorted(file for file in needed if file.is_file())


def _sources(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") or part == "__pycache__" for part in file.relative_to(folder).parts)
        if file.is_file() and not hidden and file.suffix != ".pyc":
            yield file


def _imports(file: Path, root: Path) -> Iterator[str]:
    """Every module name that a file may be importing, with the names it takes from packages appended."""
    package = file.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), filename=str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _refuse_foreign(importer: Path, module: str, verb: str) -> None:
    top, _, rest = module.partition(".")
    sibling = rest.partition(".")[0]
    if top in _OUR_OTHER_PACKAGES:
        raise CannotSynthesise(
            f"{importer}: imports {module}; a function may import {', '.join(_CARRIED)} and nothing else of ours"
        )
    if top == "functions" and sibling not in ("", verb):
        raise CannotSynthesise(f"{importer}: imports {module}; functions do not import each other")


def _files(root: Path, module: str) -> set[Path]:
    """The files behind a module name: the packages on the way, and the module itself."""
    parts = module.split(".")
    if parts[0] not in _CARRIED:
        return set()
    path = root.joinpath(*parts)
    packages = {root.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)}
    return {file for file in packages | {path.with_suffix(".py")} if file.is_file()}

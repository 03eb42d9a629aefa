"""Makes build/cloud-assembly when a source has changed: `python3 -m infra.synthesise [--force]`."""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from infra.app import EXPLAINED, synthesise_app
from infra.code_version import commit
from infra.fingerprint import fingerprint
from infra.project import PROJECT, Project, alone
from infra.staging import stage_layers


def synthesise(project: Project, *, force: bool = False) -> list[str]:
    """Stage, synthesise, and note from what; gives back the sources that made this necessary, none when all is fresh.

    Raises:
        CannotSynthesise, InvalidSettings, InvalidDefinition: a person has to mend something; the message says what.
            The assembly that was there stays.
    """
    with alone(project):
        return _synthesise(project, force=force)


def _synthesise(project: Project, *, force: bool) -> list[str]:
    # Templates tell the commit, too, so that a manifest does.
    now = {**fingerprint(project), "commit": commit(project)}
    changed = sorted(now) if force else changes(_noted(project), now)
    if not changed and project.assembly.is_dir():
        return []
    fresh = project.assembly.with_name("cloud-assembly.new")
    shutil.rmtree(fresh, ignore_errors=True)
    synthesise_app(project, fresh, ready_layers=stage_layers)
    shutil.rmtree(project.assembly, ignore_errors=True)
    fresh.rename(project.assembly)
    _note(project).write_text(json.dumps(now, indent=1), encoding="utf-8")
    return changed or sorted(now)


def changes(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """The names that were added, changed or removed."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _note(project: Project) -> Path:
    return project.built / "cloud-assembly.json"


def _noted(project: Project) -> dict[str, str]:
    try:
        noted: dict[str, str] = json.loads(_note(project).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return noted


def main(arguments: list[str] | None = None, project: Project = PROJECT) -> int:
    """Exit status: 0, or 1 after explaining on stderr what is wrong."""
    parser = argparse.ArgumentParser(prog="python3 -m infra.synthesise", description=__doc__)
    parser.add_argument("--force", action="store_true", help="synthesise even when no source has changed")
    begun, where = time.monotonic(), project.told(project.assembly)
    try:
        changed = synthesise(project, force=parser.parse_args(arguments).force)
    except EXPLAINED as fault:
        print(project.told(fault), file=sys.stderr)
        return 1
    if changed:
        named = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        print(f"Templates made in {time.monotonic() - begun:.0f} s in {where}; changed: {named}")
    else:
        print(f"Templates in {where} are up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Packages of a layer that are compiled for Lambda's processor and Python: here this environment's own stand in.

Both come from the same locks, so that they are the same libraries.
"""

import sysconfig
import zipfile
from pathlib import Path, PurePosixPath

_LAYER_PACKAGES = "python"
_COMPILED = (".so",)


def compiled_packages(archive: zipfile.ZipFile) -> set[str]:
    """The top folders of a layer's packages that hold compiled files, as they are called in site-packages."""
    paths = [PurePosixPath(name) for name in archive.namelist()]
    return {
        path.parts[1]
        for path in paths
        if len(path.parts) > 2 and path.parts[0] == _LAYER_PACKAGES and set(path.suffixes) & set(_COMPILED)
    }


def members_without(archive: zipfile.ZipFile, packages: set[str]) -> list[str]:
    """Everything but those packages."""
    left_out = {f"{_LAYER_PACKAGES}/{package}" for package in packages}
    return [name for name in archive.namelist() if "/".join(name.split("/")[:2]) not in left_out]


def link_packages(packages: set[str], layer: Path) -> list[str]:
    """Put this environment's packages in the places of the layer's; gives back those that it has not."""
    installed = Path(sysconfig.get_path("platlib"))
    (layer / _LAYER_PACKAGES).mkdir(parents=True, exist_ok=True)
    missing = []
    for package in sorted(packages):
        if (installed / package).is_dir():
            (layer / _LAYER_PACKAGES / package).symlink_to(installed / package)
        elif not package.endswith(".libs"):  # shared libraries beside a package, not a package
            missing.append(package)
    return missing

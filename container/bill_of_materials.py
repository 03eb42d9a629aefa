"""Adds the base's Debian packages to a CycloneDX document of Python packages: `... < python.json > all.json`.

Run while the image is built. Sources: CycloneDX 1.6; package URLs of type `deb` (purl-spec).
"""

import json
import subprocess
import sys
from typing import Any
from urllib.parse import quote

_FORMAT = "${Package}\t${Version}\t${Architecture}\n"


def add_debian_packages(document: dict[str, Any], listed: str) -> dict[str, Any]:
    """The document with one more component for each line of name, version and architecture."""
    lines = [line.split("\t") for line in listed.splitlines()]
    packages = [_component(*line) for line in sorted(lines)]
    return {**document, "components": [*document.get("components", []), *packages]}


def _component(name: str, version: str, architecture: str) -> dict[str, Any]:
    address = f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}?arch={architecture}"
    return {"type": "library", "name": name, "version": version, "purl": address, "bom-ref": address}


def main() -> None:
    """Ends with a status other than 0 where there is no dpkg."""
    listed = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={_FORMAT}"], check=True, capture_output=True, text=True
    )
    json.dump(add_debian_packages(json.load(sys.stdin), listed.stdout), sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()

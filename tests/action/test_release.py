"""What a release holds beside the program."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import zipfile
from typing import Any

import pytest
from conftest import SYSTEMS, VERSION
from runner import ROOT

NAME = f"runbook-lint-v{VERSION}"


def held(name: str, archive: bytes) -> dict[str, bytes]:
    """The files of an archive, by their names below its one directory."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(archive)) as it:
            files = {info.filename: it.read(info) for info in it.infolist() if not info.is_dir()}
    else:
        with tarfile.open(fileobj=io.BytesIO(archive)) as it:
            files = {info.name: it.extractfile(info).read() for info in it if info.isfile()}
    return {path.partition("/")[2]: content for path, content in files.items()}


def crates(target: str) -> set[tuple[str, str]]:
    """What is built into the program, as Cargo says it."""
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"]
    shown = subprocess.run([*command, "--target", target], cwd=ROOT, check=True, capture_output=True, text=True)
    lines = (line.split() for line in shown.stdout.splitlines())
    return {(name, version.removeprefix("v")) for name, version, *_ in lines}


@pytest.mark.parametrize("archive", sorted(set(SYSTEMS.values())))
def test_a_bill_of_materials(archives: dict[str, bytes], archive: str) -> None:
    target = archive.partition(".")[0]
    files = held(archive, archives[f"{NAME}-{archive}"])
    assert {"LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY.md", "README.md", "runbook-lint.cdx.json"} < set(files)
    assert archives[f"{NAME}-{target}.cdx.json"] == files["runbook-lint.cdx.json"]
    bill: dict[str, Any] = json.loads(files["runbook-lint.cdx.json"])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    components = [bill["metadata"]["component"], *bill["components"]]
    named = {(it["name"], it["version"]) for it in components}
    # Cargo's metadata does not say which features a platform turns on, so some may be in it too much.
    assert crates(target) <= named <= crates("all")
    registry = [it for it in bill["components"] if it["bom-ref"].startswith("registry")]
    assert all(it["hashes"] and it["licenses"] for it in registry)

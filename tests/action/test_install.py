"""How the action gets runbook-lint."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import SYSTEMS, VERSION, Releases, url_of
from projects import CLEAN, write
from runner import ROOT

LINUX = url_of(SYSTEMS["Linux", "X64"])


def installed(runner: Any) -> Path:
    return runner.temporary / "runbook-lint/bin" / ("runbook-lint.exe" if runner.system == "Windows" else "runbook-lint")


def fails_to_install(outcome: Any, *words: str) -> bool:
    """It did not get to checking, and one annotation says why."""
    [annotation] = outcome.annotations()
    assert annotation.name == "error"
    assert all(word in annotation.data for word in words), annotation.data
    assert set(outcome.outputs.values()) == {""}
    return not outcome.succeeded and outcome.order[-1] == "Install runbook-lint"


@pytest.mark.parametrize(("system", "architecture"), SYSTEMS)
def test_the_archive_of_the_platform(make_runner: Any, releases: Releases, system: str, architecture: str) -> None:
    runner = make_runner(system=system, architecture=architecture)
    assert runner.run(version=VERSION).succeeded
    url = url_of(SYSTEMS[system, architecture])
    assert releases.requests == [url, f"{url}.sha256"]


def test_other_platforms_are_told_to_build(make_runner: Any) -> None:
    runner = make_runner(system="Linux", architecture="ARM")
    assert fails_to_install(runner.run(version=VERSION), "ARM", "source")


def test_by_default_the_release_of_the_action_itself(make_runner: Any, releases: Releases) -> None:
    """Whoever pins the action has pinned the linter too."""
    cargo = subprocess.run(
        ["cargo", "pkgid", "--offline", "--package", "runbook-lint"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    version = cargo.stdout.strip().rpartition("#")[2].rpartition("@")[2]
    for url in list(releases.files):
        releases.files[url.replace(VERSION, version)] = releases.files.pop(url)
    assert make_runner().run().succeeded
    assert releases.requests[0] == LINUX.replace(VERSION, version)


def test_a_version_that_was_not_released(make_runner: Any, releases: Releases) -> None:
    runner = make_runner()
    assert fails_to_install(runner.run(version="1.2.3"), "v1.2.3", "could not be downloaded")
    assert not installed(runner).exists()


@pytest.mark.parametrize("content", ["0" * 64 + "  name\n", "", "<html>"])
def test_an_archive_that_is_not_the_published_one(make_runner: Any, releases: Releases, content: str) -> None:
    releases.files[f"{LINUX}.sha256"] = content.encode()
    runner = make_runner()
    assert fails_to_install(runner.run(version=VERSION), "SHA-256")
    assert not installed(runner).exists()


def test_a_checksum_of_ones_own(make_runner: Any, releases: Releases) -> None:
    del releases.files[f"{LINUX}.sha256"]
    digest = hashlib.sha256(releases.files[LINUX]).hexdigest()
    assert make_runner().run(version=VERSION, checksum=f"{'0' * 64}\n{digest}\n").succeeded
    assert make_runner().run(version=VERSION, checksum=digest.upper()).succeeded


@pytest.mark.parametrize("checksum", ["0" * 64, ".*", "-e\n", "*", "\n", "{}0", "{} *"])
def test_a_checksum_of_ones_own_that_does_not_fit(make_runner: Any, releases: Releases, checksum: str) -> None:
    """The published checksum, which fits, does not help then."""
    runner = make_runner()
    given = checksum.format(hashlib.sha256(releases.files[LINUX]).hexdigest())
    assert fails_to_install(runner.run(version=VERSION, checksum=given), "SHA-256")
    assert not installed(runner).exists()


def test_an_archive_that_is_none(make_runner: Any, releases: Releases) -> None:
    releases.files[LINUX] = b"no archive"
    digest = hashlib.sha256(b"no archive").hexdigest()
    assert fails_to_install(make_runner().run(version=VERSION, checksum=digest), "unpacked")


def test_no_network(make_runner: Any) -> None:
    runner = make_runner(environment={"https_proxy": "http://127.0.0.1:9"})
    assert fails_to_install(runner.run(version=VERSION), "could not be downloaded")


def source_runner(make_runner: Any, **attributes: Any) -> Any:
    """A machine with the Rust toolchain of this one, and its build directory."""
    environment = {name: value for name, value in os.environ.items() if name.startswith(("CARGO_", "RUSTUP_"))}
    environment.setdefault("CARGO_HOME", str(Path.home() / ".cargo"))
    environment.setdefault("RUSTUP_HOME", str(Path.home() / ".rustup"))
    environment.setdefault("CARGO_TARGET_DIR", str(ROOT / "target"))
    return make_runner(environment=environment, **attributes)


def test_a_build_from_source_takes_no_orders_from_the_repository(make_runner: Any, tmp_path: Path) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f"#!/bin/sh\ntouch '{tmp_path}/pwned'\nexec \"$@\"\n")
    wrapper.chmod(0o755)
    workspace = write(
        tmp_path / "hostile",
        {
            "flows.py": CLEAN,
            ".cargo/config.toml": f'[build]\nrustc-wrapper = "{wrapper}"\n',
            "rust-toolchain.toml": '[toolchain]\nchannel = "no-such-channel"\n',
            "Cargo.toml": "[workspace]\n",
        },
    )
    runner = source_runner(make_runner, workspace=workspace)
    outcome = runner.run(version="source")
    assert outcome.succeeded, outcome.log
    assert outcome.outputs["findings"] == "0"
    assert not (tmp_path / "pwned").exists()
    [cache] = outcome.used
    assert cache.uses and cache.uses.startswith("actions/cache@")
    assert cache.inputs["path"] == str(installed(runner).parent)
    assert cache.inputs["key"].startswith("runbook-lint-Linux-X64-")


def test_a_build_from_the_cache_is_used(make_runner: Any, program: Path) -> None:
    runner = make_runner()
    installed(runner).parent.mkdir(parents=True)
    shutil.copy(program, installed(runner))
    runner.environment["CARGO"] = "must not be needed"
    assert runner.run(version="source").succeeded


def test_a_build_from_the_cache_that_does_not_run_here_is_made_anew(make_runner: Any) -> None:
    runner = source_runner(make_runner)
    write(runner.temporary, {"runbook-lint/bin/runbook-lint": b"\x7fELF of another machine"})
    installed(runner).chmod(0o755)
    assert runner.run(version="source").succeeded


def test_no_toolchain(make_runner: Any, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in "bash cat find head mkdir sed sha256sum sort tail tr xargs".split():
        (tools / name).symlink_to(str(shutil.which(name)))
    runner = make_runner(environment={"PATH": str(tools)})
    assert fails_to_install(runner.run(version="source"), "cargo")


def test_the_name_of_a_build_changes_with_the_source(make_runner: Any, tmp_path: Path) -> None:
    def key(action: Path) -> str:
        runner = make_runner(action=action)
        write(runner.temporary, {"runbook-lint/bin/runbook-lint": "#!/bin/sh\n"})
        installed(runner).chmod(0o755)
        [cache] = runner.run(version="source").used
        return cache.inputs["key"]

    action = write(tmp_path / "an action", {"src/main.rs": "fn main() {}\n", "Cargo.lock": "# lock\n"})
    shutil.copy(ROOT / "action.yml", action)
    shutil.copytree(ROOT / "action", action / "action")
    first = key(action)
    write(action, {"target/release/x": "x", ".git/index": "x"})
    assert key(action) == first
    write(action, {"src/main.rs": "fn main() { }\n"})
    second = key(action)
    (action / "src/main.rs").rename(action / "src/other.rs")
    assert len({first, second, key(action)}) == 3

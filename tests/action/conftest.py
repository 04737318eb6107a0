"""A server with a release of runbook-lint, in the place of GitHub, and runners that use it."""

from __future__ import annotations

import http.server
import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from runner import ROOT, Runner

VERSION = "9.8.7"
RELEASE = f"/ntropii-com/runbook-lint/releases/download/v{VERSION}"
SYSTEMS = {
    ("Linux", "X64"): "x86_64-unknown-linux-musl.tar.gz",
    ("Linux", "ARM64"): "aarch64-unknown-linux-musl.tar.gz",
    ("macOS", "X64"): "x86_64-apple-darwin.tar.gz",
    ("macOS", "ARM64"): "aarch64-apple-darwin.tar.gz",
    ("Windows", "X64"): "x86_64-pc-windows-msvc.zip",
    ("Windows", "ARM64"): "x86_64-pc-windows-msvc.zip",
}


@dataclass
class Releases:
    """What is behind `https://github.com/…/releases/download/`."""

    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    port: int = 0
    certificate: Path = Path()


@pytest.fixture(scope="session")
def program() -> Path:
    """The program under test, as scripts/test builds it."""
    return Path(os.environ.get("RUNBOOK_LINT", ROOT / "target/release/runbook-lint")).resolve(strict=True)


@pytest.fixture(scope="session")
def archives(program: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a release, by their names."""
    directory = tmp_path_factory.mktemp("archives")
    stripped = directory / "program"
    subprocess.run(["strip", "-o", stripped, program], check=True)
    packed = {}
    for target in sorted({it.partition(".")[0] for it in SYSTEMS.values()}):
        subprocess.run([ROOT / "scripts/pack-release", VERSION, target, stripped, directory / target], check=True)
        packed |= {path.name: path.read_bytes() for path in (directory / target).iterdir()}
    return packed


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    releases = Releases()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            releases.requests.append(self.path)
            content = releases.files.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            pass

    directory = tmp_path_factory.mktemp("server")
    releases.certificate = directory / "certificate.pem"
    key = directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-subj", "/CN=github.com", "-addext", "subjectAltName=DNS:github.com"]
        + ["-keyout", key, "-out", releases.certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(releases.certificate, key)
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    releases.port = listener.server_address[1]
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield releases
    listener.shutdown()


@pytest.fixture
def releases(server: Releases, archives: dict[str, bytes]) -> Releases:
    """The server with one good release on it."""
    server.files.clear()
    server.requests.clear()
    server.files |= {f"{RELEASE}/{name}": content for name, content in archives.items()}
    return server


def url_of(archive: str) -> str:
    return f"{RELEASE}/runbook-lint-v{VERSION}-{archive}"


Snapshot = dict[Path, bytes | None]


def snapshot(directory: Path) -> Snapshot:
    """What is in a directory, down to the bytes of its files."""
    paths = (Path(os.fsdecode(it)) for it in sorted(walk(os.fsencode(directory))))
    return {path: path.read_bytes() if path.is_file() else None for path in paths}


def walk(directory: bytes) -> Iterator[bytes]:
    for entry in os.scandir(directory):
        yield entry.path
        if entry.is_dir(follow_symlinks=False):
            yield from walk(entry.path)


@pytest.fixture
def make_runner(tmp_path: Path, releases: Releases) -> Iterator[Callable[..., Runner]]:
    """Runners that do not see anything of this machine but its programs.

    Whatever a test does, nothing may have changed afterwards in the workspace or at home.
    """
    made: list[tuple[Path, Snapshot]] = []

    def make(workspace: Path | None = None, **attributes: object) -> Runner:
        base = tmp_path / f"runner {len(made)}"
        home, temporary = base / "home", base / "_temp"
        home.mkdir(parents=True)
        temporary.mkdir()
        (home / ".curlrc").write_text(
            f'connect-to = "github.com:443:127.0.0.1:{releases.port}"\ncacert = "{releases.certificate}"\n'
        )
        if workspace is None:
            workspace = base / "work" / "example"
            workspace.mkdir(parents=True)
        for directory in (home, workspace):
            made.append((directory, snapshot(directory)))
        return Runner(workspace, temporary, home, **attributes)

    yield make
    for directory, before in made:
        assert snapshot(directory) == before

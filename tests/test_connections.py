"""Certificates and proxies as uv's, pip's and pixi's settings have them; uv and pip are held to the real tools."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pixi_diagnose.connections import Connections, proxy_patterns
from pixi_diagnose.errors import IndexAccessError
from pixi_diagnose.index.client import IndexClient
from pixi_diagnose.index.uv import uv_program
from pixi_diagnose.manifest import Invocation, read_manifest
from pixi_diagnose.manifest.pixi_configuration import pixi_configuration
from support.certificates import CLIENT, ROOT
from support.packages import PackageIndex, make_wheel
from support.reading import first_resolution, read_file
from support.server import Response, Server

PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy")
OF_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NO_PROXY")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
UV, PIP = "uv.toml", "pip.conf"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXY_VARIABLES, *OF_CERTIFICATES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def index() -> PackageIndex:
    return PackageIndex([make_wheel("demo", "1.0", {"demo.py": ""})])


@pytest.fixture(scope="module")
def secured(index: PackageIndex) -> Iterator[Server]:
    with Server(index.routes("/simple", "/files"), tls=True) as server:
        yield server


@pytest.fixture(scope="module")
def closed(index: PackageIndex) -> Iterator[Server]:
    """It answers only to whom it knows by a certificate."""
    with Server(index.routes("/simple", "/files"), tls=True, client_certificates=True) as server:
        yield server


def reached_by_tool(frontend: str, folder: Path, variables: Mapping[str, str]) -> bool:
    uv = [uv_program(), "pip", "compile", "--no-header", "--python", sys.executable, "requirements.txt"]
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "-r", "requirements.txt"]
    kept = {"PATH": os.environ["PATH"], "HOME": str(folder), "UV_NO_SYSTEM_CONFIG": "1", "UV_HTTP_RETRIES": "0"}
    kept |= {"UV_CACHE_DIR": str(folder / "cache-of-uv"), "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    kept |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_PYTHON_DOWNLOADS": "never"}
    command = uv if frontend == "uv" else pip
    done = subprocess.run(command, cwd=folder, env=kept | dict(variables), capture_output=True, text=True, check=False)
    return done.returncode == 0


def reached_here(frontend: str, folder: Path, variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.chdir(folder)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    manifest = read_file(folder / "requirements.txt", frontend, variables)
    assert manifest.unknowns == ()
    resolution = first_resolution(manifest, folder / "cache")
    return resolution.failure is None and all(p.unread is None for p in resolution.local)


def check(
    frontend: str, files: Mapping[str, str], variables: Mapping[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Whether the index is reached: the same here as by the tool itself."""
    variables = {"PIP_CONFIG_FILE": str(folder / PIP) if PIP in files else os.devnull, **variables}
    for name, text in files.items():
        (folder / name).write_text(text)
    real = reached_by_tool(frontend, folder, variables)
    assert reached_here(frontend, folder, variables, monkeypatch) is real
    return real


@pytest.mark.parametrize(
    ("frontend", "files", "variables", "reached"),
    [
        ("uv", {}, {}, False),
        ("uv", {}, {"SSL_CERT_FILE": ROOT}, True),
        ("uv", {}, {"SSL_CERT_FILE": "absent.pem"}, False),
        ("uv", {}, {"UV_INSECURE_HOST": "localhost"}, True),
        ("uv", {UV: 'allow-insecure-host = ["https://localhost:@PORT@"]\n'}, {}, True),
        ("uv", {UV: 'allow-insecure-host = ["localhost:9"]\n'}, {}, False),
        ("uv", {UV: 'allow-insecure-host = ["*"]\n'}, {}, True),
        ("uv", {"requirements.txt": "--trusted-host localhost\n"}, {}, False),
        ("pip", {}, {}, False),
        ("pip", {}, {"SSL_CERT_FILE": ROOT}, True),
        ("pip", {}, {"PIP_CERT": ROOT}, True),
        ("pip", {}, {"REQUESTS_CA_BUNDLE": ROOT}, True),
        ("pip", {PIP: f"[global]\ncert = {ROOT}\n"}, {}, True),
        ("pip", {PIP: "[global]\ntrusted-host = index.example\n    localhost\n"}, {}, True),
        ("pip", {PIP: "[global]\ntrusted-host = localhost:9\n"}, {}, False),
        ("pip", {"requirements.txt": "--trusted-host localhost\n"}, {}, True),
    ],
)
def test_a_certificate_counts_where_the_tool_was_told_so(
    frontend: str,
    files: dict[str, str],
    variables: dict[str, str],
    reached: bool,
    secured: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = secured.url.rpartition(":")[2]
    address = secured.url.replace("127.0.0.1", "localhost")  # pip 26.0 knows no certificates for addresses
    files = {name: text.replace("@PORT@", port) for name, text in files.items()}
    files["requirements.txt"] = f"--index-url {address}/simple\n{files.get('requirements.txt', '')}demo\n"
    assert check(frontend, files, variables, tmp_path, monkeypatch) is reached


@pytest.mark.parametrize(
    ("frontend", "variables", "reached"),
    [
        ("uv", {"SSL_CERT_FILE": ROOT}, False),
        ("uv", {"SSL_CERT_FILE": ROOT, "SSL_CLIENT_CERT": CLIENT}, True),
        ("pip", {"PIP_CERT": ROOT}, False),
        ("pip", {"PIP_CERT": ROOT, "PIP_CLIENT_CERT": CLIENT}, True),
    ],
)
def test_a_certificate_of_ones_own_is_shown(
    frontend: str,
    variables: dict[str, str],
    reached: bool,
    closed: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {"requirements.txt": f"--index-url {closed.url.replace('127.0.0.1', 'localhost')}/simple\ndemo\n"}
    assert check(frontend, files, variables, tmp_path, monkeypatch) is reached


@pytest.mark.parametrize(
    ("frontend", "files", "variables", "reached"),
    [
        ("uv", {}, {}, False),
        ("uv", {UV: 'http-proxy = "@PROXY@"\n'}, {}, True),
        ("uv", {UV: 'http-proxy = "@PROXY@"\nno-proxy = ["index.example"]\n'}, {}, False),
        ("uv", {UV: 'https-proxy = "@PROXY@"\n'}, {}, False),
        ("uv", {UV: 'http-proxy = "@PROXY@"\n'}, {"HTTP_PROXY": "http://127.0.0.1:9"}, True),
        ("uv", {UV: 'https-proxy = "http://127.0.0.1:9"\n'}, {"http_proxy": "@PROXY@"}, False),
        ("pip", {}, {}, False),
        ("pip", {PIP: "[global]\nproxy = @PROXY@\n"}, {}, True),
        ("pip", {}, {"PIP_PROXY": "@PROXY@"}, True),
        ("pip", {PIP: "[global]\nproxy = @PROXY@\n"}, {"http_proxy": "http://127.0.0.1:9"}, True),
        ("pip", {PIP: "[global]\nproxy = @PROXY@\n"}, {"no_proxy": "index.example"}, True),
    ],
)
def test_a_proxy_of_the_settings_goes_before_those_of_variables(
    frontend: str,
    files: dict[str, str],
    variables: dict[str, str],
    reached: bool,
    index: PackageIndex,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    origin = "http://index.example"  # of no address: only the proxy has it
    pages = index.routes("/simple", "/files").items()
    with Server({f"{origin}{path}": route for path, route in pages}) as proxy:
        filled = {name: text.replace("@PROXY@", proxy.url) for name, text in files.items()}
        given = {name: text.replace("@PROXY@", proxy.url) for name, text in variables.items()}
        trusted = "--trusted-host index.example\n" if frontend == "pip" else ""
        filled["requirements.txt"] = f"--index-url {origin}/simple\n{trusted}demo\n"
        assert check(frontend, filled, given, tmp_path, monkeypatch) is reached


@pytest.mark.parametrize(
    ("options", "reached"),
    [
        ("--index-url http://index.example/simple\n", False),
        ("--index-url http://index.example/simple\n--trusted-host index.example\n", True),
        ("--trusted-host index.example:80\n--index-url http://index.example/simple\n", False),
        ("--index-url @OWN@\n--extra-index-url http://index.example/simple\n", False),
        ("--index-url http://index.example/simple\n--extra-index-url @OWN@\n--find-links links\n", True),
        ("--no-index\n--find-links http://index.example/simple/demo/\n", False),
    ],
)
def test_pip_passes_over_an_index_that_is_neither_https_nor_trusted(
    options: str, reached: bool, index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixi_diagnose.index.client.ATTEMPTS", 1)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "demo-0.9-py3-none-any.whl").write_bytes(make_wheel("demo", "0.9", {"demo.py": ""}).data)
    pages = index.routes("/simple", "/files").items()
    with Server({f"http://index.example{path}": r for path, r in pages}) as proxy, Server() as own:
        files = {"requirements.txt": options.replace("@OWN@", f"{own.url}/simple") + "demo\n"}
        variables = {"http_proxy": proxy.url, "no_proxy": "127.0.0.1"}
        assert check("pip", files, variables, tmp_path, monkeypatch) is reached
    manifest = read_manifest(files["requirements.txt"], str(tmp_path / "requirements.txt"), Invocation(frontend="pip"))
    assert bool(manifest.unread) is ("--trusted-host index.example\n" not in options)


@pytest.mark.parametrize(("trusted", "reached"), [("--trusted-host localhost\n", True), ("", False)])
def test_what_is_given_by_address_is_reached_in_the_same_way(
    trusted: str, reached: bool, secured: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = f"{secured.url.replace('127.0.0.1', 'localhost')}/files/demo-1.0-py3-none-any.whl"
    files = {"requirements.txt": f"--no-index\n{trusted}demo @ {wheel}\n"}
    assert check("pip", files, {}, tmp_path, monkeypatch) is reached


@pytest.mark.parametrize(
    ("text", "verified"),
    [
        ("", True),
        ("tls-no-verify = true\n", False),
        ('[pypi-config]\nallow-insecure-host = ["index.example:8443"]\n', False),
        ('[pypi-config]\nallow-insecure-host = ["index.example:9443"]\n', True),
        ("tls-no-verify = false\n", True),
    ],
)
def test_pixi_checks_certificates_unless_its_configuration_says_otherwise(
    text: str, verified: bool, tmp_path: Path
) -> None:
    (tmp_path / ".pixi").mkdir()
    (tmp_path / ".pixi" / "config.toml").write_text(text)
    assert pixi_configuration(str(tmp_path)).verifies("https://index.example:8443/simple/demo/") is verified


def test_a_host_that_is_not_checked_leaves_others_checked(secured: Server) -> None:
    by_name = secured.url.replace("127.0.0.1", "localhost")
    with IndexClient() as client:
        client.connect(Connections(unverified=("127.0.0.1",)))
        assert client.page(f"{secured.url}/simple/demo/").status == 200
        with pytest.raises(IndexAccessError, match="certificate verify failed"):
            client.page(f"{by_name}/simple/demo/")


@pytest.mark.parametrize(
    ("connections", "said"),
    [
        (Connections(certificates="absent.pem"), r"certificates \(absent.pem\) cannot be read: No such file"),
        (Connections(proxies=proxy_patterns("socks5://127.0.0.1:9", "")), "the configured proxy cannot be used"),
    ],
)
def test_settings_that_cannot_be_used_are_named(connections: Connections, said: str) -> None:
    with Server({"/": Response(b"<a>")}) as server, IndexClient() as client:
        client.connect(connections)
        with pytest.raises(IndexAccessError, match=said):
            client.page(f"{server.url}/")

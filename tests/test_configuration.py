"""uv, pip and pixi as their own configuration has them: variables and files of every level.

uv and pip are held to the real tools. Every index has one release of `demo`, so that the version says where it was
taken from.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pixi_diagnose.connections import Connections
from pixi_diagnose.environment import environments
from pixi_diagnose.errors import ManifestError, UsageError
from pixi_diagnose.index.client import IndexClient
from pixi_diagnose.index.uv import uv_program
from pixi_diagnose.manifest import Invocation, read_manifest
from pixi_diagnose.manifest.model import Manifest
from pixi_diagnose.manifest.pixi_configuration import configuration_files, pixi_configuration
from pixi_diagnose.manifest.surroundings import OnDisk
from support.packages import PackageIndex, make_sdist, make_wheel, metadata_backend, pkg_info
from support.reading import first_resolution, read_file
from support.server import Response, Server

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
USER = "home/.config/uv/uv.toml"
PIP_USER = "home/.config/pip/pip.conf"
PROJECT = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["demo"]\n'


@dataclass(frozen=True)
class Setup:
    """Files, variables, and what is taken; "@1@" is the address of the index with demo 1.0, and so on."""

    files: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    expected: str = ""


UV_PIP = {
    "the user's index": Setup({USER: 'index-url = "@1@"'}, {}, "1.0"),
    "the project's before the user's": Setup({"uv.toml": 'index-url = "@2@"', USER: 'index-url = "@1@"'}, {}, "2.0"),
    "a variable before both": Setup(
        {"uv.toml": 'index-url = "@2@"', USER: 'index-url = "@1@"'}, {"UV_DEFAULT_INDEX": "@3@"}, "3.0"
    ),
    "the older variable too": Setup({"uv.toml": 'index-url = "@2@"'}, {"UV_INDEX_URL": "@3@"}, "3.0"),
    "further indexes go before the default": Setup({USER: 'index-url = "@1@"'}, {"UV_INDEX": "@2@ @3@"}, "2.0"),
    "a named one in a variable": Setup({USER: 'index-url = "@1@"'}, {"UV_INDEX": "inner=@3@"}, "3.0"),
    "the project's further indexes before the user's": Setup(
        {"uv.toml": 'extra-index-url = ["@3@"]', USER: 'index-url = "@1@"\nextra-index-url = ["@2@"]'}, {}, "3.0"
    ),
    "the user's index of [pip] before its general one": Setup(
        {USER: 'index-url = "@1@"\n[pip]\nindex-url = "@2@"'}, {}, "2.0"
    ),
    "the strategy of a variable": Setup(
        {USER: 'index-url = "@1@"\nextra-index-url = ["@2@"]\nindex-strategy = "first-index"'},
        {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_EXTRA_INDEX_URL": "@3@"},
        "3.0",
    ),
    "folders of files": Setup({USER: 'index-url = "@1@"'}, {"UV_FIND_LINKS": "links"}, "9.0"),
    "no index": Setup({"uv.toml": 'no-index = true\nfind-links = ["links"]', USER: 'index-url = "@1@"'}, {}, "9.0"),
    "a file in place of all others": Setup(
        {"uv.toml": 'index-url = "@2@"', "given.toml": 'index-url = "@3@"'}, {"UV_CONFIG_FILE": "given.toml"}, "3.0"
    ),
    "no files at all": Setup({"uv.toml": 'index-url = "@2@"'}, {"UV_NO_CONFIG": "1", "UV_INDEX_URL": "@1@"}, "1.0"),
    "the system's files last": Setup(
        {"etc/uv/uv.toml": 'index-url = "@1@"\nfind-links = ["../../links"]'},
        {"XDG_CONFIG_DIRS": "@FOLDER@/etc"},
        "9.0",
    ),
    "constraints that a variable names": Setup(
        {"limits.txt": "demo<9", USER: 'index-url = "@1@"'},
        {"UV_FIND_LINKS": "links", "UV_CONSTRAINT": "limits.txt"},
        "1.0",
    ),
    "overrides that a variable names": Setup(
        {"limits.txt": "demo<9", USER: 'index-url = "@1@"'},
        {"UV_FIND_LINKS": "links", "UV_OVERRIDE": "limits.txt"},
        "1.0",
    ),
    "pre-releases": Setup({USER: 'index-url = "@1@"'}, {"UV_PRERELEASE": "allow"}, "1.1rc1"),
    "the lowest": Setup({USER: 'index-url = "@1@"'}, {"UV_RESOLUTION": "lowest"}, "0.8"),
}
UV_PROJECT = {
    "the user's index": Setup({USER: '[[index]]\nurl = "@1@"\ndefault = true'}, {}, "1.0"),
    "the project's further index before the user's default": Setup(
        {"pyproject.toml": f'{PROJECT}[[tool.uv.index]]\nurl = "@2@"\n', USER: 'index-url = "@1@"'}, {}, "2.0"
    ),
    "a variable's index of the same name before the project's": Setup(
        {
            "pyproject.toml": PROJECT
            + '[tool.uv.sources]\ndemo = { index = "inner" }\n[[tool.uv.index]]\nname = "inner"\nurl = "@2@"\n'
            '[[tool.uv.index]]\nurl = "@1@"\ndefault = true\n'
        },
        {"UV_INDEX": "inner=@3@"},
        "3.0",
    ),
    "the project's sources although its settings are not read": Setup(
        {
            "pyproject.toml": PROJECT
            + '[tool.uv.sources]\ndemo = { index = "inner" }\n[[tool.uv.index]]\nname = "inner"\nurl = "@2@"\n'
        },
        {"UV_NO_CONFIG": "1", "UV_DEFAULT_INDEX": "@1@"},
        "2.0",
    ),
    "no sources": Setup(
        {"pyproject.toml": PROJECT + '[tool.uv.sources]\ndemo = { path = "absent" }\n'},
        {"UV_NO_SOURCES": "1", "UV_DEFAULT_INDEX": "@1@"},
        "1.0",
    ),
}
PIP = {
    "the user's index": Setup({PIP_USER: "[global]\nindex-url = @1@\n"}, {}, "1.0"),
    "the older place of the user's file": Setup({"home/.pip/pip.conf": "[global]\nindex-url = @1@\n"}, {}, "1.0"),
    "a variable before files": Setup({PIP_USER: "[global]\nindex-url = @1@\n"}, {"PIP_INDEX_URL": "@2@"}, "2.0"),
    "the section of the command first": Setup(
        {
            PIP_USER: "[global]\nindex-url = @1@\n",
            "etc/pip/pip.conf": "[install]\nindex-url = @3@\n",
        },
        {"XDG_CONFIG_DIRS": "@FOLDER@/etc"},
        "3.0",
    ),
    "the highest of several indexes": Setup(
        {PIP_USER: "[global]\nindex-url = @1@\nextra-index-url =\n    @2@\n    @3@\n"}, {}, "3.0"
    ),
    "a list in place of a list": Setup(
        {PIP_USER: "[global]\nindex-url = @1@\nextra-index-url = @3@\n"}, {"PIP_EXTRA_INDEX_URL": "@2@"}, "2.0"
    ),
    "the requirements' index in place of all": Setup(
        {PIP_USER: "[global]\nindex-url = @1@\nextra-index-url = @3@\n", "requirements.txt": "-i @2@\ndemo\n"},
        {},
        "2.0",
    ),
    "the requirements' further index beside them": Setup(
        {PIP_USER: "[global]\nindex-url = @1@\n", "requirements.txt": "--extra-index-url @2@\ndemo\n"}, {}, "2.0"
    ),
    "a named file in place of the user's": Setup(
        {PIP_USER: "[global]\nindex-url = @1@\n", "given.conf": "[global]\nindex_url = @3@\n"},
        {"PIP_CONFIG_FILE": "@FOLDER@/given.conf"},
        "3.0",
    ),
    "no index and a folder of files": Setup({PIP_USER: "[install]\nno-index = yes\nfind-links = links\n"}, {}, "9.0"),
    "constraints": Setup(
        {PIP_USER: "[global]\nindex-url = @1@\n", "limits.txt": "demo<9\n"},
        {"PIP_FIND_LINKS": "links", "PIP_CONSTRAINT": "limits.txt"},
        "1.0",
    ),
    "pre-releases": Setup({PIP_USER: "[global]\nindex-url = @1@\npre = true\n"}, {}, "1.1rc1"),
    "sources of one project only": Setup(
        {PIP_USER: "[global]\nindex-url = @1@\n"}, {"PIP_ONLY_BINARY": ":all:", "PIP_NO_BINARY": "demo"}, "0.8"
    ),
}


@dataclass(frozen=True)
class Place:
    """A server with the indexes, and a folder of files."""

    root: Path
    server: Server

    def filled(self, text: str, folder: Path) -> str:
        text = re.sub(r"@(\d)@", lambda m: f"{self.server.url}/{m[1]}", text)
        return text.replace("@FOLDER@", str(folder))

    def written(self, name: str, setup: Setup) -> tuple[Path, dict[str, str]]:
        """The folder of a setup, and the variables under which a tool runs there."""
        folder = self.root / re.sub(r"\W+", "-", name)
        links = make_wheel("demo", "9.0", {"demo.py": ""})
        for path, text in {"requirements.txt": "demo\n", "pyproject.toml": "", **setup.files}.items():
            if text:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(self.filled(text, folder))
        (folder / "links").mkdir()
        (folder / "links" / links.filename).write_bytes(links.data)
        kept = {"PATH": os.environ["PATH"], "UV_CACHE_DIR": str(self.root / "cache-of-uv"), "NO_COLOR": "1"}
        kept |= {"HOME": str(folder / "home"), "UV_NO_SYSTEM_CONFIG": str(int("etc/uv/uv.toml" not in setup.files))}
        kept |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_PYTHON_DOWNLOADS": "never"}
        return folder, kept | {k: self.filled(v, folder) for k, v in setup.variables.items()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Server() as server:
        for number in "123":
            index = PackageIndex([make_wheel("demo", f"{number}.0", {"demo.py": ""})])
            if number == "1":
                tree = metadata_backend("demo", "0.8") | {"PKG-INFO": pkg_info("demo", "0.8")}
                index.add(make_sdist("demo", "0.8", tree))
                index.add(make_wheel("demo", "0.9", {"demo.py": ""})).add(make_wheel("demo", "1.1rc1", {"demo.py": ""}))
            server.routes.update(index.routes(f"/{number}", f"/files/{number}"))
        yield Place(tmp_path_factory.mktemp("configured"), server)


def read(
    folder: Path, name: str, frontend: str, variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> Manifest:
    monkeypatch.chdir(folder)
    return read_file(folder / name, frontend, variables)


def chosen(folder: Path, manifest: Manifest) -> str:
    """The version of demo that is resolved here."""
    resolution = first_resolution(manifest, folder / "cache")
    assert resolution.failure is None, resolution.failure
    (version,) = (d.version for d in resolution.distributions if d.project == "demo")
    return version


def run(command: list[str], folder: Path, variables: Mapping[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", UV_PIP)
def test_uv_pip_takes_what_its_configuration_says(place: Place, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = UV_PIP[name]
    folder, variables = place.written(f"uv pip {name}", setup)
    real = run(
        [uv_program(), "pip", "compile", "--no-header", "--python", sys.executable, "requirements.txt"],
        folder,
        variables,
    )
    assert f"demo=={setup.expected}\n" in real
    assert chosen(folder, read(folder, "requirements.txt", "uv", variables, monkeypatch)) == setup.expected


@pytest.mark.parametrize("name", UV_PROJECT)
def test_a_uv_project_takes_what_its_configuration_says(
    place: Place, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = UV_PROJECT[name]
    setup = Setup({"pyproject.toml": PROJECT, **setup.files}, setup.variables, setup.expected)
    folder, variables = place.written(f"uv {name}", setup)
    mine = chosen(folder, read(folder, "pyproject.toml", "uv", variables, monkeypatch))
    run([uv_program(), "lock", "--python", sys.executable], folder, variables)
    assert f'name = "demo"\nversion = "{setup.expected}"' in (folder / "uv.lock").read_text()
    assert mine == setup.expected


@pytest.mark.parametrize("name", PIP)
def test_pip_takes_what_its_configuration_says(place: Place, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = PIP[name]
    folder, variables = place.written(f"pip {name}", setup)
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    report = json.loads(run([*command, "-r", "requirements.txt"], folder, variables))
    (real,) = (item["metadata"]["version"] for item in report["install"])
    assert real == setup.expected
    assert chosen(folder, read(folder, "requirements.txt", "pip", variables, monkeypatch)) == setup.expected


@pytest.mark.parametrize(
    ("frontend", "variables", "said"),
    [
        ("uv", {"UV_INDEX_STRATEGY": "best"}, "UV_INDEX_STRATEGY: 'best' is none of first-index"),
        ("uv", {"UV_NO_BUILD_ISOLATION": "maybe"}, "UV_NO_BUILD_ISOLATION: 'maybe' is neither true nor false"),
        ("uv", {"UV_CONFIG_FILE": "absent.toml"}, "UV_CONFIG_FILE names absent.toml, and there is no such file"),
        ("pip", {"PIP_NO_INDEX": "perhaps"}, "PIP_NO_INDEX: 'perhaps' is neither true nor false"),
    ],
)
def test_a_variable_at_which_the_tool_stops_is_named(
    tmp_path: Path, frontend: str, variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.txt").write_text("demo\n")
    with pytest.raises(UsageError, match=re.escape(said)):
        read(tmp_path, "requirements.txt", frontend, {"PIP_CONFIG_FILE": os.devnull, **variables}, monkeypatch)


def test_a_broken_file_of_the_user_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements.txt").write_text("demo\n")
    for path, text in ((USER, "index-url = \n"), (PIP_USER, "[global]\nindex-url = x\nno option\n")):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    for frontend, path in (("uv", USER), ("pip", PIP_USER)):
        with pytest.raises(ManifestError) as caught:
            read(tmp_path, "requirements.txt", frontend, {"HOME": str(tmp_path / "home")}, monkeypatch)
        assert caught.value.path == str(tmp_path / path)
        assert caught.value.line == {"uv": 1, "pip": 3}[frontend]


@pytest.mark.parametrize(
    ("frontend", "variables", "unknown"),
    [
        ("uv", {"UV_TORCH_BACKEND": "cu126"}, "torch-backend = 'cu126' (UV_TORCH_BACKEND) is not followed"),
        ("uv", {"UV_PYTHON": "/opt/python"}, "UV_PYTHON names the interpreter /opt/python, which is not looked at"),
        ("pip", {"PIP_PLATFORM": "any"}, "PIP_PLATFORM is not followed: it chooses for another target"),
    ],
)
def test_what_is_not_followed_is_an_unknown(
    tmp_path: Path, frontend: str, variables: dict[str, str], unknown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.txt").write_text("demo\n")
    manifest = read(tmp_path, "requirements.txt", frontend, {"PIP_CONFIG_FILE": os.devnull, **variables}, monkeypatch)
    (found,) = manifest.unknowns
    assert found.reason.startswith(unknown)


@pytest.mark.parametrize(("value", "isolated"), [("1", True), ("true", True), ("0", False), ("false", False)])
def test_pips_switch_for_isolation_works_the_other_way_round(
    place: Place, value: str, isolated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real one is asked as well: its build fails where it is isolated, as nothing is on its index."""
    tree = metadata_backend("demo", "0.8")
    tree["pyproject.toml"] = tree["pyproject.toml"].replace("[]", '["absent"]')
    files = {"requirements.txt": "--no-index\n./tree\n", **{f"tree/{name}": text for name, text in tree.items()}}
    setup = Setup(files)
    folder, variables = place.written(f"isolation {value}", setup)
    variables |= {"PIP_NO_BUILD_ISOLATION": value}
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "-r", "requirements.txt"]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) is isolated
    manifest = read(folder, "requirements.txt", "pip", variables, monkeypatch)
    (environment,) = environments(manifest)
    assert (environment.options.no_build_isolation is not True) is isolated
    assert [table.name for table in manifest.unread] == (["PIP_NO_BUILD_ISOLATION"] if isolated else [])


def test_a_version_in_a_variable_is_the_target_for_uv(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("demo\n")
    path = tmp_path / "requirements.txt"
    manifest = read_manifest(
        path.read_text(), str(path), Invocation(frontend="uv"), OnDisk(tmp_path, {"UV_PYTHON": "3.10"})
    )
    assert manifest.installer is not None
    assert (manifest.installer.python.version, manifest.installer.python.source) == ("3.10", "UV_PYTHON")


def test_builds_are_limited_by_the_files_that_variables_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"requirements.txt": "demo\n", "limits.txt": "setuptools<81\n"}.items():
        (tmp_path / name).write_text(text)
    for frontend, variable in (("uv", "UV_BUILD_CONSTRAINT"), ("pip", "PIP_BUILD_CONSTRAINT")):
        variables = {"PIP_CONFIG_FILE": os.devnull, variable: "limits.txt"}
        manifest = read(tmp_path, "requirements.txt", frontend, variables, monkeypatch)
        assert manifest.installer is not None
        assert [f"{s.name}{s.specifier}" for s in manifest.installer.building.constraints] == ["setuptools<81"]


# --- pixi ---


def configured(root: Path, text: str) -> Connections:
    (root / ".pixi").mkdir(parents=True)
    (root / ".pixi" / "config.toml").write_text(text)
    return pixi_configuration(str(root))


def test_pixis_mirrors_are_asked_in_place_of_an_index_each_in_its_turn(tmp_path: Path) -> None:
    with Server({"/a/demo/": Response(b"", status=503)}) as down, Server({"/b/demo/": Response(b"<a>")}) as mirror:
        text = f'[mirrors]\n"http://index.example/simple" = ["{down.url}/a", "{mirror.url}/b/"]\n'
        found = configured(tmp_path, text)
        with IndexClient() as client:
            client.connect(found)
            answer = client.page("http://index.example/simple/demo/")
    assert (answer.body, answer.url) == (b"<a>", f"{mirror.url}/b/demo/")
    assert down.paths == ["/a/demo/"]


def test_pixis_proxy_is_used_where_no_variable_names_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server({"http://index.example/demo/": Response(b"<a>")}) as proxy, Server({"/demo/": Response(b"<b>")}) as own:
        text = f'[proxy-config]\nhttp = "{proxy.url}"\nnon-proxy-hosts = ["127.0.0.1"]\n'
        found = configured(tmp_path / "one", text)
        with IndexClient() as client:
            client.connect(found)
            assert client.page("http://index.example/demo/").body == b"<a>"
            assert client.page(f"{own.url}/demo/").body == b"<b>"
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert configured(tmp_path / "two", text).proxies == ()


def test_the_indexes_of_pixis_configuration_are_for_new_manifests_only(tmp_path: Path) -> None:
    text = 'default-channels = ["x"]\n[pypi-config]\nindex-url = "https://index.example/simple"\n'
    assert configured(tmp_path, text) == Connections()


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({"PIXI_NO_CONFIG": "1"}, ["work/.pixi/config.toml"]),
        ({"PIXI_CONFIG_FILE": "/given.toml"}, ["work/.pixi/config.toml", "/given.toml"]),
        (
            {"HOME": "/me"},
            [
                "work/.pixi/config.toml",
                "/me/.pixi/config.toml",
                "/me/.config/pixi/config.toml",
                "/etc/pixi/config.toml",
            ],
        ),
        (
            {"HOME": "/me", "PIXI_HOME": "/pixi", "XDG_CONFIG_HOME": "/my"},
            ["work/.pixi/config.toml", "/pixi/config.toml", "/my/pixi/config.toml", "/etc/pixi/config.toml"],
        ),
    ],
)
def test_pixis_configuration_is_looked_for_where_pixi_looks(variables: dict[str, str], names: list[str]) -> None:
    assert [path.as_posix() for path in configuration_files("work", variables)] == names

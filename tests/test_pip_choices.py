"""What pip chooses with --prefer-binary and --no-deps, and `uv pip` with no-deps: held to the real tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pixi_diagnose.index.uv import uv_program
from support.packages import PackageFile, PackageIndex, make_sdist, make_wheel, metadata_backend, pkg_info
from support.reading import first_resolution, read_file
from support.server import Server


def wheel(name: str, version: str, *requires: str) -> PackageFile:
    return make_wheel(name, version, {f"{name}.py": ""}, requires)


def source(name: str, version: str, *requires: str) -> PackageFile:
    return make_sdist(
        name, version, metadata_backend(name, version, requires) | {"PKG-INFO": pkg_info(name, version, requires)}
    )


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    packages = [
        *(wheel("mixed", v) for v in ("1.0", "2.0")),
        *(source("mixed", v) for v in ("1.0", "3.0", "4.0")),
        wheel("early", "2.0rc1"),
        source("early", "1.0"),
        source("only", "1.0"),
        wheel("app", "1.0", "mixed>=3"),
        wheel("bound", "1.0", "mixed<2"),
        wheel("newer", "1.0"),
        source("newer", "2.0", "absent"),
    ]
    with Server(PackageIndex(packages).routes()) as server:
        yield f"{server.url}/simple"


def chosen(folder: Path, frontend: str, variables: Mapping[str, str]) -> dict[str, str]:
    manifest = read_file(folder / "requirements.txt", frontend, variables)
    assert manifest.unknowns == ()
    resolution = first_resolution(manifest, folder / "cache")
    assert resolution.failure is None, resolution.failure
    return {d.project: d.version for d in resolution.distributions}


def chosen_by_pip(folder: Path, variables: Mapping[str, str]) -> dict[str, str]:
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]
    kept = {"PATH": os.environ["PATH"], "HOME": str(folder), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [*command, "-r", "requirements.txt"],
        cwd=folder,
        env=kept | dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {item["metadata"]["name"]: item["metadata"]["version"] for item in json.loads(done.stdout)["install"]}


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ("mixed", {"mixed": "2.0"}),
        ("mixed>=1.5", {"mixed": "2.0"}),
        ("mixed>2", {"mixed": "4.0"}),
        ("mixed>2,<4", {"mixed": "3.0"}),
        ("only", {"only": "1.0"}),
        ("early", {"early": "1.0"}),
        ("early\n--pre", {"early": "2.0rc1"}),
        ("app", {"app": "1.0", "mixed": "4.0"}),
        ("bound\nmixed", {"bound": "1.0", "mixed": "1.0"}),
        ("newer", {"newer": "1.0"}),
        ("mixed\n--no-binary mixed", {"mixed": "4.0"}),
    ],
)
def test_a_wheel_goes_before_a_newer_source_where_pip_prefers_binaries(
    requirements: str, expected: dict[str, str], index: str, tmp_path: Path
) -> None:
    text = f"--index-url {index}\n--prefer-binary\n{requirements}\n"
    (tmp_path / "requirements.txt").write_text(text)
    variables = {"PIP_CONFIG_FILE": os.devnull}
    assert chosen_by_pip(tmp_path, variables) == expected
    assert chosen(tmp_path, "pip", variables) == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PIP_PREFER_BINARY": "1"}, {"mixed": "2.0", "newer": "1.0"}),
        ({"PIP_PREFER_BINARY": "0", "PIP_NO_DEPS": "yes"}, {"mixed": "4.0", "newer": "2.0"}),
        ({"PIP_NO_DEPENDENCIES": "1"}, {"mixed": "4.0", "newer": "2.0"}),
    ],
)
def test_pips_variables_say_the_same(
    variables: dict[str, str], expected: dict[str, str], index: str, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text(f"--index-url {index}\nmixed\nnewer\n")
    variables = {"PIP_CONFIG_FILE": os.devnull, **variables}
    assert chosen_by_pip(tmp_path, variables) == expected
    assert chosen(tmp_path, "pip", variables) == expected


@pytest.mark.parametrize("frontend", ["pip", "uv"])
def test_without_dependencies_only_what_is_listed_is_there(frontend: str, index: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    files = metadata_backend("tree", "1", ["absent"])
    files["pyproject.toml"] += '[project]\nname = "tree"\nversion = "1"\ndependencies = ["absent"]\n'
    for name, text in files.items():
        (tree / name).write_text(text)
    (tmp_path / "requirements.txt").write_text(f"--index-url {index}\napp\nnewer\n./tree\n")
    (tmp_path / "uv.toml").write_text("[pip]\nno-deps = true\n")
    variables = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_DEPS": "1"}
    expected = {"app": "1.0", "newer": "2.0", "tree": "1"}
    if frontend == "pip":
        assert chosen_by_pip(tmp_path, variables) == expected
    else:
        command = [uv_program(), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "requirements.txt"]
        kept = {"PATH": os.environ["PATH"], "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_NO_SYSTEM_CONFIG": "1"}
        command += ["--python", sys.executable]
        done = subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["app==1.0", "newer==2.0", "./tree"]
    assert chosen(tmp_path, frontend, variables) == expected

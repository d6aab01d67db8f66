"""What `uv sync` makes of a lock that it keeps, under settings that came later: held to the real uv."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.diagnose import Question, diagnose
from pixi_diagnose.frontends.machine import Machine
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.index.uv import uv_program
from pixi_diagnose.report import Report
from support.packages import PackageIndex, make_sdist, make_wheel, pkg_info
from support.server import Server

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
BUILD_SYSTEM = '[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n'
BACKEND = """\
import os, zipfile
def build_wheel(directory, config_settings=None, metadata_directory=None):
    info = "{name}-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(directory, "{name}-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("{name}.py", "made = 'here'")
        wheel.writestr(info + "/METADATA", "Metadata-Version: 2.2\\nName: {name}\\nVersion: 1.0\\n")
        wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "/RECORD", "")
    return "{name}-1.0-py3-none-any.whl"
"""
PROJECT = f"""\
[project]
name = "app"
version = "1"
requires-python = "=={PYTHON}.*"
dependencies = [DEPENDENCIES]

[[tool.uv.index]]
url = "INDEX"
default = true

[tool.uv]
"""


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    packages = []
    for name in ("both", "other", "source"):
        files = {"pyproject.toml": BUILD_SYSTEM, "PKG-INFO": pkg_info(name, "1.0", metadata_version="2.2")}
        packages.append(make_sdist(name, "1.0", {**files, "b.py": BACKEND.format(name=name)}))
    packages += [make_wheel(name, "1.0", {f"{name}.py": "made = 'before'"}) for name in ("both", "other", "binary")]
    with Server(PackageIndex(packages).routes()) as server:
        yield f"{server.url}/simple"


def uv(command: str, folder: Path) -> bool:
    kept = {"PATH": os.environ["PATH"], "HOME": str(folder), "UV_CACHE_DIR": str(folder.parent / "cache-of-uv")}
    kept |= {"UV_NO_SYSTEM_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}
    words = [uv_program(), command, "--python", sys.executable]
    done = subprocess.run(words, cwd=folder, env=kept, capture_output=True, text=True, check=False)
    return done.returncode == 0


def installed(folder: Path) -> dict[str, str]:
    """How each module came about."""
    (packages,) = (folder / ".venv").glob("lib/python*/site-packages")
    modules = (p for p in packages.glob("*.py") if "made" in p.read_text())
    return {p.stem: "built" if "here" in p.read_text() else "wheel" for p in modules}


def report(folder: Path) -> Report:
    question = Question(frontend="uv", machine=Machine("linux-64", {}), python=PYTHON, plans=False)
    with IndexSession(folder / "cache") as session:
        return diagnose(str(folder), question, session)


@pytest.mark.parametrize(
    ("dependencies", "settings", "expected"),
    [
        ("both other", "", {"both": "wheel", "other": "wheel"}),
        ("both source", "", {"both": "wheel", "source": "built"}),
        ("both other", 'no-binary-package = ["both"]', {"both": "built", "other": "wheel"}),
        ("both other", "no-binary = true", {"both": "built", "other": "built"}),
        ("both other", 'no-binary = true\nno-build-package = ["other"]', {"both": "built", "other": "wheel"}),
        ("both other", 'no-build = true\nno-binary-package = ["both"]', {"both": "built", "other": "wheel"}),
        ("both other", "no-build = true", {"both": "wheel", "other": "wheel"}),
        ("both source", "no-build = true", None),
        ("both source", 'no-build-package = ["source"]', None),
        ("both source", 'no-build = true\nno-binary-package = ["source"]', {"both": "wheel", "source": "built"}),
        ("both other", "no-build = true\nno-binary = true", None),
        ("both", 'no-build-package = ["both"]\nno-binary-package = ["both"]', None),
        ("binary", "no-binary = true", None),
        ("binary both", 'no-binary = true\nno-build-package = ["binary"]', {"binary": "wheel", "both": "built"}),
    ],
)
def test_what_is_built_of_a_kept_lock_follows_the_settings(
    dependencies: str, settings: str, expected: dict[str, str] | None, index: str, tmp_path: Path
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    names = ", ".join(f'"{name}"' for name in dependencies.split())
    text = PROJECT.replace("DEPENDENCIES", names).replace("INDEX", index)
    (folder / "pyproject.toml").write_text(text)
    assert uv("lock", folder)
    locked = (folder / "uv.lock").read_text()
    (folder / "pyproject.toml").write_text(f"{text}{settings}\n")
    passes = uv("sync", folder)
    assert (folder / "uv.lock").read_text() == locked
    assert (installed(folder) if passes else None) == expected

    (simulation,) = report(folder).simulations
    assert simulation.resolution.source == "lock"
    assert simulation.resolution.stale_lock is None
    assert str(simulation.outcomes["lock"]) == "ok"
    assert str(simulation.outcomes["install"]) == ("fails" if expected is None else "ok")
    if expected is not None:
        built = {d.project: "built" if d.built else "wheel" for d in simulation.resolution.distributions}
        assert built == expected

"""No package's code runs: sdists, path dependencies and in-tree backends that would leave a marker leave none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pixi_diagnose.frontends.model import Outcome
from support.worlds import World, sdists, world

SETUP = "open({marker!r}, 'w').close()\nfrom setuptools import setup\nsetup(name={name!r}, version='1.0')\n"
BACKEND = "open({marker!r}, 'w').close()\nfrom setuptools.build_meta import *\n"
IN_TREE = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'

MANIFEST = """
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
marker-sdist = "*"
marker-backend = "*"
beside = { path = "beside" }
beside-editable = { path = "beside-editable", editable = true }
"""


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "executed"


def setup(marker: Path, name: str) -> str:
    return SETUP.format(marker=str(marker), name=name)


def trees(marker: Path) -> dict[str, str]:
    return {
        "marker_sdist-1.0/setup.py": setup(marker, "marker-sdist"),
        "marker_backend-1.0/setup.py": setup(marker, "marker-backend"),
        "marker_backend-1.0/pyproject.toml": IN_TREE,
        "marker_backend-1.0/backend.py": BACKEND.format(marker=str(marker)),
    }


def workspace(marker: Path) -> dict[str, str]:
    return {
        "pixi.toml": MANIFEST,
        "beside/setup.py": setup(marker, "beside"),
        "beside-editable/setup.py": setup(marker, "beside-editable"),
        "beside-editable/pyproject.toml": IN_TREE,
        "beside-editable/backend.py": BACKEND.format(marker=str(marker)),
    }


def check(packages: World, marker: Path) -> None:
    report = packages.diagnose(workspace(marker))
    (simulation,) = report.simulations
    assert simulation.resolution.failure is None
    assert {b.project for b in simulation.builds} == {"marker-sdist", "marker-backend", "beside", "beside-editable"}
    assert simulation.outcomes == {"lock": Outcome.OK, "install": Outcome.OK}
    assert not marker.exists()


def test_check_and_plan_leave_no_marker(tmp_path: Path, marker: Path) -> None:
    with world(tmp_path, trees(marker)) as packages:
        check(packages, marker)


def test_no_command_leaves_a_marker(tmp_path: Path, marker: Path) -> None:
    with world(tmp_path, trees(marker)) as packages:
        folder = packages.write(workspace(marker))
        (sdist,) = (s for s in sdists(trees(marker)) if s.filename.startswith("marker_sdist"))
        archive = tmp_path / sdist.filename
        archive.write_bytes(sdist.data)
        environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "UV_DEFAULT_INDEX": packages.index}
        for arguments in (
            ["check", str(folder)],
            ["plan", "--write", str(folder)],
            ["inspect", str(folder / "beside"), str(folder / "beside-editable"), str(archive), "marker-backend==1.0"],
            ["explain", "ISO101"],
        ):
            command = [sys.executable, "-m", "pixi_diagnose", *arguments]
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
            assert done.returncode in {0, 1}, done.stderr
    assert not marker.exists()

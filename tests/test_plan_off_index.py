"""Plans for projects that an index does not have, or not for this platform: their conda package, or their repository.

What detectron2 and pytorch3d stand for, on a project of our own: its sources are in a git repository, its script
imports torch without declaring it, and the index has wheels of it for macOS alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.finding import Plan
from pixi_diagnose.plan import resolution_mending
from pixi_diagnose.report import Report
from support.installer_bench import serving
from support.packages import conda_record, make_wheel, write_channel
from support.repositories import GitRepository
from support.worlds import CONDA, World, pixi_toml, world

SCRIPT = """\
import os
import torch
from setuptools import setup
from torch.utils.cpp_extension import CUDA_HOME, CppExtension, CUDAExtension
found = torch.cuda.is_available() and CUDA_HOME is not None or os.environ.get("FORCE_CUDA", "0") == "1"
setup(name="meshes", version="1.0", ext_modules=[(CUDAExtension if found else CppExtension)("_C", ["c.cpp"])])
"""
MAC_ONLY = make_wheel("meshes", "0.7", {"meshes.py": ""}, tag="cp310-cp310-macosx_10_9_x86_64")
PROJECT = """\
[project]
name = "app"
version = "0.1.0"
requires-python = "==3.11.*"
dependencies = ["meshes", "torch==2.5.0"]

[tool.uv]
package = false
environments = ["sys_platform == 'linux'"]

[[tool.uv.index]]
url = "@INDEX@"
default = true
"""


@pytest.fixture(autouse=True)
def _only_this_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the machine that the tests run on."""
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """Where the project's own instructions say that it is."""
    made = GitRepository(tmp_path / "meshes", {"setup.py": SCRIPT, "c.cpp": "", "meshes/__init__.py": ""})
    known = {"meshes": (made.url, "")}
    monkeypatch.setattr(resolution_mending, "repository", lambda project: known.get(project, ("", "")))
    return made


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "world") as made:
        made.add(MAC_ONLY)
        yield made


def tiers(report: Report) -> dict[int, Plan]:
    return {p.tier: p for p in report.plans}


def changed(plan: Plan) -> list[str]:
    lines = [line for line in plan.diff.splitlines() if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]
    return [line for line in lines if line[1:].strip()]


MANIFEST = pixi_toml('meshes = "*"', 'torch = "==2.5.0"')


def test_that_wheels_are_for_another_system_goes_before_that_they_are_for_another_python(packages: World) -> None:
    report = packages.diagnose({"pixi.toml": MANIFEST})
    (finding,) = (f for f in report.findings if f.rule.code == "IDX402")
    assert finding.explanation[0].startswith("meshes 0.7 cannot be used: its wheels are for macOS x86_64 only (cp310).")


def test_pixi_gets_the_conda_package_where_a_channel_has_it(packages: World) -> None:
    write_channel(
        packages.root / "conda-forge",
        (*CONDA, conda_record("meshes", "0.7.8", subdir="linux-64", depends=["pytorch"], purls=["pkg:pypi/meshes"])),
    )
    plan = tiers(packages.diagnose({"pixi.toml": MANIFEST}, every_tier=True))[0]
    assert plan.passes, plan.reason
    assert changed(plan) == [
        '+meshes = "*"  # meshes without a build',
        '+pytorch = "2.5.0.*"  # torch ==2.5.0, as asked for',
        '-meshes = "*"',
    ]
    assert plan.recommended


def test_pixi_builds_the_repository_without_isolation(packages: World, repository: GitRepository) -> None:
    plans = tiers(packages.diagnose({"pixi.toml": MANIFEST}, every_tier=True))
    assert plans[0].reason.endswith("and the channels have no meshes that fits")
    assert plans[1].passes, plans[1].reason
    assert changed(plans[1]) == [
        '+setuptools = "*"  # meshes is built without isolation',
        '+pytorch = "2.5.0.*"  # imported by the build of meshes, which is not isolated',
        '-meshes = "*"',
        f'+meshes = {{ git = "{repository.url}" }}  # not on the index for this platform',
        "+[pypi-options]",
        '+no-build-isolation = ["meshes"]  # meshes imports torch while it is built',
    ]
    assert "meshes is compiled for the CPU alone where it finds no nvcc, as here (setup.py:6)." in plans[1].trade_offs


def test_uv_builds_the_repository_with_the_torch_that_runs_it(tmp_path: Path, repository: GitRepository) -> None:
    with serving(tmp_path / "bench", (MAC_ONLY,)) as bench:
        plan = tiers(bench.files({"pyproject.toml": PROJECT}, plans=True, every_tier=True))[1]
    assert plan.passes, plan.reason
    assert changed(plan) == [
        "+[tool.uv.sources]",
        f'+meshes = {{ git = "{repository.url}" }}  # not on the index for this platform',
        "+[tool.uv.extra-build-dependencies]",
        '+meshes = ["torch==2.5.0"]  # meshes imports torch while it is built',
    ]


def requirements(tmp_path: Path, frontend: str) -> dict[int, Plan]:
    text = "--index-url @INDEX@\nmeshes\ntorch==2.5.0\n"
    with serving(tmp_path / "bench", (MAC_ONLY,)) as bench:
        asked = {"plans": True, "every_tier": True, "frontend": frontend, "python": "3.11"}
        return tiers(bench.files({"requirements.txt": text}, **asked))


def test_a_requirements_file_names_the_repository_and_uv_gives_its_build_torch(
    tmp_path: Path, repository: GitRepository
) -> None:
    plan = requirements(tmp_path, "uv")[1]
    assert plan.passes, plan.reason
    assert changed(plan)[:2] == ["-meshes", f"+meshes @ git+{repository.url}  # not on the index for this platform"]
    assert 'meshes = ["torch==2.5.0"]' in plan.diff


@pytest.mark.parametrize(
    ("frontend", "which"), [("pip", "--no-build-isolation"), ("uv", "--no-build-isolation-package meshes")]
)
def test_or_it_is_installed_in_two_steps(tmp_path: Path, repository: GitRepository, frontend: str, which: str) -> None:
    plan = requirements(tmp_path, frontend)[3]
    program = "pip" if frontend == "pip" else "uv pip"
    assert plan.passes, plan.reason
    assert f"+meshes @ git+{repository.url}  # not on the index for this platform" in changed(plan)
    assert "+torch==2.5.0  # meshes is built with it" in changed(plan)
    assert plan.commands == (
        f"{program} install -r requirements-build.txt",
        f"{program} install {which} -r requirements.txt",
    )


def test_an_environment_yml_names_it_and_conda_gives_what_its_build_imports(
    tmp_path: Path, repository: GitRepository
) -> None:
    channel = write_channel(tmp_path / "channel", (*CONDA, conda_record("pip", "26.0", purls=["pkg:pypi/pip"])))
    text = (
        f"channels: ['{channel}']\ndependencies:\n- python=3.11\n- pip\n- pip:\n  - --index-url @INDEX@\n  - meshes\n"
    )
    with serving(tmp_path / "bench", (MAC_ONLY,)) as bench:
        plan = tiers(bench.files({"environment.yml": text}, plans=True, every_tier=True))[2]
    assert plan.passes, plan.reason
    assert f"+  - meshes @ git+{repository.url}  # not on the index for this platform" in changed(plan)
    assert plan.commands == ("PIP_NO_BUILD_ISOLATION=false conda env create -n env -f environment.yml",)

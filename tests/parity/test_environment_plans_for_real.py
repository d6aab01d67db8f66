"""Plans for environment.yml are really run, with this environment's pip and what conda does around it.

A folder with what conda packages provide stands for conda's part (conda 26.7, conda/env/installers/pip.py): pip gets
the section as a file, with -U, and the variables of conda's own command.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pixi_diagnose.finding import Plan
from pixi_diagnose.index.uv import uv_program
from support.installer_bench import Bench
from support.installers import projects, real_setuptools
from support.packages import conda_record, write_channel
from support.server import Server
from support.worlds import CONDA

AS_PROJECTS = {"pytorch": "torch"}
TEXT = """\
name: demo
channels: ["{channel}"]
dependencies:
  - python=3.11
  - pip
  - pip:
      - --index-url {index}
      - {project}
      - torch==2.5.0
"""
PIP = [sys.executable, "-m", "pip", "--python", ".venv/bin/python", "install", "--no-cache-dir"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    setuptools = real_setuptools()
    if setuptools is None:
        pytest.skip("this environment has no setuptools 82 or later to build with")
    with Server(projects(setuptools).routes()) as server:
        made = Bench(tmp_path_factory.mktemp("bench"), f"{server.url}/simple")
        with made.session:
            yield made


def called(command: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "PIP_CONFIG_FILE": os.devnull, **variables}
    environment |= {"UV_PYTHON": sys.executable, "UV_CACHE_DIR": str(folder / "cache")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def create(folder: Path, index: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`conda env create -f environment.yml`, where conda's packages are those that provide the same."""
    listed = yaml.safe_load((folder / "environment.yml").read_text())["dependencies"]
    conda = [
        item.partition("=") for item in listed if isinstance(item, str) and not item.startswith(("python=", "pip"))
    ]
    wanted = [AS_PROJECTS.get(name, name) + (f"=={version}" if version else "") for name, _, version in conda]
    section = next(item["pip"] for item in listed if isinstance(item, dict))
    (folder / "condaenv.requirements.txt").write_text("\n".join(section))
    done = called([uv_program(), "venv", "--clear", ".venv"], folder)
    if wanted:
        into = [uv_program(), "pip", "install", "--python", ".venv", "--index-url", index]
        done = called([*into, *wanted], folder)
    assert done.returncode == 0, done.stderr
    return called([*PIP, "-U", "-r", "condaenv.requirements.txt", "--exists-action=b"], folder, **variables)


def planned(bench: Bench, project: str, tier: int) -> tuple[Path, Plan]:
    """The folder of an environment.yml with the plan of a tier in it."""
    pip = conda_record("pip", "26.0", depends=["python >=3.8"], purls=["pkg:pypi/pip"])
    setuptools = conda_record("setuptools", "84.0.0", depends=["python >=3.8"], purls=["pkg:pypi/setuptools"])
    channel = write_channel(bench.root / "channel", (*CONDA, pip, setuptools))
    text = TEXT.format(channel=channel, index=bench.index, project=project)
    report = bench.files({"environment.yml": text}, plans=True, every_tier=True)
    folder = Path(report.path).parent
    assert create(folder, bench.index).returncode != 0
    plan = next(p for p in report.plans if p.tier == tier)
    assert plan.passes, plan.reason
    Path(report.path).write_text(plan.text)
    for change in plan.beside:
        Path(change.path).write_text(change.text)
    return folder, plan


@pytest.mark.parametrize("project", ["kernels", "boxes"])
def test_conda_gives_what_a_build_imports_and_pip_does_not_isolate(bench: Bench, project: str) -> None:
    folder, plan = planned(bench, project, 2)
    (command,) = plan.commands
    variable, *rest = shlex.split(command)
    assert rest == ["conda", "env", "create", "-f", "environment.yml"]
    assert create(folder, bench.index).returncode != 0  # without the variable
    name, _, value = variable.partition("=")
    done = create(folder, bench.index, **{name: value})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("project", ["kernels", "boxes"])
def test_what_is_built_last_finds_what_the_environment_has(bench: Bench, project: str) -> None:
    folder, plan = planned(bench, project, 3)
    first, second = plan.commands
    assert first == "conda env create -f environment.yml"
    done = create(folder, bench.index)
    assert done.returncode == 0, done.stderr
    words = shlex.split(second)
    assert words[:8] == ["conda", "run", "-n", "demo", "python", "-m", "pip", "install"]
    done = called([*PIP, *words[8:]], folder)
    assert done.returncode == 0, done.stderr

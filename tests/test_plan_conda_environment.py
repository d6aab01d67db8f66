"""Plans for environment.yml: conda's packages come first, then pip's section, isolated unless told otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.diagnose import Question, diagnose
from pixi_diagnose.finding import Plan
from pixi_diagnose.frontends.machine import Machine
from pixi_diagnose.report import Report
from support.installer_bench import Bench, serving
from support.packages import conda_record, make_wheel, write_channel
from support.worlds import CONDA, sdists

SETUP = "from setuptools import setup\nsetup(name='{0}', version='1.0')\n"
SWITCH = """\
import os
import torch
from setuptools import setup
ext_modules = []
if os.environ.get("NO_CUDA", "FALSE") != "TRUE":
    from torch.utils.cpp_extension import CUDAExtension
    ext_modules.append(CUDAExtension("k", ["k.cu"]))
setup(name="fused", version="1.0", ext_modules=ext_modules)
"""
FILES = {
    "flash-1.0/setup.py": "import torch\nimport psutil\n" + SETUP.format("flash"),
    "aged-1.0/setup.py": "import pkg_resources\n" + SETUP.format("aged"),
    "ancient-1.0/setup.py": "import imp\n" + SETUP.format("ancient"),
    "beside-1.0/setup.py": "import helper\n" + SETUP.format("beside"),
    "beside-1.0/helper.py": "",
    "beside-1.0/pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n',
    "fused-1.0/setup.py": SWITCH,
    "fused-1.0/k.cu": "",
    "stepped-1.4/setup.py": "import nowhere_to_be_had\n",
}
WHEELS = (
    make_wheel("torch", "2.7.0", {"torch/__init__.py": ""}),
    make_wheel("setuptools", "84.0.0", {"setuptools/__init__.py": ""}),
    make_wheel("setuptools", "80.9.0", {"setuptools/__init__.py": ""}),
    make_wheel("psutil", "7.0", {"psutil.py": ""}),
    make_wheel("stepped", "1.9", {"stepped.py": ""}),
    make_wheel("on-flash", "1.0", {"on_flash.py": ""}, requires=["flash"]),
)
CHANNEL = (
    *CONDA,
    conda_record("pip", "26.0", depends=["python >=3.8"], purls=["pkg:pypi/pip"]),
    conda_record("psutil", "7.1", depends=["python >=3.8"], purls=["pkg:pypi/psutil"]),
    conda_record("setuptools", "84.0.0", depends=["python >=3.8"], purls=["pkg:pypi/setuptools"]),
    conda_record("setuptools", "79.0.0", depends=["python >=3.8"], purls=["pkg:pypi/setuptools"]),
    conda_record("python", "3.12.1", "h0_0_cpython", subdir="linux-64", purls=[]),
    conda_record("cuda-toolkit", "12.6.3", subdir="linux-64", purls=[]),
    conda_record("stepped", "1.4", depends=["python >=3.8"], purls=["pkg:pypi/stepped"]),
)
TEXT = """\
# what we work in
name: demo
channels:
  - "@CHANNEL@"   # ours
dependencies:
  - python={python}
  - pip

  # from PyPI
  - pip:
      - --index-url @INDEX@
{lines}
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with serving(tmp_path_factory.mktemp("bench"), (*sdists(FILES), *WHEELS)) as made:
        yield made


def text(bench: Bench, *lines: str, python: str = "3.11") -> str:
    channel = write_channel(bench.root / "channel", CHANNEL)
    section = "\n".join(f"      - {line}" for line in lines)
    return TEXT.replace("@CHANNEL@", channel).format(python=python, lines=section)


def diagnosed(bench: Bench, *lines: str, python: str = "3.11") -> Report:
    return bench.files({"environment.yml": text(bench, *lines, python=python)}, plans=True, every_tier=True)


def plans(bench: Bench, *lines: str, python: str = "3.11") -> dict[int, Plan]:
    return {p.tier: p for p in diagnosed(bench, *lines, python=python).plans}


def changed(plan: Plan) -> list[str]:
    lines = [line for line in plan.diff.splitlines() if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]
    return [line for line in lines if line[1:].strip()]


# --- conda gives what builds import, and pip does not isolate them


def test_what_a_build_imports_comes_from_conda_and_pip_does_not_isolate(bench: Bench) -> None:
    plan = plans(bench, "flash", "torch==2.5.0  # for the driver")[2]
    assert plan.passes, plan.reason
    assert changed(plan) == [
        "+  - setuptools  # imported by the build of flash",
        "+  - pytorch=2.5.0  # imported by the build of flash",
        "+  - psutil  # imported by the build of flash",
        "-      - torch==2.5.0  # for the driver",
    ]
    assert plan.commands == ("PIP_NO_BUILD_ISOLATION=false conda env create -f environment.yml",)
    assert any(cost.startswith("torch 2.5.0 is conda's build: one for CUDA where ") for cost in plan.trade_offs)
    assert not plan.safe


def test_nvcc_comes_from_conda_as_well(bench: Bench) -> None:
    plan = plans(bench, "fused", "torch==2.6.0")[2]
    assert plan.passes, plan.reason
    assert "+  - cuda-toolkit=12.6  # nvcc for the build of fused" in changed(plan)
    assert not plan.leaves_out


def test_an_older_setuptools_comes_from_conda(bench: Bench) -> None:
    plan = plans(bench, "aged")[2]
    assert plan.passes, plan.reason
    assert changed(plan) == ["+  - setuptools<81  # imported by the build of aged"]


# --- two steps


def test_what_cannot_be_built_isolated_is_installed_after_the_rest(bench: Bench) -> None:
    plan = plans(bench, "flash", "torch==2.5.0")[3]
    assert plan.passes, plan.reason
    (index,) = {line for line in changed(plan) if "--index-url" in line}
    assert changed(plan) == [
        "-      - flash",
        "+      - setuptools  # flash is built with it",
        "+      - psutil  # flash is built with it",
        index,
        "+flash",
    ]
    assert plan.commands == (
        "conda env create -f environment.yml",
        "conda run -n demo python -m pip install --no-build-isolation -r requirements-last.txt",
    )


def test_a_line_moves_with_what_it_asks_for(bench: Bench) -> None:
    plan = plans(bench, "on-flash==1.0", "torch==2.5.0")[3]
    assert plan.passes, plan.reason
    assert "-      - on-flash==1.0" in changed(plan)
    assert "+on-flash==1.0" in changed(plan)


def test_the_second_step_gets_what_its_builds_are_told(bench: Bench) -> None:
    found = plans(bench, "fused", "torch==2.5.0")
    assert found[3].commands[1].startswith("NO_CUDA=TRUE conda run -n demo python -m pip install ")
    assert found[3].leaves_out == ("k of fused",)
    assert [t for t, p in found.items() if p.recommended] == [2]  # it leaves nothing out


def test_a_build_gets_what_lies_beside_its_script_in_the_second_step(bench: Bench) -> None:
    plan = plans(bench, "beside")[3]
    assert plan.passes, plan.reason
    assert plan.commands[1].startswith("PYTHONPATH=. conda run ")


# --- the section itself, and what conda's command is told


def test_pip_is_told_by_variables_as_a_section_takes_no_such_options(bench: Bench) -> None:
    plan = plans(bench, "aged")[1]
    assert plan.passes, plan.reason
    assert plan.commands == ("PIP_BUILD_CONSTRAINT=build-constraints.txt conda env create -f environment.yml",)
    assert changed(plan) == ["+setuptools<81  # aged uses pkg_resources"]


def test_a_release_with_a_wheel_takes_the_place_of_the_line(bench: Bench) -> None:
    plan = plans(bench, "stepped==1.4")[0]
    assert plan.passes, plan.reason
    assert changed(plan) == ["-      - stepped==1.4", "+      - stepped==1.9  # has a wheel for linux-64"]


def test_a_conda_package_takes_the_place_of_the_line(tmp_path: Path) -> None:
    only = {title: script for title, script in FILES.items() if title.startswith("stepped")}
    with serving(tmp_path, (*sdists(only), WHEELS[1])) as without_wheels:
        plan = plans(without_wheels, "stepped")[0]
    assert plan.passes, plan.reason
    assert changed(plan) == ["+  - stepped  # stepped without a build", "-      - stepped"]


def test_an_older_python_is_conda_s(bench: Bench) -> None:
    plan = plans(bench, "ancient", python="3.12")[1]
    assert plan.passes, plan.reason
    assert changed(plan)[:2] == [
        "-  - python=3.12",
        "+  - python=3.11  # ancient uses imp, which python 3.12.1 no longer has",
    ]
    assert plan.commands == ()


def test_variables_of_the_file_come_too_late_for_its_builds(bench: Bench) -> None:
    """conda 26.7, conda/cli/install.py: they are set when pip is done."""
    given = text(bench, "fused", "torch==2.5.0") + "variables:\n  NO_CUDA: 'TRUE'\n"
    report = bench.files({"environment.yml": given})
    assert report.simulations[0].outcomes["lock"].value == "fails"


# --- what is written


def test_a_plan_is_written_and_passes(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "environment.yml"
    path.write_text(text(bench, "flash", "torch==2.5.0").replace("@INDEX@", bench.index))
    asked = Question(machine=Machine("linux-64", {}), every_tier=True)
    report = diagnose(str(path), asked, bench.session)
    plan = next(p for p in report.plans if p.tier == 3)
    path.write_text(plan.text)
    for change in plan.beside:
        Path(change.path).write_text(change.text)
    after = diagnose(str(path), asked, bench.session)
    assert {o.value for o in after.simulations[0].outcomes.values()} == {"ok"}
    assert (tmp_path / "requirements-last.txt").read_text().endswith("flash\n")
    assert "# from PyPI\n  - pip:\n" in path.read_text()

"""Compilers and programs that nothing gives: who is looked at, and how sure that is (ENV203, ENV204)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_diagnose.finding import Confidence, Severity
from pixi_diagnose.frontends.machine import Machine
from pixi_diagnose.outcome import Outcome
from pixi_diagnose.report import Report
from support.worlds import world

SDISTS = {
    "in_c-1.0/setup.py": (
        "from setuptools import Extension, setup\n\nsetup(name='in-c', ext_modules=[Extension('in_c', ['in_c.c'])])\n"
    ),
    "in_c-1.0/in_c.c": "int nothing;\n",
    "in_fortran-1.0/setup.py": (
        "from setuptools import setup, Extension\n\nsetup(name='in-fortran', ext_modules=[Extension('f', ['f.f90'])])\n"
    ),
    "in_fortran-1.0/f.f90": "end\n",
    "runs_ninja-1.0/setup.py": (
        "import subprocess\nfrom setuptools import setup\n\nsubprocess.check_call(['ninja', '--version'])\n"
        "setup(name='runs-ninja')\n"
    ),
    "runs_ninja-1.0/pyproject.toml": (
        '[build-system]\nrequires = ["setuptools", "ninja"]\nbuild-backend = "setuptools.build_meta"\n'
    ),
    "tries_git-1.0/setup.py": (
        "import subprocess\nfrom setuptools import setup\n\ntry:\n"
        "    subprocess.check_output(['git', 'describe'])\nexcept OSError:\n    pass\nsetup(name='tries-git')\n"
    ),
}


def diagnosed(tmp_path: Path, project: str, *, conda: str = "", machine: Machine, platform: str = "linux-64") -> Report:
    manifest = '[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64", "osx-arm64"]\n\n[dependencies]\n'
    manifest += f'python = "3.11.*"\n{conda}\n[pypi-dependencies]\n{project} = "*"\n'
    with world(tmp_path, SDISTS) as packages:
        packages.machine = machine
        return packages.diagnose({"pixi.toml": manifest}, plans=False, platforms=(platform,))


def codes(report: Report) -> list[tuple[str, Severity, Confidence]]:
    return [(f.rule.code, f.severity, f.confidence) for f in report.findings]


BARE = Machine("linux-64", {})


def test_a_compiler_that_this_machine_lacks_is_a_warning_and_no_outcome(tmp_path: Path) -> None:
    report = diagnosed(tmp_path, "in-c", machine=BARE)
    assert codes(report) == [("ENV203", Severity.WARNING, Confidence.MEDIUM)]
    assert report.simulations[0].outcomes["install"] is Outcome.OK


@pytest.mark.parametrize(
    ("conda", "machine"),
    [
        ('c-compiler = "*"', BARE),
        ("", Machine("linux-64", {"c-compiler": "this machine's PATH"})),
    ],
)
def test_conda_or_the_machine_may_give_it(conda: str, machine: Machine, tmp_path: Path) -> None:
    assert codes(diagnosed(tmp_path, "in-c", conda=conda, machine=machine)) == []


def test_another_machine_is_taken_to_have_the_usual_tools(tmp_path: Path) -> None:
    assert codes(diagnosed(tmp_path, "in-c", machine=BARE, platform="osx-arm64")) == []


def test_of_another_machine_the_unusual_ones_are_a_note(tmp_path: Path) -> None:
    report = diagnosed(tmp_path, "in-fortran", machine=BARE, platform="osx-arm64")
    assert codes(report) == [("ENV203", Severity.INFO, Confidence.LOW)]


def test_an_isolated_build_may_require_the_program_itself(tmp_path: Path) -> None:
    assert codes(diagnosed(tmp_path, "runs-ninja", machine=BARE)) == []


def test_what_a_script_only_tries_is_not_missed(tmp_path: Path) -> None:
    assert codes(diagnosed(tmp_path, "tries-git", machine=BARE)) == []

"""Where a build runs: on this machine, with its platform's conda packages, whatever platform is locked (pixi.md P4)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_diagnose.finding import Finding, Severity
from pixi_diagnose.frontends.machine import Machine
from pixi_diagnose.report import Report
from support.worlds import world

TORCH = "import torch\nfrom setuptools import setup\nsetup(name='{0}', version='1.0')\n"
FILES = {
    "kernels-1.0/setup.py": TORCH.format("kernels"),
    "plain-1.0/setup.py": "from setuptools import setup\nsetup(name='plain', version='1.0')\n",
}


def diagnosed(tmp_path: Path, platforms: str, tables: str, machine: Machine | None = None) -> Report:
    text = f'[workspace]\nchannels = ["conda-forge"]\nplatforms = [{platforms}]\n\n[dependencies]\npython = "3.11.*"\n'
    with world(tmp_path, FILES) as packages:
        if machine is not None:
            packages.machine = machine
        return packages.diagnose({"pixi.toml": text + tables}, plans=False)


def outcomes(report: Report) -> dict[str, tuple[str, str]]:
    return {s.environment.platform.name: (s.outcomes["lock"], s.outcomes["install"]) for s in report.simulations}


def unbuildable(report: Report) -> list[Finding]:
    return [f for f in report.findings if f.rule.code == "ENV205"]


def test_pixi_p4_a_workspace_without_this_machines_platform_builds_nothing(tmp_path: Path) -> None:
    report = diagnosed(tmp_path, '"osx-arm64"', 'setuptools = "*"\n[pypi-dependencies]\nplain = "*"\n')
    assert outcomes(report) == {"osx-arm64": ("fails", "fails")}
    (found,) = unbuildable(report)
    assert found.severity is Severity.ERROR
    assert found.message == "this machine is linux-64, and the workspace is for osx-arm64 only"
    assert found.place is not None
    assert found.place.key == ("workspace", "platforms")


def test_pixi_p4_without_a_build_it_locks_and_is_not_installed(tmp_path: Path) -> None:
    report = diagnosed(tmp_path, '"osx-arm64"', '[pypi-dependencies]\npsutil = "*"\n')
    assert outcomes(report) == {"osx-arm64": ("ok", "fails")}
    (found,) = unbuildable(report)
    assert found.severity is Severity.WARNING


def test_a_platform_that_the_machine_emulates_is_its_own(tmp_path: Path) -> None:
    windows = Machine("win-64", {})
    report = diagnosed(tmp_path, '"win-32"', "", windows)
    assert unbuildable(report) == []
    assert Machine("osx-arm64", {}).subdirs == ("osx-arm64", "osx-64")


@pytest.mark.parametrize(("target", "lock"), [("osx-arm64", "fails"), ("linux-64", "ok")])
def test_pixi_p4_another_platforms_lock_sees_this_machines_conda_packages(
    target: str, lock: str, tmp_path: Path
) -> None:
    tables = f"""setuptools = "*"

[target.{target}.dependencies]
pytorch = "*"

[target.osx-arm64.pypi-dependencies]
kernels = "*"

[pypi-options]
no-build-isolation = ["kernels"]
"""
    report = diagnosed(tmp_path, '"linux-64", "osx-arm64"', tables)
    assert outcomes(report)["osx-arm64"][0] == lock
    assert [f.rule.code for f in report.findings if f.severity is Severity.ERROR and f.platforms == ("osx-arm64",)][
        :1
    ] == (["ENV205"] if lock == "fails" else ["ISO102"])
    if lock == "fails":
        (found,) = unbuildable(report)
        assert (
            found.message == "kernels 1.0 is built on linux-64 for the lock of osx-arm64, and cannot import torch there"
        )
        assert "pytorch 2.6.0 is among the packages of osx-arm64 only." in found.explanation


def test_what_no_platform_has_is_no_affair_of_the_machine(tmp_path: Path) -> None:
    tables = 'setuptools = "*"\n[pypi-dependencies]\nkernels = "*"\n[pypi-options]\nno-build-isolation = ["kernels"]\n'
    report = diagnosed(tmp_path, '"linux-64", "osx-arm64"', tables)
    assert {f.rule.code for f in report.findings if f.severity is Severity.ERROR} == {"ISO102"}


def test_an_environment_of_another_platform_is_simulated_on_its_own_where_the_workspace_has_this_machines(
    tmp_path: Path,
) -> None:
    tables = """setuptools = "*"

[feature.mac]
platforms = ["osx-arm64"]

[feature.mac.pypi-dependencies]
plain = "*"

[environments]
mac = ["mac"]
"""
    report = diagnosed(tmp_path, '"linux-64", "osx-arm64"', tables)
    (mac,) = [s for s in report.simulations if s.environment.name == "mac"]
    assert dict(mac.outcomes) == {"lock": "fails", "install": "ok"}
    (found,) = unbuildable(report)
    assert found.message == "plain 1.0 has to be built for the lock of osx-arm64, and mac lacks linux-64"

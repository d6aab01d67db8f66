"""Versions that have to fit each other: torch's CUDA and nvcc's, GCC and nvcc, what was compiled and what runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from pixi_diagnose.conda import CondaPackage
from pixi_diagnose.finding import Confidence, Severity
from pixi_diagnose.frontends.model import Toolchain
from pixi_diagnose.frontends.toolchain import conda_toolchain, refused_toolchain, with_torch
from pixi_diagnose.index.model import Distribution
from pixi_diagnose.outcome import Outcome
from pixi_diagnose.rules.native_abi import fits
from support.worlds import world


def conda(name: str, version: str, build: str = "", depends: tuple[str, ...] = (), project: str = "") -> CondaPackage:
    projects = ((project, version),) if project else ()
    return CondaPackage(name, version, build, "linux-64", "conda-forge", True, projects, depends)


@pytest.mark.parametrize(
    ("package", "cuda"),
    [
        (conda("pytorch", "2.7.1", "cuda126_mkl_py311_h1", project="torch"), "12.6"),
        (conda("pytorch", "2.1.2", "cuda118_py311h1", project="torch"), "11.8"),
        (conda("pytorch", "2.5.1", "py3.12_cuda12.4_cudnn9.1.0_0", project="torch"), "12.4"),
        (conda("pytorch", "2.9.0", "cpu_mkl_py312_h1", project="torch"), "none"),
        (conda("pytorch", "2.5.1", "py3.12_cpu_0", project="torch"), "none"),
        (conda("pytorch", "2.9.0", "h1", ("cuda-version >=12.9,<13",), project="torch"), "12.9"),
        (conda("pytorch", "2.9.0", "h1", project="torch"), ""),
    ],
)
def test_conda_says_by_its_build_which_cuda_torch_was_built_with(package: CondaPackage, cuda: str) -> None:
    assert conda_toolchain([package]).torch_cuda == cuda


@pytest.mark.parametrize(
    ("torch", "runtime", "cuda"),
    [
        ("2.6.0+cu124", None, "12.4"),
        ("2.6.0+cu118", None, "11.8"),
        ("2.6.0+cpu", None, "none"),
        ("2.6.0", ("nvidia-cuda-runtime-cu12", "12.4.127"), "12.4"),
        ("2.11.0", ("nvidia-cuda-runtime", "13.0.96"), "13.0"),
        ("2.6.0", None, ""),
    ],
)
def test_a_torch_of_an_index_says_it_by_its_version_or_by_what_it_requires(
    torch: str, runtime: tuple[str, str] | None, cuda: str
) -> None:
    found = [Distribution("torch", torch, "wheel")]
    found += [Distribution(*runtime, "wheel", required_by=("torch",))] if runtime else []
    assert with_torch(Toolchain(), found).torch_cuda == cuda


@pytest.mark.parametrize(
    ("packages", "nvcc", "gcc"),
    [
        ([conda("cuda-nvcc", "12.6.85"), conda("gxx_linux-64", "13.4.0")], "12.6", "13.4"),
        ([conda("cuda-toolkit", "12.4.*")], "12.4", ""),
        ([conda("cuda-nvcc", ""), conda("cuda-version", "12.4")], "12.4", ""),
        ([conda("cuda-nvcc", ">=12"), conda("gxx", "*")], "", ""),
        ([conda("cuda-version", "12.4")], "", ""),
    ],
)
def test_a_spec_that_allows_several_versions_says_nothing(packages: list[CondaPackage], nvcc: str, gcc: str) -> None:
    found = conda_toolchain(packages)
    assert (found.nvcc, found.gcc) == (nvcc, gcc)


@pytest.mark.parametrize(
    ("seen", "kinds"),
    [
        (Toolchain("11.8", "12.4"), ["cuda"]),
        (Toolchain("12.6", "12.4"), []),
        (Toolchain("12.6", "none"), ["cuda"]),
        (Toolchain("12.6", ""), []),
        (Toolchain("", "12.4"), []),
        (Toolchain("12.4", "12.4", "14.3"), ["compiler"]),
        (Toolchain("12.8", "12.8", "14.3"), []),
        (Toolchain("13.9", "13.9", "19.1"), []),
    ],
)
def test_torch_refuses_another_major_cuda_and_nvcc_a_newer_gcc(seen: Toolchain, kinds: list[str]) -> None:
    assert [r.kind for r in refused_toolchain(seen, through_torch=True)] == kinds
    assert [r.kind for r in refused_toolchain(seen, through_torch=False)] == [k for k in kinds if k == "compiler"]


@pytest.mark.parametrize(
    ("project", "built", "runs", "answer"),
    [
        ("torch", "2.7.0", "2.7.1", True),
        ("torch", "2.7.0", "2.6.0", False),
        ("torch", "2.7.0+cu128", "2.7.0", True),
        ("numpy", "2.1.0", "1.26.0", True),
        ("numpy", "2.1.0", "1.18.0", False),
        ("numpy", "1.26.0", "2.0.0", False),
        ("numpy", "1.26.0", "1.21.0", True),
        ("numpy", "1.24.0", "1.21.0", False),
        ("numpy", "1.21.0", "1.24.0", True),
        ("pyarrow", "18.0.0", "18.1.0", True),
        ("pyarrow", "18.0.0", "17.0.0", False),
    ],
)
def test_what_runs_what_was_compiled(project: str, built: str, runs: str, answer: bool) -> None:
    assert fits(project, Version(built), Version(runs)) is answer


CHECKS = {
    "strict-1.0/setup.py": """
import torch
from packaging.version import parse
from setuptools import setup

if parse(torch.__version__) < parse("2.6"):
    raise RuntimeError("torch is too old")
setup(name="strict", version="1.0")
""",
    "strict-1.0/pyproject.toml": """
[build-system]
requires = ["setuptools", "packaging", "torch>=2.6"]
build-backend = "setuptools.build_meta"
""",
    "old_only-1.0/setup.py": """
import torch
from setuptools import setup

assert torch.__version__ < "2.6"
setup(name="old-only", version="1.0")
""",
    "old_only-1.0/pyproject.toml": """
[build-system]
requires = ["setuptools", "torch"]
build-backend = "setuptools.build_meta"
""",
}
STRICT = """
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]
[dependencies]
python = "3.11.*"
setuptools = "*"
packaging = "*"
pytorch = "{torch}"
[pypi-dependencies]
strict = "*"
[pypi-options]
no-build-isolation = ["strict"]
"""


def test_a_script_that_refuses_what_it_sees_is_an_error_at_the_list(tmp_path: Path) -> None:
    with world(tmp_path, CHECKS) as packages:
        report = packages.diagnose({"pixi.toml": STRICT.format(torch="2.5.*")}, plans=False)
    (found,) = (f for f in report.findings if f.rule.code == "ISO104")
    assert (found.severity, found.confidence) == (Severity.ERROR, Confidence.HIGH)
    assert "torch 2.5.0" in found.message
    assert [str(e) for e in found.evidence] == ["setup.py:6"]
    assert found.place is not None
    assert found.place.key == ("pypi-options", "no-build-isolation", 0)
    assert report.simulations[0].outcomes["install"] is Outcome.FAILS


def test_the_version_that_it_accepts_passes(tmp_path: Path) -> None:
    with world(tmp_path, CHECKS) as packages:
        report = packages.diagnose({"pixi.toml": STRICT.format(torch="2.6.*")}, plans=False)
    assert report.simulations[0].outcomes == {"lock": Outcome.OK, "install": Outcome.OK}
    assert report.findings == ()


def test_an_isolated_build_may_refuse_what_its_own_requirements_bring(tmp_path: Path) -> None:
    manifest = STRICT.format(torch="2.6.*").replace("strict", "old-only").replace('["old-only"]', "[]")
    with world(tmp_path, CHECKS) as packages:
        report = packages.diagnose({"pixi.toml": manifest}, plans=False)
    (found,) = (f for f in report.findings if f.rule.code == "ISO114")
    assert "torch 2.7.0" in found.message


CUDA = {
    "kernels-1.0/setup.py": """
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

extension = CUDAExtension("kernels", ["kernels.cu"])
setup(name="kernels", version="1.0", ext_modules=[extension], cmdclass={"build_ext": BuildExtension})
""",
    "kernels-1.0/kernels.cu": "__global__ void nothing() {}\n",
}
MIXED = """
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]
[dependencies]
python = "3.11.*"
setuptools = "*"
pytorch = "2.4.*"
cuda-nvcc = "{nvcc}"
gxx = "{gxx}"
[pypi-dependencies]
kernels = "*"
[pypi-options]
no-build-isolation = ["kernels"]
"""


@pytest.mark.parametrize(
    ("nvcc", "gxx", "install", "codes"),
    [
        ("12.4.*", "13.*", Outcome.OK, []),
        ("12.6.*", "13.*", Outcome.OK, ["ENV202"]),
        ("11.8.*", "11.*", Outcome.FAILS, ["ENV202"]),
        ("12.4.*", "14.*", Outcome.FAILS, ["ENV203"]),
    ],
)
def test_versions_are_compared_when_the_compiler_starts(
    nvcc: str, gxx: str, install: Outcome, codes: list[str], tmp_path: Path
) -> None:
    """The project's metadata is dynamic: its hooks run while locking, and compile nothing there."""
    with world(tmp_path, CUDA) as packages:
        report = packages.diagnose({"pixi.toml": MIXED.format(nvcc=nvcc, gxx=gxx)}, plans=False)
    assert report.simulations[0].outcomes == {"lock": Outcome.OK, "install": install}
    assert [f.rule.code for f in report.findings] == codes
    for finding in report.findings:
        assert finding.confidence is Confidence.MEDIUM
        assert finding.severity is (Severity.ERROR if install is Outcome.FAILS else Severity.INFO)

"""Plans for the classes that well-known native projects stand for, on small projects of our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.finding import Plan
from pixi_diagnose.plan import resolution_mending
from pixi_diagnose.plan.workbench import with_recommendation
from pixi_diagnose.renderers.text.report import render_plans
from support.installer_bench import Bench, serving
from support.packages import make_wheel
from support.worlds import pixi_toml, sdists, world

STATIC = "Metadata-Version: 2.2\nName: {0}\nVersion: {1}\n"
DECLARED = '[build-system]\nrequires = ["setuptools", "torch"]\nbuild-backend = "setuptools.build_meta"\n'
REQUIREMENTS = "--index-url @INDEX@\n"
PROJECT = """\
[project]
name = "app"
version = "0.1.0"
requires-python = "==3.11.*"
dependencies = [{}]

[tool.uv]
package = false

[[tool.uv.index]]
url = "@INDEX@"
default = true
"""

SWITCH = """\
import os
{0}
ext_modules = []
if os.environ.get("NO_CUDA", "FALSE") != "TRUE":
    from torch.utils.cpp_extension import CUDA_HOME, CUDAExtension
    if CUDA_HOME is None:
        raise RuntimeError("nvcc was not found")
    ext_modules.append(CUDAExtension("k", ["k.cu"]))
from setuptools import setup
setup(name="{1}", version="{2}", ext_modules=ext_modules)
"""
LEFT_OUT = (
    "With NO_CUDA=TRUE the build leaves out its CUDAExtension k: what imports it fails. "
    "A machine with nvcc compiles it without this variable."
)
SCATTER = """\
import torch
from itertools import product
from setuptools import setup
from torch.utils.cpp_extension import CUDA_HOME, CUDAExtension, CppExtension
with_cuda = False
if torch.cuda.is_available():
    with_cuda = CUDA_HOME is not None
modules = []
for name, kind in product(["k"], ["cpu", "cuda"] if with_cuda else ["cpu"]):
    make = CppExtension if kind == "cpu" else CUDAExtension
    modules.append(make(name + kind, [name + ".cpp"]))
setup(name="scatter", version="1.0", ext_modules=modules)
"""
EITHER = """\
import torch
from setuptools import setup
from torch.utils.cpp_extension import CUDA_HOME, CUDAExtension, CppExtension
kind = CUDAExtension if torch.cuda.is_available() else CppExtension
setup(name="either", version="1.0", ext_modules=[kind("k", ["k.cpp"])])
"""


def project(
    name: str, script: str, version: str = "1.0", pyproject: str = "", metadata: str = STATIC
) -> dict[str, str]:
    files = {f"{name}-{version}/setup.py": script}
    if metadata:
        files[f"{name}-{version}/PKG-INFO"] = metadata.format(name, version)
    return files | ({f"{name}-{version}/pyproject.toml": pyproject} if pyproject else {})


FILES = {
    **project("mamba", SWITCH.format("import torch", "mamba", "1.0"), pyproject=DECLARED),
    **project("flash", SWITCH.format("import torch", "flash", "1.0")),
    **project("either", EITHER),
    **project("scatter", SCATTER),
    "scatter-1.0/k.cpp": "",
    "mamba-1.0/k.cu": "",
    "flash-1.0/k.cu": "",
    "moving-1.0/k.cu": "",
    "either-1.0/k.cpp": "",
    **project("aged", "from setuptools import setup\nimport pkg_resources\nsetup(name='aged', version='1.0')\n"),
    # pip looks at the newest first, and builds it to learn that it does not fit
    **project("moving", "import nowhere_to_be_had\n", "2.0", metadata=""),
    "moving-2.0/moving.egg-info/requires.txt": "torch<2.6\n",
    **project("moving", SWITCH.format("", "moving", "1.0"), "1.0"),
    **project("stepped", "import nowhere_to_be_had\n", "1.4"),
}
WHEELS = (
    make_wheel("torch", "2.7.0", {"torch/__init__.py": ""}),
    make_wheel("setuptools", "80.9.0", {"setuptools/__init__.py": ""}),
    make_wheel("stepped", "1.9", {"stepped.py": ""}),
    make_wheel("stepped", "3.0", {"stepped.py": ""}),
    make_wheel("stepped", "1.2", {"stepped.py": ""}),
    make_wheel("bygone", "1.0", {"bygone.py": ""}, tag="cp310-cp310-manylinux_2_17_x86_64"),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with serving(tmp_path_factory.mktemp("bench"), (*sdists(FILES), *WHEELS)) as made:
        yield made


def of_uv(bench: Bench, *dependencies: str, more: str = "", **files: str) -> dict[int, Plan]:
    text = PROJECT.format(", ".join(f'"{d}"' for d in dependencies)) + more
    report = bench.files({"pyproject.toml": text, **files}, plans=True, every_tier=True)
    return {p.tier: p for p in report.plans}


def of_pip(bench: Bench, *lines: str, frontend: str = "pip") -> dict[int, Plan]:
    text = REQUIREMENTS + "".join(f"{line}\n" for line in lines)
    asked = {"plans": True, "every_tier": True, "frontend": frontend, "python": "3.11"}
    return {p.tier: p for p in bench.files({"requirements.txt": text}, **asked).plans}


def changed(plan: Plan) -> list[str]:
    lines = [line for line in plan.diff.splitlines() if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]
    return [line for line in lines if line[1:].strip()]


# --- mamba-ssm, causal-conv1d: torch is declared, nvcc is missing -----------------------------------------------------


def test_what_is_compiled_on_conda_s_nvcc_is_compiled_against_the_torch_that_runs_it(tmp_path: Path) -> None:
    manifest = pixi_toml('mamba = "*"', 'torch = "==2.5.0"')
    with world(tmp_path, FILES) as packages:
        report = packages.diagnose({"pixi.toml": manifest}, every_tier=True)
        plan = next(p for p in report.plans if p.tier == 1)
        assert plan.passes, plan.reason
        assert changed(plan) == [
            '+cuda-nvcc = "*"  # nvcc for the build of mamba',
            '+setuptools = "*"  # mamba is built without isolation',
            "+[pypi-options]",
            '+no-build-isolation = ["mamba"]  # mamba is compiled against torch',
        ]
        after = packages.diagnose({"pixi.toml": plan.text})
        assert "ISO105" not in {f.rule.code for f in after.findings}


def test_cuda_headers_come_with_nvcc_where_torch_compiles(tmp_path: Path) -> None:
    manifest = pixi_toml('flash = "*"', 'torch = "==2.5.0"', channel="file:///nowhere/conda-forge")
    with world(tmp_path, FILES) as packages:
        report = packages.diagnose({"pixi.toml": manifest}, every_tier=True)
    (declare,) = (p for p in report.plans if p.tier == 1)
    assert declare.passes, declare.reason
    assert '+cuda-toolkit = "*"  # nvcc for the build of flash' in changed(declare)


def test_uv_gets_the_scripts_switch_and_the_torch_that_runs_it(bench: Bench) -> None:
    plan = of_uv(bench, "mamba", "torch==2.5.0")[1]
    assert plan.passes, plan.reason
    assert changed(plan) == [
        "+[tool.uv.extra-build-variables]",
        '+mamba = { NO_CUDA = "TRUE" }  # mamba builds without nvcc then',
        "+[tool.uv.extra-build-dependencies]",
        '+mamba = [{ requirement = "torch", match-runtime = true }]  # mamba is built for one torch',
    ]
    assert plan.trade_offs == (LEFT_OUT,)
    assert plan.leaves_out == ("k of mamba",)


def test_pip_gets_both_with_its_command(bench: Bench) -> None:
    plan = of_pip(bench, "mamba", "torch==2.5.0")[1]
    assert plan.passes, plan.reason
    assert changed(plan) == ["+torch==2.5.0  # mamba is built for it"]
    assert plan.commands == ("NO_CUDA=TRUE pip install --build-constraint build-constraints.txt -r requirements.txt",)
    assert not plan.safe


def test_pip_is_kept_from_a_release_that_it_would_build_in_vain(bench: Bench) -> None:
    plan = of_pip(bench, "moving", "torch==2.6.0")[1]
    assert plan.passes, plan.reason
    assert changed(plan) == ["-moving", "+moving==1.0  # 2.0 does not fit, and pip would build it"]
    assert plan.commands[0].startswith("NO_CUDA=TRUE pip install ")


# --- flash-attn: torch is not declared, and nvcc is missing -----------------------------------------------------------


@pytest.mark.parametrize(
    ("frontend", "which"), [("pip", "--no-build-isolation"), ("uv", "--no-build-isolation-package flash")]
)
def test_steps_give_the_scripts_switch_to_the_second_one(bench: Bench, frontend: str, which: str) -> None:
    plan = of_pip(bench, "flash", "torch==2.5.0", frontend=frontend)[3]
    program = "pip" if frontend == "pip" else "uv pip"
    assert plan.passes, plan.reason
    assert plan.commands == (
        f"{program} install -r requirements-build.txt",
        f"NO_CUDA=TRUE {program} install {which} -r requirements.txt",
    )
    assert LEFT_OUT in plan.trade_offs
    assert plan.leaves_out == ("k of flash",)


def test_pip_is_told_of_each_kind_that_is_missing_why_no_edit_brings_it(bench: Bench) -> None:
    reason = of_pip(bench, "flash", "torch==2.5.0")[1].reason
    assert "reads no setting that would add to it" in reason
    assert not of_pip(bench, "flash", "torch==2.5.0")[1].edits


# --- torch-scatter: CUDA code where nvcc is found, and where nobody can tell ------------------------------------------


def test_what_compiles_for_the_cpu_without_nvcc_gets_a_plan_that_says_so(bench: Bench) -> None:
    plan = of_uv(bench, "scatter", "torch==2.5.0")[1]
    assert plan.passes, plan.reason
    assert plan.trade_offs == ("scatter is compiled for the CPU alone where it finds no nvcc, as here (setup.py:11).",)
    assert not plan.leaves_out  # it is the machine that decides, and not the plan


def test_a_build_for_the_cpu_alone_is_worth_knowing(bench: Bench) -> None:
    given = '\n[tool.uv.extra-build-dependencies]\nscatter = ["torch==2.5.0"]\n'
    text = PROJECT.format('"scatter", "torch==2.5.0"') + given
    found = bench.files({"pyproject.toml": text}).findings
    assert ("ENV201", "info", "scatter") in [(f.rule.code, f.severity.value, f.project) for f in found]


def test_a_plan_that_leaves_something_out_is_recommended_where_no_other_passes() -> None:
    lossy = Plan(1, "declare", recommended=False, passes=True, edits=(), text="", diff="", leaves_out=("k of flash",))
    whole = Plan(3, "staged", recommended=False, passes=True, edits=(), text="", diff="")
    assert [p.tier for p in with_recommendation([lossy, whole]) if p.recommended] == [3]
    assert [p.tier for p in with_recommendation([lossy]) if p.recommended] == [1]


def test_a_plan_after_which_nothing_fails_for_sure_says_on_what_it_hinges(bench: Bench) -> None:
    plan = of_uv(bench, "either", "torch==2.5.0")[1]
    assert not plan.passes
    assert plan.hinges_on.startswith("Whether the build of either needs nvcc here could not be decided (setup.py:")
    assert '+either = [{ requirement = "torch", match-runtime = true }]' in plan.diff


# --- openai-whisper: an API that newer setuptools have not ------------------------------------------------------------


def test_pip_bounds_builds_with_its_command(tmp_path: Path) -> None:
    newer = make_wheel("setuptools", "82.0.0", {"setuptools/__init__.py": ""})
    with serving(tmp_path, (*sdists(FILES), *WHEELS, newer)) as newest:
        plan = of_pip(newest, "aged")[1]
    assert plan.passes, plan.reason
    assert changed(plan) == ["+setuptools<81  # aged uses pkg_resources"]
    assert plan.commands == ("pip install --build-constraint build-constraints.txt -r requirements.txt",)


# --- numpy 1.21: another release, or another Python -------------------------------------------------------------------


def test_prebuilt_prefers_a_release_of_the_same_major_version(bench: Bench) -> None:
    assert changed(of_pip(bench, "stepped==1.4")[0]) == ["-stepped==1.4", "+stepped==1.9  # has a wheel for linux-64"]


def test_prebuilt_takes_the_python_that_there_are_wheels_for(bench: Bench) -> None:
    plan = of_uv(bench, "bygone")[0]
    assert plan.passes, plan.reason
    assert changed(plan) == [
        '-requires-python = "==3.11.*"',
        '+requires-python = "==3.10.*"  # bygone has wheels for it',
    ]
    assert plan.trade_offs == ("Everything runs on Python 3.10, which is older.",)


# --- detectron2: not on the index -------------------------------------------------------------------------------------


def test_what_no_index_has_comes_from_where_its_instructions_say(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://127.0.0.1:9/detector.git"  # nobody listens there
    monkeypatch.setattr(resolution_mending, "repository", lambda _: (address, "stable"))
    plan = of_uv(bench, "detector")[1]
    assert not plan.passes
    assert plan.hinges_on.startswith("What detector needs could not be read: ")
    assert changed(plan) == [
        "+[tool.uv.sources]",
        f'+detector = {{ git = "{address}", rev = "stable" }}  # not on the index',
    ]
    of_file = of_pip(bench, "detector")
    assert changed(of_file[1])[1] == f"+detector @ git+{address}@stable  # not on the index"
    assert of_file[3].reason.startswith("what detector needs could not be read, so that nobody knows")


def test_where_nothing_is_resolved_no_tier_speaks_of_builds(bench: Bench) -> None:
    found = of_uv(bench, "never-heard-of")
    assert found[0].reason == "no index has a file of never-heard-of for linux-64 and this Python, and no source of it"
    assert found[3].reason == "what fails is the resolution, before anything is built"


# --- pysha3: C that a newer Python does not compile -------------------------------------------------------------------


def test_uv_is_given_the_last_python_that_has_what_is_used(tmp_path: Path) -> None:
    script = "import imp\nfrom setuptools import setup\nsetup(name='ancient', version='1.0')\n"
    with serving(tmp_path, sdists(project("ancient", script))) as made:
        text = PROJECT.format('"ancient"').replace("3.11", "3.12")
        plans = {p.tier: p for p in made.files({"pyproject.toml": text}, plans=True, every_tier=True).plans}
        beside = of_pip(made, "ancient", frontend="uv")
    assert changed(plans[1])[1].startswith('+requires-python = "==3.11.*"  # ancient uses imp')
    assert beside == {}  # 3.11 still has it


@pytest.mark.parametrize(
    ("frontend", "commands"),
    [
        ("uv", ("uv venv --python 3.11 .venv-3.11", "uv pip install --python .venv-3.11 -r requirements.txt")),
        ("pip", ("python3.11 -m venv .venv-3.11", ".venv-3.11/bin/python -m pip install -r requirements.txt")),
    ],
)
def test_a_requirements_file_is_installed_into_an_environment_of_that_python(
    tmp_path: Path, frontend: str, commands: tuple[str, ...]
) -> None:
    script = "import imp\nfrom setuptools import setup\nsetup(name='ancient', version='1.0')\n"
    with serving(tmp_path, sdists(project("ancient", script))) as made:
        asked = {"plans": True, "every_tier": True, "frontend": frontend, "python": "3.12"}
        plan = next(p for p in made.files({"requirements.txt": REQUIREMENTS + "ancient\n"}, **asked).plans if p.passes)
    assert (plan.tier, plan.commands, plan.diff) == (1, commands, "")
    assert plan.trade_offs == ("Everything runs on Python 3.11, which is older.",)
    assert not plan.safe


def test_wheels_for_an_older_python_are_installed_into_an_environment_of_it(bench: Bench) -> None:
    plan = of_pip(bench, "bygone", frontend="uv")[0]
    assert plan.passes, plan.reason
    assert plan.commands[0] == "uv venv --python 3.10 .venv-3.10"


# --- what a plan never touches, and what it says ----------------------------------------------------------------------


def test_settings_of_the_user_are_read_and_never_edited(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "uv" / "uv.toml"
    own.parent.mkdir()
    own.write_text("no-build-isolation = true\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for plan in of_uv(bench, "flash", "torch==2.5.0").values():
        assert str(own) not in plan.diff
        assert str(own) not in {change.path for change in plan.beside}


def test_a_plan_for_a_refused_manifest_names_the_commands_that_pass(tmp_path: Path) -> None:
    manifest = pixi_toml(rest='[pypi-options]\nindex-strategies = "first-index"\n')
    with world(tmp_path) as packages:
        report = packages.diagnose({"pixi.toml": manifest}, every_tier=True)
    assert report.rejected
    assert "with this edit, pixi lock and\n  pixi install pass in the simulation." in render_plans(report, report.plans)

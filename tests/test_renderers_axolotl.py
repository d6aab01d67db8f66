"""One report, built by hand after a real case, in all formats: the expected files are in `cases/reports`.

axolotl is listed in no-build-isolation although it declares all that it needs; flash-attn, which declares nothing and
imports torch, is not. Set UPDATE_CASES=1 to write the expected files anew, and then read them.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pixi_diagnose.build_needs.model import BuildNeeds, BuildSystem, BuildTarget, ImportNeed, Phase, Strength, ToolNeed
from pixi_diagnose.conda import CondaPackage
from pixi_diagnose.core_metadata import MetadataSource, StaticMetadata
from pixi_diagnose.document import Document, Edit, unified_diff
from pixi_diagnose.environment import Environment
from pixi_diagnose.evidence import Evidence, Place, Unknown
from pixi_diagnose.finding import Confidence, Finding, Plan, Rule, Severity
from pixi_diagnose.frontends.model import (
    Build,
    BuildPhase,
    BuildSubject,
    Missing,
    Outcome,
    Simulation,
    Stage,
    Step,
    Visible,
)
from pixi_diagnose.index.model import Distribution, PypiResolution
from pixi_diagnose.inspection import Inspection, Source
from pixi_diagnose.manifest import read_manifest
from pixi_diagnose.manifest.model import Platform, PypiOptions
from pixi_diagnose.renderers import renderer
from pixi_diagnose.renderers.inspection_json import inspect_document
from pixi_diagnose.renderers.json_parts import dumps
from pixi_diagnose.renderers.text.inspection import render_inspection
from pixi_diagnose.renderers.text.report import render, render_plans
from pixi_diagnose.report import Report
from pixi_diagnose.resolve import Resolution
from pixi_diagnose.rules import rules_on

CASES = Path(__file__).parent / "cases" / "reports"

MANIFEST = """\
[workspace]
name = "axolotl"
channels = ["nvidia/label/cuda-12.4.1", "conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.12.*"
cuda-toolkit = "12.4.*"

[pypi-options]
no-build-isolation = ["axolotl"]

[pypi-dependencies]
torch = "==2.6.0"
axolotl = { version = "==0.9.0", extras = ["flash-attn", "deepspeed"] }
"""

PURE = ("grpclib", "hqq", "langdetect", "rouge-score", "sqlitedict", "word2number")
"""Projects without a usable wheel whose builds pass."""

CONDA = Visible({}, {"nvcc": "cuda-toolkit 12.4.*"}, ("conda: cuda-toolkit 12.4.*, python 3.12.*",))
INSTALLED = replace(CONDA, layers=(*CONDA.layers, "221 PyPI distributions"))
ISOLATED = Visible({"setuptools": "80.9.0"}, CONDA.tools, ("its own build requirements",))

SETUPTOOLS = BuildSystem(
    table=True, requires=("setuptools>=64", "packaging==23.2"), backend="setuptools.build_meta", line=2
)
LEGACY = BuildSystem(table=False, requires=("setuptools>=40.8.0",), backend="setuptools.build_meta:__legacy__")


def rule(code: str) -> Rule:
    return next(r for r in rules_on("manifest", "resolution", "build") if r.code == code)


def imported(name: str, line: int, order: int, phase: Phase = Phase.METADATA, text: str = "") -> ImportNeed:
    return ImportNeed(
        name,
        (name,),
        phase,
        Strength.HARD,
        (Evidence("setup.py", line, text or f"import {name}"),),
        order,
        after_setup_requires=phase is Phase.WHEEL,
    )


def missing(need: ImportNeed, *, backend: bool = False) -> Missing:
    return Missing("import", need.import_name, need.projects, need.phase, need.evidence, backend=backend)


def resolved(*projects: str) -> PypiResolution:
    return PypiResolution(tuple(Distribution(p, "80.9.0", "wheel", required_by=("",)) for p in projects))


def axolotl() -> Build:
    """Not isolated, dynamic metadata: built while locking, when only conda's packages are there."""
    backend = ImportNeed(
        "setuptools",
        ("setuptools",),
        Phase.METADATA,
        Strength.HARD,
        (Evidence("pyproject.toml", 3, 'build-backend = "setuptools.build_meta"'),),
        0,
    )
    metadata = StaticMetadata(
        project="axolotl",
        version="0.9.0",
        requires=("torch",),
        requires_python=None,
        provides_extra=("deepspeed", "flash-attn"),
        source=MetadataSource.EGG_INFO,
        static_for=(("pip", False), ("pixi", False), ("uv", False)),
        approximate=True,
        dynamic_because=(Evidence("pyproject.toml", 7),),
        dynamic_reason="its dependencies are dynamic",
    )
    subject = BuildSubject(
        Distribution("axolotl", "0.9.0", "sdist", "axolotl-0.9.0.tar.gz", required_by=("",), metadata=metadata),
        BuildNeeds("axolotl", "0.9.0", SETUPTOOLS, imports=(backend, imported("packaging", 9, 1))),
        build_environment=resolved("setuptools", "packaging"),
    )
    failing = BuildPhase(
        "lock", Outcome.FAILS, (missing(backend, backend=True),), reason="setuptools is missing", visible=CONDA
    )
    return Build(subject, False, (failing, BuildPhase("install", Outcome.OK, visible=INSTALLED)), ("",))


def flash_attn() -> Build:
    """Isolated, static metadata: only its wheel is built, without the torch that it imports at once."""
    torch = imported("torch", 22, 4)
    needs = BuildNeeds(
        "flash-attn",
        "2.7.4.post1",
        LEGACY,
        hook_requirements=("ninja", "psutil"),
        hook_evidence=(Evidence("setup.py", 530),),
        imports=(
            imported("setuptools", 15, 0, text="from setuptools import setup, find_packages"),
            imported("packaging", 14, 2, text="from packaging.version import parse, Version"),
            imported("wheel", 18, 3, text="from wheel.bdist_wheel import bdist_wheel as _bdist_wheel"),
            torch,
            imported("psutil", 480, 5, Phase.WHEEL),
        ),
        tools=(ToolNeed("nvcc", Phase.WHEEL, Strength.CONDITIONAL, (Evidence("setup.py", 90),)),),
        unknowns=(Unknown("what the prebuilt wheel holds is not known", (Evidence("setup.py", 450),)),),
    )
    subject = BuildSubject(
        Distribution(
            "flash-attn",
            "2.7.4.post1",
            "sdist",
            "flash_attn-2.7.4.post1.tar.gz",
            required_by=("axolotl",),
            why_built="no wheel on the index",
        ),
        needs,
        build_environment=resolved("setuptools", "ninja", "psutil"),
    )
    failing = BuildPhase("install", Outcome.FAILS, (missing(torch),), reason="torch is missing", visible=ISOLATED)
    return Build(subject, True, (failing,), ("axolotl",))


def deepspeed() -> Build:
    """Isolated; it looks for torch, goes on without, and leaves its kernels out."""
    torch = replace(imported("torch", 37, 1), strength=Strength.GUARDED)
    subject = BuildSubject(
        Distribution("deepspeed", "0.15.4", "sdist", "deepspeed-0.15.4.tar.gz", required_by=("axolotl",)),
        BuildNeeds("deepspeed", "0.15.4", LEGACY, imports=(imported("setuptools", 20, 0), torch)),
        build_environment=resolved("setuptools"),
    )
    phases = tuple(
        BuildPhase(phase, Outcome.OK, guarded=(missing(torch),), visible=ISOLATED) for phase in ("lock", "install")
    )
    return Build(subject, True, phases, ("axolotl",))


def pure(project: str) -> Build:
    subject = BuildSubject(
        Distribution(project, "1.0", "sdist", f"{project}-1.0.tar.gz", required_by=("axolotl",)),
        BuildNeeds(project, "1.0", LEGACY, imports=(imported("setuptools", 1, 0),)),
        build_environment=resolved("setuptools"),
    )
    return Build(subject, True, (BuildPhase("install", Outcome.OK, visible=ISOLATED),), ("axolotl",))


def simulation(path: str, environment: str = "default", platform: str = "linux-64", *, wheels: int = 223) -> Simulation:
    manifest = read_manifest(MANIFEST, path)
    builds = (axolotl(), deepspeed(), flash_attn(), *map(pure, PURE))
    conda = tuple(
        CondaPackage(s.name, s.version, "", platform, "conda-forge", solved=False, place=s.place)
        for s in manifest.features["default"].targets[0].conda
    )
    isolated = tuple(Step(b.project, b, b.phases[-1].outcome) for b in builds if b.isolated)
    return Simulation(
        frontend="pixi",
        frontend_version="0.77",
        environment=Environment(
            name=environment,
            platform=Platform(platform, platform, ()),
            features=("default",),
            solve_group=None,
            channels=manifest.channels,
            conda=manifest.features["default"].targets[0].conda,
            pypi=manifest.features["default"].targets[0].pypi,
            options=PypiOptions(),
        ),
        resolution=Resolution(
            source="partial",
            python="3.12",
            conda=conda,
            lock_conda=conda,
            distributions=(
                *(b.subject.distribution for b in builds),
                *(Distribution(f"wheel-{n}", "1.0", "wheel") for n in range(wheels)),
            ),
        ),
        stages=(
            Stage(1, "lock", "lock", CONDA, tuple(Step(b.project, b, b.phases[0].outcome) for b in builds[:2])),
            Stage(2, "conda packages", "install", Visible({}, {}), ()),
            Stage(3, "isolated builds", "install", ISOLATED, isolated),
            Stage(4, "one by one", "install", INSTALLED, (Step("axolotl", builds[0], Outcome.OK),)),
        ),
        builds=builds,
        outcomes={"lock": Outcome.FAILS, "install": Outcome.FAILS},
    )


def findings(
    path: str, environment: str = "default", platforms: tuple[str, ...] = ("linux-64",)
) -> tuple[Finding, ...]:
    wanted = Place(path, ("pypi-dependencies", "axolotl"))
    return (
        Finding(
            rule=rule("ISO102"),
            severity=Severity.ERROR,
            confidence=Confidence.MEDIUM,
            message="axolotl 0.9.0 is built without isolation and cannot import setuptools",
            explanation=(
                "axolotl is built while locking: its dependencies are dynamic (pyproject.toml:7).",
                "With isolation off it sees this environment only (conda: cuda-toolkit 12.4.*, python 3.12.*).",
                "Its build backend, setuptools.build_meta (pyproject.toml:3), is not there.",
                "axolotl declares all that its build needs: with isolation it builds.",
            ),
            environment=environment,
            platforms=platforms,
            project="axolotl",
            place=Place(path, ("pypi-options", "no-build-isolation", 0)),
            evidence=(Evidence("pyproject.toml", 3, 'build-backend = "setuptools.build_meta"'),),
        ),
        Finding(
            rule=rule("ISO101"),
            severity=Severity.ERROR,
            confidence=Confidence.MEDIUM,
            message="flash-attn 2.7.4.post1 is built isolated and cannot import torch",
            explanation=(
                "flash-attn (wanted by axolotl) imports torch (setup.py:22) and does not declare it.",
                "It has no [build-system] table, so setuptools is all it gets; its hook asks for ninja and psutil.",
                "Its isolated build sees its own build requirements only, not the torch of this environment.",
                "flash-attn has to be built: no wheel on the index.",
                "Locking passes, because its metadata counts as static (PKG-INFO).",
            ),
            environment=environment,
            platforms=platforms,
            project="flash-attn",
            place=wanted,
            evidence=(Evidence("setup.py", 22, "import torch"),),
        ),
        Finding(
            rule=rule("ISO109"),
            severity=Severity.WARNING,
            confidence=Confidence.MEDIUM,
            message="deepspeed 0.15.4 builds without torch, and then makes something else",
            explanation=(
                "It looks for torch (setup.py:37) and goes on when that fails.",
                "What depends on it is left out of the result.",
            ),
            environment=environment,
            platforms=platforms,
            project="deepspeed",
            place=wanted,
            evidence=(Evidence("setup.py", 37, "import torch"),),
        ),
    )


def plan(path: str) -> Plan:
    document = Document(MANIFEST, path)
    edits = (
        Edit.add_key(("dependencies", "setuptools"), "*", comment="flash-attn is built without isolation"),
        Edit.set(("pypi-options", "no-build-isolation"), ["flash-attn"]),
    )
    text = document.apply(edits)
    return Plan(
        tier=1,
        name="declare",
        recommended=True,
        passes=True,
        edits=edits,
        text=text,
        diff=unified_diff(MANIFEST, text, path),
        notes=(
            "axolotl declares all that its build needs: isolated, it builds.",
            "flash-attn is built without isolation, so that it sees torch.",
            "setuptools is the build backend of flash-attn; it is written down so that nobody else has to bring it.",
        ),
        trade_offs=("Nobody checks the declared build requirements of flash-attn any more.",),
        unchecked=("The channels could not be reached, so versions of conda packages were not solved.",),
    )


def axolotl_report(folder: Path) -> Report:
    """The report on the manifest above, as if it stood in `folder`."""
    path = str(folder / "pixi.toml")
    return Report(
        path=path,
        frontend="pixi",
        frontend_version="0.77",
        manifest=read_manifest(MANIFEST, path),
        documents={path: Document(MANIFEST, path)},
        simulations=(simulation(path),),
        findings=findings(path),
        plans=(plan(path),),
        unknowns=(Unknown("they could not be read, so versions are not solved", subject="conda channels"),),
        seconds=0.42,
    )


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.chdir(tmp_path)
    return axolotl_report(tmp_path)


def expect(name: str, actual: str, report: Report) -> None:
    """Compare with the expected file, in which the manifest's folder is `@FOLDER@`."""
    actual = actual.replace(str(Path(report.path).parent), "@FOLDER@")
    if os.environ.get("UPDATE_CASES"):
        (CASES / name).write_text(actual)
    assert actual == (CASES / name).read_text()


def test_the_report_at_80_columns_without_colour(report: Report) -> None:
    expect("axolotl.txt", render(report, invocation=" ."), report)


def test_the_plan_at_80_columns_without_colour(report: Report) -> None:
    expect("axolotl-plan.txt", render_plans(report, report.plans), report)


def test_the_json_document(report: Report) -> None:
    small = replace(report, simulations=(simulation(report.path, wheels=1),))
    expect("axolotl.json", renderer("json")(small), report)


@pytest.mark.parametrize("output_format", ["concise", "github", "gitlab"])
def test_the_formats_of_findings(report: Report, output_format: str) -> None:
    expect(f"axolotl.{output_format}", renderer(output_format)(report), report)


def test_an_inspection_as_text_and_as_json(report: Report) -> None:
    needs = flash_attn().subject.needs
    assert needs is not None
    source = Source("sdist", "https://user:secret@index.example/flash_attn-2.7.4.post1.tar.gz", "0" * 64)
    metadata = StaticMetadata(
        project="flash-attn",
        version="2.7.4.post1",
        requires=("einops", "torch"),
        requires_python=">=3.9",
        provides_extra=(),
        source=MetadataSource.PKG_INFO,
        static_for=(("pixi", True), ("uv", True), ("pip", False)),
    )
    inspection = Inspection.of(source, BuildTarget(), metadata, needs)
    expect("flash-attn-inspect.txt", render_inspection(inspection), report)
    expect("flash-attn-inspect.json", dumps(inspect_document(inspection)), report)

"""The pixi simulator against the facts of pixi.md (P4 to P8), each case seen with a real pixi 0.77.0."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pixi_diagnose.outcome import Outcome
from pixi_diagnose.renderers.json_report import render
from pixi_diagnose.report import Report
from support.worlds import world

CASES = Path(__file__).parent / "cases" / "pixi"


def load(name: str) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The sdists of a case file as titled files, and its cases."""
    data = tomllib.loads((CASES / name).read_text())
    files = {
        f"{sdist}/{path}": text.lstrip("\n")
        for sdist, tree in data.get("sdists", {}).items()
        for path, text in tree.items()
    }
    return files, data["case"]


def manifest(case: dict[str, Any]) -> str:
    if "manifest" in case:
        return str(case["manifest"])
    lines = ["[workspace]", 'channels = ["conda-forge"]', 'platforms = ["linux-64"]', "", "[dependencies]"]
    lines += ['python = "3.11.*"', *(f'{name} = "*"' for name in case["conda"])]
    lines += ["", "[pypi-dependencies]", *(f'{name} = "*"' for name in case["pypi"]), "", "[pypi-options]"]
    if "isolation" in case:
        lines.append(f"no-build-isolation = {json.dumps(case['isolation'])}")
    return "\n".join(lines) + "\n"


def first_missing(report: Report, phase: str) -> list[str]:
    runs = [p for s in report.simulations for b in s.builds for p in b.phases if p.phase == phase]
    return [r.missing[0].name for r in runs if r.missing]


P6_FILES, P6 = load("p6_outcomes.toml")


@pytest.mark.parametrize("case", P6, ids=lambda c: c["name"])
def test_p6(case: dict[str, Any], tmp_path: Path) -> None:
    with world(tmp_path, P6_FILES) as packages:
        report = packages.diagnose({"pixi.toml": manifest(case)}, plans=False)
    (simulation,) = report.simulations
    assert simulation.outcomes["lock"] == case["lock"]
    if "install" in case:
        assert simulation.outcomes["install"] == case["install"]
    if "missing" in case:
        phase = "lock" if case["lock"] == "fails" else "install"
        assert first_missing(report, phase) == [case["missing"]]


FACTS_FILES, FACTS = load("facts.toml")


@pytest.mark.parametrize("case", FACTS, ids=lambda c: c["name"])
def test_facts(case: dict[str, Any], tmp_path: Path) -> None:
    """`pixi lock` covers every environment and platform, `pixi install` the first environment on this machine."""
    with world(tmp_path, FACTS_FILES) as packages:
        report = packages.diagnose({"pixi.toml": manifest(case)}, plans=False)
    locks = [s.outcomes["lock"] for s in report.simulations]
    assert Outcome.worst(locks) == case["lock"]
    if "install" in case:
        here = next(s for s in report.simulations if s.builds or len(report.simulations) == 1)
        assert here.outcomes["install"] == case["install"]
    if "missing" in case:
        assert case["missing"] in first_missing(report, "lock" if case["lock"] == "fails" else "install")


@pytest.mark.parametrize(
    ("version", "listed", "install"),
    [
        ("0.77", ["torch", "flash"], "ok"),
        ("0.51", ["torch", "flash"], "ok"),
        ("0.50.2", ["torch", "flash"], "at-risk"),
        ("0.50.2", ["flash"], "at-risk"),
    ],
)
def test_before_0_51_a_build_requirement_from_pypi_is_unreliable(
    version: str, listed: list[str], install: str, tmp_path: Path
) -> None:
    """P6, read: the order of the list counts since 0.51."""
    case = {"conda": ["setuptools"], "pypi": ["flash", "torch"], "isolation": listed}
    with world(tmp_path, P6_FILES) as packages:
        report = packages.diagnose({"pixi.toml": manifest(case)}, plans=False, frontend_version=version)
    (simulation,) = report.simulations
    assert simulation.outcomes == {"lock": "ok", "install": install}
    late = [f for f in report.findings if f.rule.code == "ISO103"]
    assert [(f.severity, f.confidence) for f in late] == ([("warning", "low")] if install == "at-risk" else [])


def test_before_0_51_conda_packages_are_reliable(tmp_path: Path) -> None:
    """P6, read: all conda packages are there before any build, in every version."""
    case = {"conda": ["setuptools", "pytorch"], "pypi": ["flash"], "isolation": ["flash"]}
    with world(tmp_path, P6_FILES) as packages:
        report = packages.diagnose({"pixi.toml": manifest(case)}, plans=False, frontend_version="0.50")
    assert report.simulations[0].outcomes == {"lock": "ok", "install": "ok"}
    assert report.frontend_version == "0.50"


C1_FILES, C1 = load("c1_twin.toml")


def c1_manifest(case: dict[str, Any]) -> str:
    dependencies = {"conda": case.get("conda", []), "pypi": [], **case}
    text = manifest(dependencies).replace(
        "[pypi-dependencies]\n",
        '[pypi-dependencies]\ntorch = "==2.6.0"\naxo = { version = "==0.9.0", extras = ["flash", "deep"] }\n',
    )
    return text + str(case.get("tail", ""))


@pytest.mark.parametrize("case", C1, ids=lambda c: c["name"])
def test_c1_twin(case: dict[str, Any], tmp_path: Path) -> None:
    with world(tmp_path, C1_FILES) as packages:
        report = packages.diagnose({"pixi.toml": c1_manifest(case)}, plans=False)
    (simulation,) = report.simulations
    assert simulation.outcomes["lock"] == case["lock"]
    if "install" in case:
        assert simulation.outcomes["install"] == case["install"]
    for phase in ("lock", "install"):
        if f"{phase}_missing" in case:
            assert first_missing(report, phase) == case[f"{phase}_missing"]
    if "finding" in case:
        assert case["finding"] in {f.rule.code for f in report.findings}


def test_c1_twin_names_both_failures_at_their_places_in_one_pass(tmp_path: Path) -> None:
    with world(tmp_path, C1_FILES) as packages:
        report = packages.diagnose({"pixi.toml": c1_manifest(C1[0])})
    found = {f.rule.code: f for f in report.findings}
    assert set(found) == {"ISO101", "ISO102", "ISO109"}
    assert found["ISO102"].place is not None
    assert found["ISO102"].place.key == ("pypi-options", "no-build-isolation", 0)
    assert found["ISO101"].place is not None
    assert found["ISO101"].place.key == ("pypi-dependencies", "axo")
    assert [str(e) for e in found["ISO101"].evidence] == ["setup.py:7"]
    assert found["ISO109"].project == "deep"
    assert report.recommended is not None
    assert [
        line for line in report.recommended.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ] == [
        '+setuptools = "*"  # flash is built without isolation',
        '-no-build-isolation = ["axo"]',
        '+no-build-isolation = ["flash"]  # flash imports torch while it is built',
    ]


def test_what_was_only_read_is_never_said_with_high_confidence(tmp_path: Path) -> None:
    """P5, read: no-binary and its like apply to build requirements as well."""
    wants = {
        "wants-1.0/setup.py": "from setuptools import setup\n\nsetup(name='wants')\n",
        "wants-1.0/pyproject.toml": '[build-system]\nrequires = ["setuptools", "is-nowhere"]\n',
    }
    plain = manifest({"conda": [], "pypi": ["wants"]})
    with world(tmp_path, wants) as packages:
        seen = packages.diagnose({"pixi.toml": plain}, plans=False)
        read = packages.diagnose({"pixi.toml": f'{plain}index-strategy = "unsafe-best-match"\n'}, plans=False)
    assert [(f.rule.code, f.confidence) for f in seen.findings] == [("IDX402", "high")]
    assert [(f.rule.code, f.confidence) for f in read.findings] == [("IDX402", "low")]


def test_all_candidates_of_an_import_name_are_said(tmp_path: Path) -> None:
    sees = {"sees-1.0/setup.py": "import cv2\nfrom setuptools import setup\n\nsetup(name='sees')\n"}
    with world(tmp_path, sees) as packages:
        report = packages.diagnose({"pixi.toml": manifest({"conda": [], "pypi": ["sees"]})}, plans=False)
    (found,) = (f for f in report.findings if f.rule.code == "ISO101")
    assert "opencv-python" in found.explanation[0]
    assert "opencv-python-headless" in found.explanation[0]


def test_a_build_requirement_that_cannot_be_built_is_named_with_whose_it_is(tmp_path: Path) -> None:
    """P5: isolated as well, it sees no more than the build that asks for it."""
    with world(tmp_path, FACTS_FILES) as packages:
        report = packages.diagnose({"pixi.toml": manifest({"conda": ["pytorch"], "pypi": ["on-flash"]})}, plans=False)
    (found,) = report.findings
    assert (found.rule.code, found.project) == ("ISO101", "on-flash")
    assert found.message == "flash 1.0, a build requirement of on-flash, is built isolated and cannot import torch"
    assert found.place is not None
    assert found.place.key == ("pypi-dependencies", "on-flash")
    assert [str(e) for e in found.evidence] == ["setup.py:1"]
    (build,) = report.simulations[0].builds
    assert (build.project, build.decisive.project, build.decisive.needed_for) == ("on-flash", "flash", ("on-flash",))
    (run,) = json.loads(render(report))["environments"][0]["builds"][0]["phases"]
    assert run["missing"][0]["import_name"] == "torch"
    assert run["requirement"] == {"project": "flash", "version": "1.0", "isolated": True, "needed_for": ["on-flash"]}


def test_listing_a_build_requirement_lets_it_see_what_conda_has(tmp_path: Path) -> None:
    """P5, P6: the list holds for what is built to build something else, too."""
    case = {"conda": ["pytorch", "setuptools"], "pypi": ["on-flash"], "isolation": ["flash"]}
    with world(tmp_path, FACTS_FILES) as packages:
        report = packages.diagnose({"pixi.toml": manifest(case)}, plans=False)
    assert report.simulations[0].outcomes == {"lock": "ok", "install": "ok"}
    assert report.findings == ()


def test_projects_that_are_needed_to_build_each_other_are_never_built(tmp_path: Path) -> None:
    """Seen with pixi 0.77 and uv 0.13.8, which wait for ever, and pip 26.0, which stops."""
    ring = {
        f"{name}-1.0/{path}": text
        for name, other in (("ring", "gnir"), ("gnir", "ring"))
        for path, text in (
            ("setup.py", f"from setuptools import setup\n\nsetup(name='{name}', version='1.0')\n"),
            ("pyproject.toml", f'[build-system]\nrequires = ["setuptools", "{other}"]\n'),
        )
    }
    with world(tmp_path, ring) as packages:
        report = packages.diagnose({"pixi.toml": manifest({"conda": [], "pypi": ["ring"]})}, plans=False)
    (simulation,) = report.simulations
    assert simulation.outcomes["install"] == "fails"
    assert "ring is needed to build ring" in simulation.builds[0].phases[-1].reason
    assert [f.rule.code for f in report.findings] == ["ISO114"]

"""The pixi simulator against the facts of pixi.md (P4 to P8), each case seen with a real pixi 0.77.0."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

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
        '+no-build-isolation = ["flash"]',
    ]

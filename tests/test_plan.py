"""Plans: what is offered passes the same simulation, changes as little as it can, and leaves the rest alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pixi_diagnose.report import Report
from support.worlds import world
from test_frontends_pixi import C1, C1_FILES, P6, P6_FILES, c1_manifest, manifest


def changed(report: Report) -> list[str]:
    declare = next(p for p in report.plans if p.tier == 1)
    assert declare.passes
    lines = declare.diff.splitlines()
    return [line for line in lines if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]


FAILING_P6 = [c for c in P6 if "fails" in (c["lock"], c.get("install")) or c.get("install") == "at-risk"]
MENDED_C1 = [c for c in C1 if c["lock"] + c.get("install", "ok") != "okok"]


@pytest.mark.parametrize("case", FAILING_P6, ids=lambda c: c["name"])
def test_every_failing_row_of_p6_has_a_plan_that_passes_when_written(case: dict[str, Any], tmp_path: Path) -> None:
    with world(tmp_path, P6_FILES) as packages:
        before = packages.diagnose({"pixi.toml": manifest(case)})
        assert before.recommended is not None, [p.reason for p in before.plans]
        after = packages.diagnose({"pixi.toml": before.recommended.text})
    assert [s.outcomes for s in after.simulations] == [{"lock": "ok", "install": "ok"}]
    assert after.plans == ()
    assert not [f for f in after.findings if f.severity == "error"]


@pytest.mark.parametrize("case", MENDED_C1, ids=lambda c: c["name"])
def test_every_failing_variant_of_c1_has_a_plan_that_passes_when_written(case: dict[str, Any], tmp_path: Path) -> None:
    with world(tmp_path, C1_FILES) as packages:
        before = packages.diagnose({"pixi.toml": c1_manifest(case)})
        assert before.recommended is not None, [p.reason for p in before.plans]
        after = packages.diagnose({"pixi.toml": before.recommended.text})
    assert [s.outcomes for s in after.simulations] == [{"lock": "ok", "install": "ok"}]


def test_no_tier_is_recommended_where_none_passes_and_each_says_why(tmp_path: Path) -> None:
    text = manifest(FAILING_P6[0]).replace('python = "3.11.*"', 'python = "2.7.*"')
    with world(tmp_path, P6_FILES) as packages:
        report = packages.diagnose({"pixi.toml": text}, every_tier=True)
    assert report.recommended is None
    assert [p.tier for p in report.plans] == [0, 1, 2, 3]
    assert all(p.reason and not p.passes for p in report.plans)
    assert "python" in report.plans[1].reason


def test_tiers_behind_the_recommended_one_are_tried_on_request_only(tmp_path: Path) -> None:
    text = manifest(FAILING_P6[0])
    with world(tmp_path, P6_FILES) as packages:
        few = packages.diagnose({"pixi.toml": text})
        all_of_them = packages.diagnose({"pixi.toml": text}, every_tier=True)
    assert few.plans[-1].recommended
    assert [p.tier for p in all_of_them.plans] == [0, 1, 2, 3]
    assert [p.tier for p in all_of_them.plans if p.recommended] == [few.plans[-1].tier]


def test_comments_and_layout_outside_the_edit_survive(tmp_path: Path) -> None:
    text = (
        "# a fine workspace\n[workspace]\nchannels = [ \"conda-forge\" ]   # spaced\nplatforms = ['linux-64']\n\n"
        '[dependencies]\npython = "3.11.*"  # why not\n\n[pypi-dependencies]\nflash = "*"\n'
    )
    with world(tmp_path, P6_FILES) as packages:
        report = packages.diagnose({"pixi.toml": text}, every_tier=True)
    assert all(line.startswith("+") for line in changed(report))


def test_a_transitive_project_is_mended_where_it_is_wanted(tmp_path: Path) -> None:
    text = """
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[feature.gpu.pypi-dependencies]
flash = "*"

[environments]
gpu = ["gpu"]
"""
    with world(tmp_path, P6_FILES) as packages:
        report = packages.diagnose({"pixi.toml": text}, every_tier=True)
    added = changed(report)
    assert "+[feature.gpu.dependencies]" in added
    assert "+[feature.gpu.pypi-options]" in added
    assert "+[dependencies]" not in added

"""The sample projects against the live package index: case C1, with the outcomes that a real pixi 0.77.0 had."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_diagnose.build_needs.model import Phase
from pixi_diagnose.diagnose import diagnose
from pixi_diagnose.frontends.machine import Machine
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.question import Question
from pixi_diagnose.report import Report

pytestmark = pytest.mark.online

SAMPLES = Path(__file__).parent.parent / "sample_projects"
BUILT = {
    *("axolotl", "axolotl-contribs-lgpl", "axolotl-contribs-mit", "deepspeed", "flash-attn", "grpclib", "hqq"),
    *("langdetect", "rouge-score", "sqlitedict", "word2number"),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def look(sample: str, cache: Path, **options: bool) -> Report:
    with IndexSession(cache, **options) as session:
        return diagnose(str(SAMPLES / sample), Question(machine=Machine()), session)


@pytest.mark.parametrize(
    ("sample", "lock", "install", "codes"),
    [
        ("axolotl", "fails", "fails", {"ISO101", "ISO102"}),
        ("axolotl-setuptools", "ok", "fails", {"ISO101"}),
        ("axolotl-isolated", "ok", "fails", {"ISO101"}),
        ("axolotl-flash-attn-listed", "ok", "ok", set()),
        ("axolotl-all-off", "fails", "at-risk", {"ISO102"}),
        ("axolotl-pinned-packaging", "fails", "unknown", {"IDX404"}),
        ("axolotl-uv-table", "fails", "fails", {"ISO101", "ISO102"}),
    ],
)
def test_outcomes(sample: str, lock: str, install: str, codes: set[str], cache: Path) -> None:
    report = look(sample, cache)
    (simulation,) = report.simulations
    assert simulation.outcomes == {"lock": lock, "install": install}, report.unknowns
    assert {f.rule.code for f in report.findings if f.severity == "error"} == codes
    if sample not in {"axolotl-flash-attn-listed", "axolotl-pinned-packaging"}:
        assert report.recommended is not None


def test_both_failures_in_one_pass(cache: Path) -> None:
    report = look("axolotl", cache)
    (simulation,) = report.simulations
    assert {b.project for b in simulation.builds} == BUILT
    assert all(b.subject.distribution.why_built for b in simulation.builds)
    axolotl, flash, deep = (simulation.build(p) for p in ("axolotl", "flash-attn", "deepspeed"))
    assert axolotl is not None
    assert flash is not None
    assert deep is not None
    lock = axolotl.phase("lock")
    install = flash.phase("install")
    assert lock is not None
    assert install is not None
    assert lock.missing[0].name == "setuptools"
    assert flash.phase("lock") is None
    assert install.missing[0].name == "torch"
    assert str(install.missing[0].evidence[0]) == "setup.py:22"
    assert all(p.outcome == "ok" and "torch" in {m.name for m in p.guarded} for p in deep.phases)
    metadata = axolotl.subject.distribution.metadata
    assert metadata is not None
    assert (metadata.source, metadata.approximate) == ("egg-info/requires.txt", True)
    assert "packaging==23.2" in metadata.requires


def test_what_flash_attn_needs(cache: Path) -> None:
    flash = look("axolotl", cache).simulations[0].build("flash-attn")
    assert flash is not None
    needs = flash.subject.needs
    assert needs is not None
    imports = {n.import_name.partition(".")[0]: n for n in needs.imports}
    assert {"setuptools", "packaging", "wheel", "torch", "psutil"} <= imports.keys()
    assert {i: str(imports[i].evidence[0]) for i in ("packaging", "wheel", "torch")} == {
        "packaging": "setup.py:12",
        "wheel": "setup.py:20",
        "torch": "setup.py:22",
    }
    assert imports["torch"].phase is Phase.METADATA
    assert set(needs.hook_requirements) == {"packaging", "psutil", "ninja"}
    assert {"nvcc", "ninja"} <= {t.name for t in needs.tools}


def test_offline_says_the_same(cache: Path) -> None:
    online, offline = look("axolotl", cache), look("axolotl", cache, offline=True)
    assert [s.outcomes for s in online.simulations] == [s.outcomes for s in offline.simulations]
    assert online.findings == offline.findings
    assert [p.diff for p in online.plans] == [p.diff for p in offline.plans]


@pytest.mark.parametrize(
    ("sample", "frontend", "lines"),
    [
        ("uv-flash-attn", "uv", 'flash-attn = [{ requirement = "torch", match-runtime = true }]'),
        ("requirements-whisper", "uv", 'build-constraint-dependencies = ["setuptools<81"]'),
        ("requirements-whisper", "pip", "setuptools<81"),
    ],
)
def test_the_samples_of_uv_and_pip_have_a_plan(sample: str, frontend: str, lines: str, cache: Path) -> None:
    machine = Machine("linux-64", {})  # without nvcc: flash-attn's own switch is needed as well
    with IndexSession(cache) as session:
        question = Question(frontend=frontend, python="3.11", machine=machine, every_tier=True)
        report = diagnose(str(SAMPLES / sample), question, session)
    assert report.recommended is not None, [p.reason for p in report.plans]
    assert f"+{lines}  # " in report.recommended.diff
    assert ("FLASH_ATTENTION_SKIP_CUDA_BUILD" in report.recommended.diff) == (sample == "uv-flash-attn")

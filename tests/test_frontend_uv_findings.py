"""What is said of uv and pip builds beyond how they end: versions, findings and their places, other frontends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pixi_diagnose.finding import Finding
from pixi_diagnose.renderers.json_report import check_document
from pixi_diagnose.renderers.text.report import render
from pixi_diagnose.report import Report
from support.installer_bench import Bench, ending, serving
from support.installers import Case, Ending
from support.packages import write_channel
from support.worlds import CONDA

HEADER = """\
[project]
name = "app"
version = "0.1.0"
requires-python = "==3.11.*"
"""
INDEX = """
[[tool.uv.index]]
url = "@INDEX@"
default = true
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with serving(tmp_path_factory.mktemp("bench")) as made:
        yield made


def project(*dependencies: str, settings: str = "", tables: str = "") -> dict[str, str]:
    """The files of a uv project."""
    text = (
        f"{HEADER}dependencies = {json.dumps(dependencies)}\n\n[tool.uv]\npackage = false\n{settings}\n{INDEX}{tables}"
    )
    return {"pyproject.toml": text}


def only(report: Report, code: str) -> Finding:
    """The one finding of a rule."""
    (found,) = [f for f in report.findings if f.rule.code == code]
    return found


def place(report: Report, finding: Finding) -> str:
    """What the finding points at, as the file spells it."""
    location = report.locate(finding)
    assert location is not None
    return location.line[location.start.column - 1 : location.end.column - 1]


def missed(report: Report, project: str, phase: str) -> list[str]:
    """All that a build misses, in order."""
    build = report.simulations[0].build(project)
    run = build.phase(phase) if build is not None else None
    assert run is not None
    return [m.name for m in run.missing]


MATCH = '[tool.uv.extra-build-dependencies]\nkernels = [{ requirement = "torch", match-runtime = true }]\n'
EXTRA = '[tool.uv.extra-build-dependencies]\nkernels = ["torch"]\n'


# --- versions of uv


@pytest.mark.parametrize(
    ("version", "end"),
    [
        ("0.10.0", Ending("ok", "fails", "torch")),
        ("0.11.0", Ending("fails", "", "torch")),
        ("0.11.1", Ending("ok", "fails", "torch")),
    ],
)
def test_u2_only_uv_0_11_0_takes_lower_case_dynamic_for_dynamic(version: str, end: Ending, bench: Bench) -> None:
    assert ending(bench.files(project("kernels"), frontend_version=version)) == end


@pytest.mark.parametrize(("version", "install"), [("0.8.3", "fails"), ("0.8.4", "ok")])
def test_u1_extra_build_dependencies_came_with_0_8_4(version: str, install: str, bench: Bench) -> None:
    report = bench.files(project("kernels", tables=EXTRA), frontend_version=version)
    assert ending(report).install == install
    unread = [f for f in report.findings if f.rule.code == "ISO108"]
    assert bool(unread) == (install == "fails")


@pytest.mark.parametrize(("version", "install"), [("0.8.4", "fails"), ("0.8.5", "ok")])
def test_u1_match_runtime_came_with_0_8_5(version: str, install: str, bench: Bench) -> None:
    report = bench.files(project("kernels", "torch", tables=MATCH), frontend_version=version)
    assert ending(report).install == install


# --- settings


def test_u3_a_uv_toml_beside_the_project_replaces_its_settings(bench: Bench) -> None:
    files = project("kernels", tables=EXTRA)
    assert ending(bench.files(files)) == Ending("ok", "ok")
    other = f"no-build = true\n{INDEX.replace('tool.uv.', '')}"
    report = bench.files(files | {"uv.toml": other})
    assert ending(report) == Ending("fails")
    assert only(report, "ISO110").project == "kernels"


def test_iso110_stands_at_the_setting(bench: Bench) -> None:
    report = bench.files(project("kernels", settings='no-build-package = ["kernels"]'))
    assert place(report, only(report, "ISO110")) == "no-build-package"


def test_iso108_extra_build_dependencies_of_a_project_without_isolation_do_nothing(bench: Bench) -> None:
    settings = 'no-build-isolation-package = ["kernels"]'
    report = bench.files(project("kernels", settings=settings, tables=EXTRA))
    found = only(report, "ISO108")
    assert (found.project, place(report, found)) == ("kernels", "kernels")


def test_iso108_pip_reads_nothing_of_uv(bench: Bench) -> None:
    files = {"pyproject.toml": f"{HEADER}dependencies = []\n\n{EXTRA}"}
    report = bench.files(files, frontend="pip")
    assert only(report, "ISO108").message.startswith("tool.uv.extra-build-dependencies")


def test_iso107_an_entry_that_matters_only_while_locking_is_not_called_idle(bench: Bench) -> None:
    settings = 'no-build-isolation-package = ["kernels-old", "nobody"]'
    tables = '[project.optional-dependencies]\nfast = ["kernels-old"]\n'
    report = bench.files(project("torch", settings=settings, tables=tables))
    assert ending(report) == Ending("fails", "", "setuptools")
    assert only(report, "ISO107").project == "nobody"


def test_what_is_not_followed_is_said(bench: Bench) -> None:
    settings = 'override-dependencies = [{ package = "kernels", dependencies = ["torch<2"] }]'
    report = bench.files(project("torch", settings=settings))
    if not report.rejected:
        assert any("override-dependencies" in u.reason for u in report.unknowns)


# --- match-runtime


def test_iso111_a_dynamic_project_is_built_before_anything_is_matched(bench: Bench) -> None:
    tables = MATCH.replace("kernels", "kernels-old")
    report = bench.files(project("kernels-old", "torch==2.5.0", tables=tables))
    found = only(report, "ISO111")
    assert place(report, found) == "requirement"
    assert "torch==2.5.0" in " ".join(found.explanation)


def test_iso111_there_is_nothing_to_match(bench: Bench) -> None:
    report = bench.files(project("kernels", tables=MATCH))
    assert "there is none in this environment" in only(report, "ISO111").message
    assert report.simulations[0].reasons["install"].startswith("kernels is to match the torch")
    assert not [f for f in report.findings if f.rule.code == "ISO101"]  # torch is not what is forgotten


def test_iso111_an_entry_that_names_its_version(bench: Bench) -> None:
    report = bench.files(project("kernels", "torch", tables=MATCH.replace('"torch"', '"torch>=2"')))
    assert "ask for >=2" in only(report, "ISO111").message


# --- U4: the bar that uv sets


def test_u4_cython_and_numpy_are_named_in_one_run(bench: Bench) -> None:
    assert missed(bench.files(project("boxes")), "boxes", "lock") == ["Cython", "numpy"]


def test_u4_without_isolation_setuptools_and_torch_are_named_in_one_run(bench: Bench) -> None:
    report = bench.files(project("kernels", settings="no-build-isolation = true"))
    assert missed(report, "kernels", "install") == ["setuptools", "torch"]


def test_u4_a_listed_project_that_declares_all_is_said_to_build_with_isolation(bench: Bench) -> None:
    report = bench.files(project("trainer", settings='no-build-isolation-package = ["trainer"]'))
    found = only(report, "ISO102")
    assert "trainer declares all that its build needs: with isolation it builds." in found.explanation
    assert place(report, found) == '"trainer"'


def test_u4_pkg_resources_is_answered_with_a_bound_on_setuptools(bench: Bench) -> None:
    report = bench.files(project("whisperer"))
    assert "setuptools<" in " ".join(only(report, "ISO112").explanation)


def test_u4_a_guarded_torch_is_a_warning_and_no_failure(bench: Bench) -> None:
    report = bench.files(project("speedy"))
    assert ending(report) == Ending("ok", "ok")
    assert only(report, "ISO109").project == "speedy"


# --- locks


def test_u3_a_conflict_with_an_extra_that_nobody_chooses_is_explained(bench: Bench) -> None:
    tables = '[project.optional-dependencies]\nnewer = ["torch==2.6.0"]\n'
    report = bench.files(project("torch==2.5.0", tables=tables))
    assert ending(report) == Ending("fails")
    assert any("newer" in sentence and "`conflicts`" in sentence for sentence in only(report, "IDX404").explanation)


def test_u3_contradicting_choices_lock_and_cannot_be_installed(bench: Bench) -> None:
    tables = '[project.optional-dependencies]\nolder = ["torch==2.5.0"]\nnewer = ["torch==2.6.0"]\n'
    settings = 'conflicts = [[{ extra = "older" }, { extra = "newer" }]]'
    report = bench.files(project("lower", settings=settings, tables=tables), extras=("older", "newer"))
    assert ending(report) == Ending("ok", "fails")
    assert report.simulations[0].reasons["install"].startswith("newer and older are declared as conflicting")


# --- pip


def test_u2_pip_is_said_to_ask_every_source(bench: Bench) -> None:
    report = bench.files({"requirements.txt": "--index-url @INDEX@\nkernels\n"}, frontend="pip", python="3.11")
    explanation = " ".join(only(report, "ISO101").explanation)
    assert "kernels is built while resolving: pip asks every source for its metadata" in explanation


def test_pip_sees_conda_packages_in_the_pip_section_of_an_environment(bench: Bench) -> None:
    channel = write_channel(bench.root / "channel", CONDA)
    text = f"""\
channels: ["{channel}"]
dependencies:
  - python=3.11
  - pytorch
  - setuptools
  - pip:
    - --index-url @INDEX@
    - kernels
"""
    report = bench.files({"environment.yml": text}, no_build_isolation=True)
    assert ending(report) == Ending("ok", "ok")
    assert ending(bench.files({"environment.yml": text})) == Ending("fails", "", "torch")


# --- every frontend


def ends(document: dict[str, Any], frontend: str) -> dict[str, str]:
    (environment,) = document["frontends"][frontend]["environments"]
    found: dict[str, str] = environment["outcomes"]
    return found


def test_all_frontends_of_a_uv_project_stand_beside_its_own_document(bench: Bench) -> None:
    report = bench.files(project("kernels", "torch"), frontend="all")
    document = check_document(report)
    assert document["frontend"] == "uv"
    assert document["environments"][0]["outcomes"] == {"install": "fails", "lock": "ok"}
    assert sorted(document["frontends"]) == ["pip", "pixi"]
    assert ends(document, "pip") == {"install": "fails", "lock": "fails"}
    assert ends(document, "pixi") == {"install": "fails", "lock": "ok"}
    text = render(report, width=100)
    assert "pip install, resolving  fails: kernels 1.0 cannot import torch" in text
    assert "uv lock  passes" in text
    assert "pixi install  fails: kernels 1.0 cannot import torch" in text


def test_all_frontends_of_a_workspace_of_pixi(bench: Bench) -> None:
    text = """
[workspace]
channels = []
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
setuptools = "*"

[pypi-dependencies]
kernels = "*"
torch = "*"

[pypi-options]
index-url = "@INDEX@"
no-build-isolation = ["torch", "kernels"]
"""
    document = check_document(bench.files({"pixi.toml": text}, frontend="all"))
    assert document["frontend"] == "pixi"
    assert document["environments"][0]["outcomes"]["install"] in {"ok", "unknown"}
    assert ends(document, "uv") == {
        "install": "fails",
        "lock": "ok",
    }  # both are second stage, and no setuptools is there
    assert ends(document, "pip") == {"install": "fails", "lock": "fails"}
    assert "fresh environment" in document["frontends"]["uv"]["given"]


def test_one_frontend_gives_the_document_without_others(bench: Bench) -> None:
    assert "frontends" not in check_document(bench.files(project("torch")))


def test_a_report_of_one_frontend_names_its_commands(bench: Bench) -> None:
    case: Case = {"dependencies": ["kernels", "torch"]}
    text = render(bench.report("uv_pip", case), width=100)
    assert "✓ uv pip install, resolving  passes" in text
    assert "✗ uv pip install, building   fails: kernels 1.0 cannot import torch" in text

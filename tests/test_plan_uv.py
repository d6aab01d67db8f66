"""Plans for uv and pip: what is recommended for each failing case (cases/installers/plans.toml), and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.finding import Plan
from pixi_diagnose.report import Report
from support.installer_bench import Bench, serving
from support.installers import BUILD_SYSTEM, Case, cases, planned
from support.packages import make_wheel
from support.worlds import sdists

FAILING = [
    (tool, case) for tool in ("uv_project", "uv_pip", "pip") for case in cases(tool) if case["name"] in planned(tool)
]
REQUIREMENTS = "--index-url @INDEX@\n"
PROJECT = """\
[project]
name = "app"
version = "0.1.0"
requires-python = "==3.11.*"
dependencies = ["kernels", "torch"]  # in this order
"""
SETTINGS = """
[tool.uv]
package = false

[[tool.uv.index]]
url = "@INDEX@"
default = true
"""


MORE = {
    "wheely-2.0/setup.py": "import nowhere_to_be_had\n",
    "switched-1.0/setup.py": "import os\nif os.environ.get('PLAIN') != '1':\n    import not_on_any_index\n",
    "besides-1.0/setup.py": "import helpers\nfrom setuptools import setup\nsetup(name='besides', version='1.0')\n",
    "besides-1.0/helpers.py": "",
    "besides-1.0/pyproject.toml": BUILD_SYSTEM,
    "compiled-1.0/setup.py": "import shutil\nassert shutil.which('nvcc')\nfrom setuptools import setup\nsetup()\n",
}
OLDER = make_wheel("setuptools", "80.9.0", {"setuptools/__init__.py": ""})


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    wheels = (make_wheel("wheely", "1.0", extras=["fast"]), make_wheel("wants-wheely", "1.0", requires=["wheely"]))
    with serving(tmp_path_factory.mktemp("bench"), (*sdists(MORE), *wheels)) as made:
        yield made


def changed(plan: Plan, bench: Bench) -> list[str]:
    """The lines that a plan changes, without blank ones."""
    lines = [line for line in plan.diff.splitlines() if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}]
    return [line.replace(bench.index, "@INDEX@") for line in lines if line[1:].strip()]


def recommended(report: Report) -> Plan:
    assert report.recommended is not None, [p.reason for p in report.plans]
    return report.recommended


def plans(bench: Bench, files: dict[str, str], **question: object) -> dict[int, Plan]:
    report = bench.files(files, plans=True, every_tier=True, python="3.11", **question)
    return {p.tier: p for p in report.plans}


@pytest.mark.parametrize(("tool", "case"), FAILING, ids=[f"{tool}: {case['name']}" for tool, case in FAILING])
def test_the_recommended_plan_changes_these_lines(tool: str, case: Case, bench: Bench) -> None:
    expected = planned(tool)[case["name"]]
    report = bench.report(tool, case, plans=True)
    if "none" in expected:
        assert report.recommended is None
        assert any(expected["none"] in plan.reason for plan in report.plans)
        return
    plan = recommended(report)
    assert changed(plan, bench) == expected["lines"]
    assert list(plan.commands) == expected.get("commands", [])
    assert plan.tier == expected["tier"]


def test_plans_are_for_cases_that_fail() -> None:
    for tool in ("uv_project", "uv_pip", "pip"):
        failing = {case["name"] for case in cases(tool) if "fails" in {case["lock"], case.get("install")}}
        assert set(planned(tool)) <= failing


# --- tier 0 -----------------------------------------------------------------------------------------------------------


def test_prebuilt_pins_the_release_that_has_a_wheel_where_it_is_asked_for(bench: Bench) -> None:
    files = {"pyproject.toml": PROJECT.replace('"kernels"', "'Wheely [fast]>=1; python_version>\"3\"'") + SETTINGS}
    plan = plans(bench, files)[0]
    assert plan.passes, plan.reason
    assert changed(plan, bench) == [
        '-dependencies = [\'Wheely [fast]>=1; python_version>"3"\', "torch"]  # in this order',
        '+dependencies = [\'Wheely [fast]==1.0; python_version>"3"\', "torch"]  # in this order',
    ]


def test_prebuilt_constrains_a_project_that_only_others_require(bench: Bench) -> None:
    plan = plans(bench, {"pyproject.toml": PROJECT.replace("kernels", "wants-wheely") + SETTINGS})[0]
    assert changed(plan, bench) == ['+constraint-dependencies = ["wheely==1.0"]  # has a wheel for linux-64']


def test_prebuilt_pins_a_line_of_a_requirements_file_and_keeps_its_comment(bench: Bench) -> None:
    text = f"{REQUIREMENTS}wheely  # the newest\n"
    for frontend in ("uv", "pip"):
        plan = plans(bench, {"requirements.txt": text}, frontend=frontend)[0]
        assert changed(plan, bench) == ["-wheely  # the newest", "+wheely==1.0  # the newest"]
        assert plan.trade_offs == ("wheely 1.0 is older than 2.0, which the manifest gives now.",)


# --- tier 1 -----------------------------------------------------------------------------------------------------------


def test_declare_uses_the_scripts_own_variable_where_nothing_gives_what_it_imports(bench: Bench) -> None:
    plan = plans(bench, {"pyproject.toml": PROJECT.replace("kernels", "switched") + SETTINGS})[1]
    assert changed(plan, bench) == [
        "+[tool.uv.extra-build-variables]",
        '+switched = { PLAIN = "1" }  # switched builds without not_on_any_index then',
    ]
    assert not plan.safe  # it leaves something out


def test_declare_writes_into_the_uv_toml_that_replaces_the_settings_of_the_project(bench: Bench) -> None:
    uv_toml = '[[index]]\nurl = "@INDEX@"\ndefault = true\n'
    plan = plans(bench, {"pyproject.toml": PROJECT + SETTINGS, "uv.toml": uv_toml})[1]
    assert plan.edits == ()
    assert [Path(change.path).name for change in plan.beside] == ["uv.toml"]
    assert changed(plan, bench)[0] == "+[extra-build-dependencies]"


def test_declare_bounds_builds_where_an_api_is_gone(tmp_path: Path) -> None:
    with serving(tmp_path, [OLDER]) as older:
        plan = plans(older, {"pyproject.toml": PROJECT.replace("kernels", "whisperer") + SETTINGS})[1]
        assert changed(plan, older) == [
            '+build-constraint-dependencies = ["setuptools<81"]  # whisperer uses pkg_resources while it is built'
        ]
        beside = plans(older, {"requirements.txt": f"{REQUIREMENTS}whisperer\n"}, frontend="uv")[1]
        assert changed(beside, older) == [
            '+build-constraint-dependencies = ["setuptools<81"]  # whisperer uses pkg_resources while it is built'
        ]


def test_declare_removes_a_setting_that_takes_all_others_with_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", bench.index)  # the index goes with the settings
    settings = SETTINGS.replace("false\n", 'false\nno-build-isolation-packages = ["kernels"]\n')
    plan = plans(bench, {"pyproject.toml": PROJECT + settings})[1]
    assert changed(plan, bench) == [
        '-no-build-isolation-packages = ["kernels"]',
        "+[tool.uv.extra-build-dependencies]",
        '+kernels = [{ requirement = "torch", match-runtime = true }]  # kernels imports torch while it is built',
    ]


def test_declare_uses_what_an_older_uv_knows(bench: Bench) -> None:
    plan = plans(bench, {"pyproject.toml": PROJECT + SETTINGS}, frontend_version="0.7.0")[1]
    assert changed(plan, bench) == [
        '-dependencies = ["kernels", "torch"]  # in this order',
        '+dependencies = ["kernels", "torch", "setuptools"]  # in this order',
        '+no-build-isolation-package = ["kernels"]  # kernels is built last, in the environment',
    ]


def test_declare_writes_the_settings_of_a_member_where_its_workspace_has_them(bench: Bench) -> None:
    root = f'{SETTINGS}\n[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    found = plans(bench, {"packages/app/pyproject.toml": PROJECT, "pyproject.toml": root}, frontend="uv")[1]
    assert found.passes, found.reason
    assert found.edits == ()
    assert [Path(change.path).parent.name for change in found.beside] != ["app"]
    assert changed(found, bench)[0] == "+[tool.uv.extra-build-dependencies]"


def test_pip_is_told_what_no_file_can_do(bench: Bench) -> None:
    found = plans(bench, {"requirements.txt": f"{REQUIREMENTS}kernels\n"}, frontend="pip")
    assert "reads no setting that would add to it" in found[1].reason
    assert "conda packages need a pixi workspace" in found[2].reason


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("./local", "local @ ./local"),
        ("-e ./local", "-e local @ ./local"),
        ("./local[fast] ; python_version > '3'", "local[fast] @ ./local ; python_version > '3'"),
        ("local @ ./local", ""),
    ],
)
def test_a_setting_for_one_project_asks_for_it_by_name(bench: Bench, line: str, named: str) -> None:
    script = "import torch\nfrom setuptools import setup\nsetup(name='local', version='1.0')\n"
    files = {"requirements.txt": f"{REQUIREMENTS}{line}\n", "local/setup.py": script}
    found = plans(bench, files, frontend="uv")
    assert (f"+{named}" in found[3].diff.splitlines()) == bool(named)
    assert changed(found[1], bench) == [
        *([f"-{line}", f"+{named}"] if named else []),
        "+[extra-build-dependencies]",
        '+local = ["torch"]  # local imports torch while it is built',
    ]


def test_a_folder_that_says_its_name_is_known_by_it(bench: Bench) -> None:
    table = '[project]\nname = "local"\nversion = "1.0"\n'
    script = "import torch\nfrom setuptools import setup\nsetup()\n"
    files = {"requirements.txt": f"{REQUIREMENTS}./local\n", "local/setup.py": script, "local/pyproject.toml": table}
    plan = plans(bench, files, frontend="uv")[1]
    assert [line for line in changed(plan, bench) if "./local" in line] == []


# --- tier 3 -----------------------------------------------------------------------------------------------------------


def test_no_step_of_uv_gives_a_build_the_tool_that_it_misses(bench: Bench) -> None:
    project = PROJECT.replace("kernels", "compiled")
    isolated = plans(bench, {"pyproject.toml": project + SETTINGS})[3]
    listed = SETTINGS.replace("package = false", 'package = false\nno-build-isolation-package = ["compiled"]')
    for plan in (isolated, plans(bench, {"pyproject.toml": project + listed})[3]):
        assert plan.reason == "compiled misses nvcc, which no step of uv would give it"


def test_two_steps_of_uv_name_the_projects_that_are_not_isolated(bench: Bench) -> None:
    found = plans(bench, {"requirements.txt": f"{REQUIREMENTS}torch==2.5.0\nkernels\ntrainer\n"}, frontend="uv")[3]
    assert found.commands == (
        "uv pip install -r requirements-build.txt",
        "uv pip install --no-build-isolation-package kernels -r requirements.txt",
    )
    assert "+torch==2.5.0  # kernels is built with it" in found.diff.splitlines()
    assert not found.safe


def test_two_steps_put_the_folder_of_the_sources_on_the_module_path(bench: Bench) -> None:
    found = plans(bench, {"requirements.txt": f"{REQUIREMENTS}besides\n"}, frontend="pip")[3]
    assert found.commands[1] == "PYTHONPATH=. pip install --no-build-isolation -r requirements.txt"


def test_two_steps_end_where_what_is_missing_is_nowhere(bench: Bench) -> None:
    found = plans(bench, {"requirements.txt": f"{REQUIREMENTS}switched\n"}, frontend="pip")[3]
    assert not found.passes
    assert found.reason.startswith("what the build imports cannot be installed before it: ")

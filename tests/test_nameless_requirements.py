"""Lines of requirements files that are an address alone: when uv knows the name, and what is said and done about it.

How such builds end stands in cases/installers/uv_pip.toml, as the real uv 0.13.8 ends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.finding import Finding, Severity
from pixi_diagnose.manifest import read_manifest
from pixi_diagnose.manifest.invocation import Invocation
from pixi_diagnose.manifest.model import PypiSpec
from pixi_diagnose.report import Report
from support.installer_bench import Bench, serving
from support.installers import BUILD_SYSTEM
from support.packages import write_files
from support.repositories import GitRepository

INDEX = "--index-url @INDEX@\n"
SETUP = "import torch\nfrom setuptools import setup\nsetup(name='local', version='1.0')\n"
EXTRA = '[extra-build-dependencies]\nLocal = ["torch"]\n'
DYNAMIC = '[project]\nname = "local"\ndynamic = ["version", "dependencies"]\n'


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with serving(tmp_path_factory.mktemp("bench")) as made:
        yield made


def spec(folder: Path, line: str, files: dict[str, str] | None = None) -> PypiSpec:
    """What a line is read as, beside these files."""
    write_files(folder, files or {})
    manifest = read_manifest(f"{line}\n", str(folder / "requirements.txt"), Invocation(frontend="uv"))
    assert manifest.problems == ()
    (found,) = manifest.features["default"].targets[0].pypi
    return found


def checked(bench: Bench, line: str, uv_toml: str = EXTRA, *, setup: str = SETUP, **question: object) -> Report:
    """The report of a line about the folder `local`, with these settings of uv."""
    files = {"requirements.txt": f"{INDEX}{line}\n", "uv.toml": uv_toml, "local/setup.py": setup}
    return bench.files(files, frontend="uv", python="3.11", **question)


def unread(report: Report) -> list[Finding]:
    return [f for f in report.findings if f.rule.code == "ISO108"]


def repository(folder: Path, **files: str) -> str:
    """The address of a repository called `some-thing`; `setup` is its setup.py, `pyproject` its pyproject.toml."""
    named = {"setup.py": files.get("setup", SETUP)}
    if "pyproject" in files:
        named["pyproject.toml"] = files["pyproject"]
    return f"git+{GitRepository(folder / 'some-thing', named).url}"


# --- when the name is known -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "nameless"),
    [
        ({"local/pyproject.toml": DYNAMIC}, False),
        ({"local/pyproject.toml": '[tool.poetry]\nname = "local"\n'}, False),
        ({"local/setup.cfg": "[metadata]\nname: local\n"}, False),
        ({"local/pyproject.toml": "[", "local/setup.cfg": "[metadata]\nname = local\n"}, False),
        ({"local/PKG-INFO": "Metadata-Version: 2.1\nname: local\nVersion: 1.0\n\nVersion: none\n"}, False),
        ({"local/PKG-INFO": "Metadata-Version: 2.1\nName: local\n\nVersion: 1.0\n"}, True),
        ({"local/setup.cfg": "[metadata]\nName = local\n"}, True),
        ({"local/setup.cfg": "[metadata]\nname = local  # so far\n"}, True),
        ({"local/pyproject.toml": '[tool.flit.metadata]\nmodule = "local"\n'}, True),
        ({}, True),
    ],
)
def test_uv_takes_the_name_of_a_folder_from_these_files_alone(
    files: dict[str, str], nameless: bool, tmp_path: Path
) -> None:
    found = spec(tmp_path, "./local", {"local/setup.py": SETUP, **files})
    assert (found.name, found.nameless) == ("local", nameless)


@pytest.mark.parametrize(
    ("line", "nameless"),
    [
        ("local @ ./local", False),
        ("-e local @ ./local", False),
        ("-e ./local", True),
        ("https://host.example/local-1.0.tar.gz", False),
        ("https://host.example/archive/local-1.0-py3-none-any.whl", False),
        ("https://github.com/some/local/releases/download/v1/local-1.0.zip", False),
        ("https://github.com/some/local/archive/refs/tags/local-1.0.zip", True),
        ("git+https://host.example/some/local.git", True),
        ("git+https://host.example/some/thing#egg=local", True),
    ],
)
def test_uv_takes_the_name_of_an_archive_from_its_file(line: str, nameless: bool, tmp_path: Path) -> None:
    found = spec(tmp_path, line, {"local/setup.py": SETUP})
    assert (found.name, found.nameless) == ("local", nameless)


def test_a_repository_is_called_what_it_calls_itself(bench: Bench, tmp_path: Path) -> None:
    setup = "from setuptools import setup\nsetup(name='local', version='1.0')\n"
    line = repository(tmp_path, setup=setup)
    for frontend in ("uv", "pip"):
        report = bench.files({"requirements.txt": f"{INDEX}{line}\n"}, frontend=frontend, python="3.11")
        (simulation,) = report.simulations
        assert [b.project for b in simulation.builds] == ["local"]
        assert set(simulation.outcomes.values()) == {"ok"}
        assert report.unknowns == ()


def test_a_name_that_only_running_the_build_would_tell_stays_a_guess(bench: Bench, tmp_path: Path) -> None:
    setup = "import os\nfrom setuptools import setup\nsetup(name=os.environ['CALLED'], version='1.0')\n"
    line = repository(tmp_path, setup=setup)
    report = bench.files({"requirements.txt": f"{INDEX}{line}\n"}, frontend="uv", python="3.11")
    assert any("taken for some-thing" in unknown.reason for unknown in report.unknowns)


def test_a_folder_that_its_marker_leaves_out_is_built_for_its_name_all_the_same(bench: Bench) -> None:
    report = checked(bench, "./local ; sys_platform == 'win32'")
    assert [u.subject for u in report.unknowns] == ["local"]
    assert "built to learn its name" in report.unknowns[0].reason
    assert checked(bench, "local @ ./local ; sys_platform == 'win32'").unknowns == ()


# --- what is said -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "uv_toml", "line"),
    [
        ("extra-build-dependencies", EXTRA, 2),
        ("extra-build-variables", '[extra-build-variables]\nlocal = { PLAIN = "1" }\n', 1),
        ("config-settings-package", '[config-settings-package]\nlocal = { plain = "1" }\n', 1),
        ("dependency-metadata", '[[dependency-metadata]]\nname = "local"\nversion = "1.0"\n', 1),
        ("no-build-isolation-package", 'no-build-isolation-package = ["a", "local"]\n', 1),
        ("no-build-package", 'no-build-package = ["local"]\n', 1),
    ],
)
def test_a_setting_that_does_not_reach_a_build_is_named_where_it_stands(
    name: str, uv_toml: str, line: int, bench: Bench
) -> None:
    report = checked(bench, "./local", uv_toml)
    (finding,) = unread(report)
    assert finding.severity is Severity.WARNING
    assert finding.message.startswith(f"{name} of local does not reach its build")
    assert "`local @ …`" in finding.explanation[-1]
    location = report.locate(finding)
    assert location is not None
    assert (Path(location.file).name, location.start.line) == ("uv.toml", line)
    assert unread(checked(bench, "local @ ./local", uv_toml)) == []


def test_what_isolation_being_off_overrules_is_not_said_of_a_build_that_is_isolated(bench: Bench) -> None:
    both = f'no-build-isolation-package = ["local"]\n{EXTRA}'
    assert sorted(f.message.partition(" ")[0] for f in unread(checked(bench, "./local", both))) == [
        "extra-build-dependencies",
        "no-build-isolation-package",
    ]
    assert "built without isolation" in unread(checked(bench, "local @ ./local", both))[0].message


def test_nothing_is_said_of_other_projects(bench: Bench) -> None:
    assert unread(checked(bench, "./local", '[extra-build-dependencies]\nkernels = ["torch"]\n')) == []


def test_what_is_built_for_its_name_is_said_to_be(bench: Bench) -> None:
    found = next(f for f in checked(bench, "./local").findings if f.rule.code == "ISO101")
    assert "learns its name by building it" in " ".join(found.explanation)


# --- what is done -----------------------------------------------------------------------------------------------------


def test_the_plan_is_a_name_where_the_setting_is_there(bench: Bench) -> None:
    plan = checked(bench, "./local", plans=True).recommended
    assert plan is not None
    assert [line for line in plan.diff.splitlines() if line.startswith("+")][1:] == ["+local @ ./local"]
    assert plan.beside == ()


def test_the_name_of_a_repository_is_its_own(bench: Bench, tmp_path: Path) -> None:
    line = repository(tmp_path)
    files = {"requirements.txt": f"{INDEX}{line}\n", "uv.toml": EXTRA}
    plan = bench.files(files, frontend="uv", python="3.11", plans=True).recommended
    assert plan is not None
    assert f"local @ {line}" in plan.text.splitlines()


def test_a_repository_with_a_project_table_needs_no_name_for_its_build_requirements(
    bench: Bench, tmp_path: Path
) -> None:
    setup = SETUP.replace("name='local', ", "")
    line = repository(tmp_path, setup=setup, pyproject=f"{DYNAMIC}{BUILD_SYSTEM}")
    plan = bench.files({"requirements.txt": f"{INDEX}{line}\n"}, frontend="uv", python="3.11", plans=True).recommended
    assert plan is not None
    assert plan.edits == ()
    assert [change.text.splitlines()[0] for change in plan.beside] == ["[extra-build-dependencies]"]

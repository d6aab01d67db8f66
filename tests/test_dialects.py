"""What holds for all dialects that are not pixi's: targets, the way through the pipeline, and input of any kind."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rattler
import tomlkit
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixi_diagnose import frontends
from pixi_diagnose.diagnose import diagnose
from pixi_diagnose.document.opening import open_document
from pixi_diagnose.environment import Environment, environments
from pixi_diagnose.errors import ManifestError, UsageError
from pixi_diagnose.evidence import Place
from pixi_diagnose.finding import Severity
from pixi_diagnose.frontends.machine import Machine
from pixi_diagnose.frontends.model import Outcome, Simulation
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.manifest import Invocation, read_manifest
from pixi_diagnose.manifest.match_specs import parse_match_spec
from pixi_diagnose.manifest.requirement_lines import logical_lines
from pixi_diagnose.manifest.surroundings import NOTHING
from pixi_diagnose.manifest.target_python import KNOWN_PYTHONS, target_python
from pixi_diagnose.question import Question
from pixi_diagnose.renderers.json_report import check_document
from pixi_diagnose.resolve import Resolution
from support.worlds import World, world
from test_dialect_cases import cases

# --- the target ---


@pytest.mark.parametrize(
    ("asked", "requires", "version_file", "header", "expected"),
    [
        ("3.12", ">=3.13", "3.11", None, ("3.12", "--python")),
        ("cpython-3.12.7", "", None, None, ("3.12.7", "--python")),
        ("", ">=3.9", "# comment\n3.11\n", None, ("3.11", ".python-version")),
        ("", ">=3.9", "pypy3.9\n", None, (KNOWN_PYTHONS[0], "requires-python")),
        ("", "", None, "3.10", ("3.10", "header")),
        ("", ">=3.9,<3.12", None, None, ("3.11", "requires-python")),
        ("", "==3.10.4", None, None, ("3.10.4", "requires-python")),
        ("", "<3.12.4,>=3.11", None, None, ("3.12", "requires-python")),
        ("", ">=4", None, None, (KNOWN_PYTHONS[0], "assumed")),
        ("", "", None, None, (KNOWN_PYTHONS[0], "assumed")),
    ],
)
def test_the_python_is_what_is_asked_else_pinned_else_the_newest_allowed(
    asked: str, requires: str, version_file: str | None, header: str | None, expected: tuple[str, str]
) -> None:
    python = target_python(asked, requires, version_file=version_file, header=header)
    assert (python.version, python.source) == expected
    assert bool(python.assumption) == (python.source in {"assumed", "requires-python"})


def test_a_python_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="'three' is no Python version"):
        target_python("three", "")


def test_there_is_one_environment_for_each_platform_that_is_asked_for() -> None:
    invocation = Invocation(frontend="uv", platforms=("linux-64", "osx-arm64"))
    manifest = read_manifest("numpy\n", "requirements.txt", invocation, NOTHING)
    assert [(e.name, e.platform.name) for e in environments(manifest)] == [
        ("default", "linux-64"),
        ("default", "osx-arm64"),
    ]


@pytest.mark.parametrize(
    "invocation", [Invocation("uv", extras=("none",)), Invocation("uv", groups=("none",))], ids=["extra", "group"]
)
def test_an_extra_or_group_that_does_not_exist_is_an_error_of_the_command(invocation: Invocation) -> None:
    text = '[project]\nname = "x"\nversion = "1"\n[dependency-groups]\ndev = []\n'
    with pytest.raises(UsageError, match="'none' in the project"):
        read_manifest(text, "pyproject.toml", invocation, NOTHING)


# --- through the pipeline, up to the simulator ---


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world"), {"flash-1.0/setup.py": "import torch\n"}) as made:
        yield made


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Environment, Resolution]]:
    """What reaches the simulators of uv and pip: ones that only note it stand for them."""
    found: list[tuple[Environment, Resolution]] = []

    def note(environment: Environment, resolution: Resolution, *_: object) -> Simulation:
        found.append((environment, resolution))
        return Simulation(environment.installer.interface, "", environment, resolution, (), (), {})  # type: ignore[union-attr]

    known = {"pixi": frontends.simulator("pixi"), "uv": note, "pip": note}
    monkeypatch.setattr("pixi_diagnose.diagnose.simulator", known.__getitem__)
    return found


def chosen(resolution: Resolution) -> dict[str, str]:
    assert resolution.failure is None, resolution.failure
    return {d.project: f"{d.kind} {d.version}" for d in resolution.distributions}


def test_a_uv_project_is_resolved_for_its_python(here: World, seen: list[tuple[Environment, Resolution]]) -> None:
    text = f"""[project]
name = "app"
version = "1"
requires-python = "==3.11.*"
dependencies = ["flash", "torch"]
[project.optional-dependencies]
x = ["ninja"]
[tool.uv]
constraint-dependencies = ["torch<2.6"]
index-url = "{here.index}"
"""
    report = here.diagnose({"pyproject.toml": text}, extras=("x",))
    assert (report.frontend, report.exit_status, report.findings) == ("uv", 0, ())
    ((environment, resolution),) = seen
    assert (environment.name, environment.platform.name, resolution.python) == ("default", "linux-64", "3.11")
    assert chosen(resolution) == {"flash": "sdist 1.0", "torch": "wheel 2.5.0", "ninja": "wheel 1.11.0"}
    assert ["assumed: Python 3.11" in u.reason for u in resolution.unknowns if u.subject == "python"] == [True]
    json.dumps(check_document(report))


def test_a_requirements_file_is_resolved_for_pip(here: World, seen: list[tuple[Environment, Resolution]]) -> None:
    files = {"requirements.txt": f"-i {here.index}\n-r more.txt\n", "more.txt": "numpy\n"}
    report = here.diagnose(files, python="3.12")
    assert report.frontend == "pip"
    assert chosen(seen[0][1]) == {"numpy": "wheel 1.26.0"}
    assert {Path(name).name for name in report.documents} == {"requirements.txt", "more.txt"}


def test_an_environment_file_takes_python_from_conda(here: World, seen: list[tuple[Environment, Resolution]]) -> None:
    text = f"""name: science
channels: [{here.channel}]
dependencies:
  - python=3.11
  - numpy
  - pip:
    - psutil
    - --index-url {here.index}
"""
    report = here.diagnose({"environment.yml": text})
    assert (report.frontend, report.rejected) == ("pip", False)
    ((environment, resolution),) = seen
    assert (environment.name, resolution.python) == ("science", "3.11.7")
    assert {p.name for p in resolution.conda} >= {"python", "numpy"}
    assert chosen(resolution) == {"psutil": "wheel 6.0.0"}


def test_what_uv_would_refuse_is_rejected_at_its_place(here: World) -> None:
    text = '[project]\nname = "app"\nversion = "1"\n[tool.uv]\npackage = 1\nindex-url = "https://index.example"\n'
    report = here.diagnose({"pyproject.toml": text})
    (finding,) = report.findings
    location = report.locate(finding)
    assert (finding.rule.code, finding.severity, report.exit_status) == ("CFG901", Severity.ERROR, 2)
    assert location is not None
    assert (location.start.line, location.start.column) == (5, 11)


def test_a_fault_in_a_file_that_is_included_is_shown_there(here: World) -> None:
    files = {"requirements.txt": "-r more.txt\n", "more.txt": "good\nbad one\n"}
    report = here.diagnose(files)
    (finding,) = report.findings
    location = report.locate(finding)
    assert location is not None
    assert (Path(location.file).name, location.start.line, location.line) == ("more.txt", 2, "bad one")


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("pyproject.toml", "[project\n", (1, 9)),
        ("environment.yml", "name: x\ndependencies: [a\n", (3, 1)),
        ("environment.yml", "name: 'x\n", (2, 1)),
        ("environment.yml", "- a list\n", (None, None)),
    ],
)
def test_a_broken_file_is_an_error_with_its_place(name: str, text: str, place: tuple[int | None, int | None]) -> None:
    with pytest.raises(ManifestError) as error:
        read_manifest(text, name, Invocation(frontend="uv" if name.endswith("toml") else "pip"), NOTHING)
    assert (error.value.line, error.value.column) == place


# --- conda's specs as the conda tools themselves read them ---

SPECS = (
    *("numpy", "numpy=1.26", "numpy=1.26.*", "numpy==1.26.4", "numpy 1.26.4", "numpy >=1.20,<2", "numpy>=1.20|<1"),
    *("conda-forge::numpy", "conda-forge::numpy=1.26", "numpy=1.26.4=py311_0", "numpy 1.26.4 py311_0", "numpy !=1.2"),
    *("numpy[version='>=1.2',build='py3*']", "numpy=1.26[build=py311_0]", "numpy ~=1.26", "numpy 1.26.*", "numpy *"),
    *("numpy >=1.2 py311*", "numpy= 1.26", "python=3.11", "conda-forge/linux-64::numpy>=1"),
)
VERSIONS = ("0.9", "1.2", "1.20", "1.26", "1.26.4", "1.26.5", "1.27", "2.0", "3.11", "3.11.7", "3.12")


@pytest.mark.parametrize("text", SPECS)
def test_a_spec_means_what_conda_makes_of_it(text: str) -> None:
    spec = parse_match_spec(text, Place("environment.yml", ()))
    theirs = rattler.MatchSpec(text)
    assert theirs.name is not None
    assert spec.name == theirs.name.normalized
    for version in map(rattler.Version, VERSIONS):
        allowed = theirs.version is None or rattler.VersionSpec(str(theirs.version)).matches(version)
        assert rattler.VersionSpec(spec.version).matches(version) == allowed, version
    assert (spec.build or "") == ("" if theirs.build is None else str(theirs.build))
    assert (spec.channel or "") == (theirs.channel.name if theirs.channel is not None else "")


# --- places ---


def test_every_entry_of_an_environment_file_has_its_place() -> None:
    text = "name: x\ndependencies:\n  - a  # why\n  - pip:\n    - 'b>1'\nvariables: {K: v}\n"
    document = open_document(text, "environment.yml")
    starts = {
        key: (document.range_of(key).start.line, document.range_of(key).start.column)
        for key in (("name",), ("dependencies", 0), ("dependencies", 1, "pip", 0), ("variables", "K"), ("none",))
    }
    assert list(starts.values()) == [(1, 7), (3, 5), (5, 7), (6, 16), (1, 1)]
    assert document.range_of(("dependencies",)).start.line == 2
    for key in (("dependencies", 0), ("dependencies", 1, "pip", 0), ("variables", "K")):
        assert document.path_at(document.range_of(key).start)[: len(key)] == key


def test_aliases_that_stand_for_billions_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(ManifestError, match="too many values"):
        read_manifest("\n".join(lines), "environment.yml", Invocation(frontend="pip"), NOTHING)


# --- the readers never stumble ---

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1.5,
    "",
    "x",
    "not valid!",
    ">=",
    "a==1",
    "./x",
    "git+https://git.example/a",
    [],
    ["a"],
    {},
    {"a": 1},
)
CASES = cases()


def paths(value: Any, prefix: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [prefix] if prefix else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += paths(inner, (*prefix, key))
    return found


def replaced(data: Any, path: tuple[str | int, ...], value: object) -> Any:
    changed = copy.deepcopy(data)
    inner = changed
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return changed


def read_without_stumbling(text: str, name: str, frontend: str) -> None:
    try:
        manifest = read_manifest(text, name, Invocation(frontend=frontend), NOTHING)
        for environment in environments(manifest):
            assert environment.installer is not None
    except ManifestError:
        return
    document = open_document(text, name)
    for problem in manifest.problems:
        assert document.range_of(problem.place.key).start.line >= 1


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_changed_value_of_a_uv_project_never_stumbles(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([c for c in CASES if "pyproject.toml" in c.files]))
    document = tomlkit.parse(case.files["pyproject.toml"]).unwrap()
    path = data.draw(st.sampled_from(paths(document) or [("project",)]))
    value = data.draw(st.sampled_from([v for v in ODD if v is not None]))
    frontend = data.draw(st.sampled_from(("uv", "pip")))
    read_without_stumbling(tomlkit.dumps(replaced(document, path, value)), "pyproject.toml", frontend)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_changed_value_of_an_environment_file_never_stumbles(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([c for c in CASES if "environment.yml" in c.files]))
    document = yaml.safe_load(case.files["environment.yml"])
    path = data.draw(st.sampled_from(paths(document)))
    changed = replaced(document, path, data.draw(st.sampled_from(ODD)))
    read_without_stumbling(yaml.safe_dump(changed), "environment.yml", "pip")


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_a_changed_text_never_stumbles(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    name, text = next(iter(case.files.items()))
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, min(len(text), at + 12)))
    put = data.draw(st.text("\\\"'[]{}#;=,:-&*!%@ \n\r\tabz0\x00é", max_size=6))
    frontend = "pip" if name.endswith("yml") else data.draw(st.sampled_from(("uv", "pip")))
    read_without_stumbling(text[:at] + put + text[end:], Path(name).name, frontend)


def test_files_that_cannot_be_read_are_errors_and_no_tracebacks() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "more.txt").write_bytes(b"numpy # \xe9")
        with pytest.raises(ManifestError, match="not UTF-8"):
            read_manifest("-r more.txt\n", f"{folder}/requirements.txt", Invocation(frontend="pip"))


# --- files as people have them ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("frontend", ["pip", "uv"])
def test_requirements_are_read_as_powershell_writes_them(here: World, encoding: str, frontend: str) -> None:
    """pip 26 and uv 0.13 go by the byte order mark."""
    folder = here.write({"requirements.txt": "", "more.txt": ""})
    (folder / "requirements.txt").write_bytes(f"-i {here.index}\r\n-r more.txt\r\n".encode(encoding))
    (folder / "more.txt").write_bytes("numpy\r\n".encode(encoding))
    with IndexSession(cache_dir=here.cache) as session:
        question = Question(frontend=frontend, machine=here.machine, python="3.11", plans=False)
        (simulation,) = diagnose(str(folder), question, session).simulations
    assert [d.project for d in simulation.resolution.distributions] == ["numpy"]


def test_a_line_of_blanks_takes_no_time() -> None:
    """Patterns that look at each blank twice took minutes."""
    for text in ("numpy" + " " * 300_000, "./numpy" + " " * 300_000 + "x ;", "#" + " #" * 100_000):
        list(logical_lines(f"{text}\n", lambda _: None))
        read_manifest(f"{text}\n", "requirements.txt", Invocation(frontend="pip"), NOTHING)


@pytest.mark.parametrize("name", ["conda-lock.yml", "mkdocs.yml"])
def test_yaml_of_another_tool_is_no_environment(name: str) -> None:
    with pytest.raises(ManifestError, match="no conda environment"):
        read_manifest("version: 1\nmetadata: {}\n", name, Invocation(frontend="pip"), NOTHING)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: a\ndependencies: []\n---\nname: b\n", 3),
        ("dependencies: []\n---\n", 2),
        ("---\n---\ndependencies: []\n", 2),
    ],
)
def test_conda_stops_at_a_second_document(text: str, line: int) -> None:
    with pytest.raises(ManifestError, match="a second YAML document starts here") as caught:
        read_manifest(text, "environment.yml", Invocation(frontend="pip"), NOTHING)
    assert caught.value.line == line


def test_one_document_may_be_marked_as_such() -> None:
    manifest = read_manifest("---\nname: a\ndependencies: []\n...\n", "environment.yml", Invocation(), NOTHING)
    assert (manifest.name, manifest.problems) == ("a", ())


def test_a_folder_whose_build_alone_says_its_name_is_taken_for_that_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "setup.py").write_text("from setuptools import setup\nsetup(name=called())\n")
    for text in ("-e .\n", "./\n", "../tool\n"):
        manifest = read_manifest(text, str(tmp_path / "tool" / "requirements.txt"), Invocation(frontend="pip"))
        assert manifest.problems == ()
        assert [s.name for s in manifest.features["default"].targets[0].pypi] == ["tool"]
        assert "taken for tool" in manifest.unknowns[0].reason


def test_a_number_that_python_does_not_read_is_named() -> None:
    with pytest.raises(ManifestError, match="a number that is too large"):
        read_manifest(f"[workspace]\nx = {'9' * 5000}\n", "pixi.toml")


def test_what_a_reader_does_not_know_is_among_the_reports_unknowns(here: World) -> None:
    report = here.diagnose({"requirements.txt": "--no-index\n-r https://index.example/more.txt\n"}, frontend="pip")
    assert "the requirements at https://index.example/more.txt were not read" in [u.reason for u in report.unknowns]


def test_pip_does_not_read_uvs_sources(here: World) -> None:
    """Of the project that it installs it reads the standard tables alone."""
    text = '[project]\nname = "app"\nversion = "1"\ndependencies = ["numpy"]\n'
    text += '[tool.uv.sources]\nnumpy = { path = "absent" }\n'
    folder = here.write({"requirements.txt": f"-i {here.index}\n./app\n", "app/pyproject.toml": text})
    with IndexSession(cache_dir=here.cache) as session:
        question = Question(frontend="pip", machine=here.machine, python="3.11", plans=False)
        (simulation,) = diagnose(str(folder), question, session).simulations
    assert {d.project: d.kind for d in simulation.resolution.distributions} == {"app": "directory", "numpy": "wheel"}


def test_build_requirements_that_could_not_be_asked_for_are_not_called_missing(tmp_path: Path) -> None:
    """Offline with an empty cache nothing is known of setuptools: that is no prediction of a failure."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "1"\n')
    (tmp_path / "requirements.txt").write_text("-i http://127.0.0.1:9/simple\n./app\n")
    with IndexSession(cache_dir=tmp_path / "cache", offline=True) as session:
        question = Question(frontend="pip", machine=Machine("linux-64", {}), python="3.11", plans=False)
        report = diagnose(str(tmp_path), question, session)
    assert report.findings == ()
    assert set(report.simulations[0].outcomes.values()) == {Outcome.UNKNOWN}

"""What uv and pip make of a file: each case is a section of a page in cases/manifest/dialects.

A section has a title, titled files of which the first is the manifest, perhaps the command ("`uv sync --extra cuda`"),
and what is read: one line per fact, as `told` writes it. Facts that are as nobody said anything are not written.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pixi_diagnose.connections import Connections
from pixi_diagnose.document.opening import open_document
from pixi_diagnose.environment import Environment, environments
from pixi_diagnose.manifest import Invocation, read_manifest
from pixi_diagnose.manifest.installer import DeclaredRequirement, ExtraBuildRequirement, Scope
from pixi_diagnose.manifest.model import (
    FindLinks,
    GitSource,
    IsolationEntry,
    Manifest,
    PathSource,
    PypiSpec,
    UrlSource,
)

CASES = Path(__file__).parent / "cases" / "manifest" / "dialects"
SECTION = re.compile(r"^## (?P<title>[^\n]+)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```\w+(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
TAILS = re.compile(r", expected only .*|: Expected .*")
"""What follows is a list of all keys, or a sentence of `packaging` that differs between versions."""
COMMAND = re.compile(r"^`(?P<frontend>uv|pip)(?P<rest> [^`]*)?`$", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    title: str
    files: dict[str, str]
    invocation: Invocation
    expected: str


def cases() -> list[Case]:
    found = []
    for page in sorted(CASES.glob("*.md")):
        for section in SECTION.finditer(page.read_text()):
            blocks = [(b["name"], b["text"]) for b in BLOCK.finditer(section["text"])]
            files = {name: text for name, text in blocks if name}
            expected = next(text for name, text in blocks if not name)
            found.append(Case(section["title"], files, invocation(section["text"]), expected))
    return found


def invocation(text: str) -> Invocation:
    command = COMMAND.search(text)
    given = Invocation() if command is None else Invocation(frontend=command["frontend"])
    words = iter(shlex.split(command["rest"] or "") if command is not None else [])
    for word in words:
        if word == "--no-build-isolation":
            given = replace(given, no_build_isolation=True)
        elif word == "--python":
            given = replace(given, python=next(words))
        elif word == "--extra":
            given = replace(given, extras=(*given.extras, next(words)))
        elif word == "--group":
            given = replace(given, groups=(*given.groups, next(words)))
        elif word == "--no-build-isolation-package":
            given = replace(given, no_build_isolation_packages=(*given.no_build_isolation_packages, next(words)))
    return given


@pytest.mark.parametrize("case", cases(), ids=lambda case: re.sub(r"\W+", "-", case.title.lower()))
def test_a_file_means_what_its_tool_makes_of_it(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INDEX_HOST", "index.example")
    certificates = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CLIENT_CERT")
    for variable in ("UV_NO_BUILD", "UV_NO_BINARY", "UV_NO_BUILD_ISOLATION", *certificates):
        monkeypatch.delenv(variable, raising=False)
    for name, text in case.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    name = next(iter(case.files))
    manifest = read_manifest(case.files[name], name, case.invocation)
    assert "".join(f"{line}\n" for line in told(manifest, case.files[name])) == case.expected


def told(manifest: Manifest, text: str) -> Iterator[str]:
    yield from problems(manifest, text)
    if any(p.kind in {"invalid", "unknown-key"} for p in manifest.problems):
        return
    environment, *others = environments(manifest)
    assert not others
    yield from target(environment)
    for requirement in environment.pypi:
        yield f"installs {written(requirement)}"
    yield from locked(environment)
    yield from options(environment)
    yield from settings(environment)


def problems(manifest: Manifest, text: str) -> Iterator[str]:
    for problem in manifest.problems:
        at = "" if problem.position is None else "{}:{}".format(*problem.position)
        file = "" if problem.place.file == manifest.path else f"{problem.place.file} "
        yield f"{problem.kind} {file}{at} {TAILS.sub('', problem.message)}"
    for table in manifest.unread:
        own = table.place.file == manifest.path
        document = open_document(text if own else manifest.files[table.place.file], table.place.file)
        start = document.range_of(table.place.key, "key").start
        file = "" if own else f"{table.place.file} "
        yield f"unread {file}{start.line}:{start.column} {table.name}: {table.reason}"
    for unknown in manifest.unknowns:
        yield f"unknown {unknown.reason}"


def target(environment: Environment) -> Iterator[str]:
    assert environment.installer is not None
    python = environment.installer.python
    yield f"{environment.installer.interface} fills {environment.name}, {environment.platform.name}"
    if python.version:
        yield f"python {python.version} ({python.source})"
    if environment.channels:
        yield f"channels {', '.join(environment.channels)}"
    for spec in environment.conda:
        more = "".join(
            f" {key}={value}"
            for key, value in (
                ("build", spec.build),
                ("channel", spec.channel),
                ("subdir", spec.subdir),
                *spec.selectors,
            )
            if value
        )
        yield f"conda {spec.spelled} {spec.version}{more}"
    for name, value in environment.variables.items():
        yield f"variable {name}={value}"


def locked(environment: Environment) -> Iterator[str]:
    """What a lock covers beyond what is installed."""
    assert environment.installer is not None
    project = environment.installer.project
    if project.extras:
        yield f"extras {', '.join(project.extras)}"
    if project.groups:
        yield f"groups {', '.join(project.groups)}"
    for member in project.members:
        if len(project.members) > 1 or member.name != project.name:
            yield f"member {member.name} in {member.path}{'' if member.packaged else ', not built'}"
    for declared in project.declared:
        if declared.spec not in environment.pypi:
            yield f"locks {written(declared.spec)} {held(declared)}"
    for conflict in project.conflicts:
        yield f"conflict {' and '.join(where(scope) for scope in conflict.scopes)}"


def held(declared: DeclaredRequirement) -> str:
    return f"for {where(declared.scope)}"


def where(scope: Scope) -> str:
    if scope.extra or scope.group:
        return f"{scope.project}[{scope.extra}]" if scope.extra else f"{scope.project}:{scope.group}"
    return scope.project


def options(environment: Environment) -> Iterator[str]:
    given = environment.options
    for name in given.__slots__:
        value = getattr(given, name)
        if name == "places" or value is None:
            continue
        items = value if isinstance(value, tuple) else (value,)
        yield f"{name.replace('_', '-')}: {', '.join(shown(item) for item in items)}"
    for name in ("pypi_exclude_newer", "pypi_exclude_newer_packages"):
        if value := getattr(environment, name):
            yield f"{name.replace('pypi_', '').replace('_', '-')}: {shown(value)}"


def settings(environment: Environment) -> Iterator[str]:
    assert environment.installer is not None
    for part in (environment.installer.resolution, environment.installer.building):
        for name in part.__slots__:
            value = getattr(part, name)
            if value and value not in ("highest", Connections()):
                items = value if isinstance(value, tuple) else (value,)
                yield f"{name.replace('_', '-')}: {', '.join(shown(item) for item in items)}"


def shown(value: object) -> str:
    if isinstance(value, PypiSpec):
        return written(value)
    if isinstance(value, IsolationEntry):
        return value.spelled
    if isinstance(value, FindLinks):
        return value.url or f"./{value.path}"
    if isinstance(value, ExtraBuildRequirement):
        return written(value.spec) + (" as it runs" if value.match_runtime else "")
    if isinstance(value, dict):
        return " ".join(f"{key}=({shown(inner)})" for key, inner in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(shown, value))
    if hasattr(value, "__slots__"):
        fields = ((name, getattr(value, name)) for name in value.__slots__ if name != "place")
        return " ".join(f"{name}={shown(inner)}" for name, inner in fields if inner not in (None, "", (), False))
    return str(value)


def written(spec: PypiSpec) -> str:
    extras = f"[{','.join(spec.extras)}]" if spec.extras else ""
    source = ""
    if isinstance(spec.source, PathSource):
        source = f" from {spec.source.path}{', editable' if spec.source.editable else ''}"
    elif isinstance(spec.source, GitSource):
        at = spec.source.rev or spec.source.tag or spec.source.branch
        source = f" from git {spec.source.url}{f' at {at}' if at else ''}"
        source += f" below {spec.source.subdirectory}" if spec.source.subdirectory else ""
    elif isinstance(spec.source, UrlSource):
        source = f" from {spec.source.url}"
    index = f" on {spec.index}" if spec.index else ""
    return f"{spec.spelled}{extras}{spec.specifier}{source}{index}" + (f" ; {spec.marker}" if spec.marker else "")

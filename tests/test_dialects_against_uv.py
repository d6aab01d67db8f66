"""The judges: what uv's own lock and resolution say of a project, and what `packaging` says of requirements."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pixi_diagnose.index.uv import uv_program
from pixi_diagnose.manifest import Invocation, read_manifest
from pixi_diagnose.manifest.installer import DeclaredRequirement
from pixi_diagnose.manifest.markers import all_of, any_of, negated
from pixi_diagnose.manifest.model import Manifest, PathSource, PypiSpec
from pixi_diagnose.manifest.requirement_lines import logical_lines
from pixi_diagnose.resolve import Resolution
from support.reading import first_resolution
from support.worlds import WHEELS, World, world

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
TARGETS = tuple(
    {
        "sys_platform": platform,
        "platform_system": system,
        "os_name": "posix",
        "platform_machine": machine,
        "python_version": python,
        "python_full_version": f"{python}.1",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    for (platform, system), machine, python in itertools.product(
        (("linux", "Linux"), ("darwin", "Darwin"), ("win32", "Windows")), ("x86_64", "arm64"), ("3.11", "3.12", "3.13")
    )
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


def uv(folder: Path, *arguments: str) -> str:
    """Run uv in a folder, away from all settings of the user; what it prints."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "PIP_", "CONDA_", "VIRTUAL_ENV"))}
    environment = kept | {"UV_CACHE_DIR": str(folder.parent / "uv-cache"), "UV_PYTHON_DOWNLOADS": "never"}
    environment |= {"XDG_CONFIG_HOME": str(folder / "none"), "NO_COLOR": "1"}
    command = [uv_program(), *arguments, "--no-progress"]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def written(here: World, files: Mapping[str, str]) -> Path:
    folder = here.write({name: text.replace("@INDEX@", here.index) for name, text in files.items() if "/" in name})
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.replace("@INDEX@", here.index))
    return folder


def read(folder: Path, name: str = "pyproject.toml", **given: Any) -> Manifest:
    path = folder / name
    invocation = Invocation(**{"frontend": "uv", "python": PYTHON, **given})
    manifest = read_manifest(path.read_text(), str(path), invocation)
    assert manifest.problems == ()
    return manifest


def resolved(here: World, manifest: Manifest) -> Resolution:
    return first_resolution(manifest, here.cache)


HEADER = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\n'
INDEX = '[[tool.uv.index]]\nurl = "@INDEX@"\ndefault = true\n'
LOCAL = '[project]\nname = "local"\nversion = "1"\ndependencies = ["ninja"]\n[tool.uv]\npackage = false\n'

PROJECTS = {
    "extras and groups": {
        "pyproject.toml": f"""{HEADER}
dependencies = ["numpy>=1", "torch<2.7; sys_platform == 'linux'", "app[fast]"]
[project.optional-dependencies]
Fast_One = ["cython"]
fast = ["psutil>=6; python_version >= '3.12'", "app[fast-one]; sys_platform != 'win32'"]
[dependency-groups]
dev = ["packaging<24", {{ include-group = "Lint" }}]
lint = ["ninja; platform_machine == 'x86_64'"]
[tool.uv]
default-groups = ["lint"]
dev-dependencies = ["wheel"]
dependency-groups = {{ lint = {{ requires-python = ">=3.12" }} }}
{INDEX}"""
    },
    "sources": {
        "pyproject.toml": f"""{HEADER}
dependencies = ["numpy", "local", "torch>=2.6", "psutil"]
optional-dependencies = {{ x = ["cython", "ninja"] }}
[dependency-groups]
dev = ["psutil>=5"]
[tool.uv.sources]
local = {{ path = "libs/local" }}
torch = [
  {{ index = "other", marker = "sys_platform == 'win32' or (python_version < '3.13' and sys_platform == 'linux')" }},
]
psutil = {{ index = "other", group = "Dev" }}
cython = {{ index = "other", extra = "x" }}
ninja = {{ path = "libs/ninja", editable = true, marker = "sys_platform == 'darwin'" }}
[[tool.uv.index]]
name = "other"
url = "@INDEX@/"
explicit = true
{INDEX}""",
        "libs/local/pyproject.toml": LOCAL,
        "libs/ninja/pyproject.toml": '[project]\nname = "ninja"\nversion = "9"\n[build-system]\nrequires = []\n'
        'build-backend = "none"\n',
    },
    "a workspace": {
        "pyproject.toml": f"""{HEADER}
dependencies = ["one", "numpy"]
[tool.uv]
constraint-dependencies = ["torch<2.6"]
override-dependencies = ["packaging==23.2"]
[tool.uv.workspace]
members = ["packages/*", "nowhere"]
exclude = ["packages/three"]
[tool.uv.sources]
one = {{ workspace = true }}
two = {{ workspace = true }}
{INDEX}""",
        "packages/one/pyproject.toml": '[project]\nname = "one"\nversion = "1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["two", "torch"]\n[dependency-groups]\ndev = ["psutil"]\n',
        "packages/two/pyproject.toml": '[project]\nname = "two"\nversion = "1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["packaging>=24"]\n',
        "packages/three/pyproject.toml": "nonsense",
    },
    "a masked table": {
        "pyproject.toml": f"""{HEADER}
dependencies = ["numpy", "torch"]
[tool.uv]
no-binary = true
constraint-dependencies = ["torch<2.6"]
""",
        "uv.toml": '[[index]]\nurl = "@INDEX@"\ndefault = true\n',
    },
}


@pytest.mark.parametrize("title", PROJECTS)
def test_every_member_declares_what_uv_writes_into_its_lock(title: str, here: World) -> None:
    folder = written(here, PROJECTS[title])
    uv(folder, "lock", "--python", sys.executable)
    lock = tomli.loads((folder / "uv.lock").read_text())
    layout = read(folder).installer.project  # type: ignore[union-attr]
    locals_of_lock = {p["name"] for p in lock["package"] if {"virtual", "editable", "directory"} & p["source"].keys()}
    assert {m.name for m in layout.members} <= locals_of_lock
    for member in layout.members:
        package = next(p for p in lock["package"] if p["name"] == member.name)
        for target in TARGETS:
            ours = [d for d in layout.declared if d.scope.project == member.name and holds(d.spec.marker, target)]
            assert sorted(map(declared, ours)) == sorted(set(of_lock(package, target)))


def declared(requirement: DeclaredRequirement) -> tuple[str, str, str, str]:
    spec, scope = requirement.spec, requirement.scope
    where = "local" if isinstance(spec.source, PathSource) else "index" if spec.index else ""
    scoped = f"extra {scope.extra}" if scope.extra else f"group {scope.group}" if scope.group else ""
    return scoped, spec.name, str(SpecifierSet(spec.specifier)), where


def of_lock(package: Mapping[str, Any], target: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """The requirements in a lock that hold for a target, those of the project on itself as what they stand for."""
    metadata = package.get("metadata", {})
    extras = metadata.get("provides-extras", [])

    def required(entries: Iterable[Mapping[str, Any]], extra: str) -> Iterator[Mapping[str, Any]]:
        for entry in entries:
            marker = entry.get("marker", "")
            plain = holds(marker, target)
            if not (holds(marker, {**target, "extra": extra}) and (not plain or not extra)):
                continue
            if entry["name"] != package["name"]:
                yield entry
            for own in entry.get("extras", []) if entry["name"] == package["name"] else ():
                yield from required(metadata["requires-dist"], own)

    for extra in ("", *extras):
        for entry in required(metadata.get("requires-dist", []), extra):
            yield (f"extra {extra}" if extra else "", *in_lock(entry))
    for group, entries in metadata.get("requires-dev", {}).items():
        for entry in required(entries, ""):
            yield (f"group {group}", *in_lock(entry))


def in_lock(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    local = {"directory", "editable", "virtual", "path"} & entry.keys()
    specifier = str(SpecifierSet(entry.get("specifier", "").replace(" ", "")))
    return entry["name"], specifier, "local" if local else "index" if "index" in entry else ""


def holds(marker: str, target: Mapping[str, str]) -> bool:
    return not marker or Marker(marker).evaluate(dict(target))


@pytest.mark.parametrize("title", [title for title in PROJECTS if title != "sources"])
def test_what_is_installed_is_what_uv_exports(title: str, here: World) -> None:
    folder = written(here, PROJECTS[title])
    uv(folder, "lock", "--python", sys.executable)
    lines = uv(folder, "export", "--frozen", "--no-hashes", "--no-header", "--no-annotate", "--no-emit-local")
    target = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix"}
    target |= {"python_version": PYTHON, "python_full_version": f"{PYTHON}.1"}
    wanted = [Requirement(line) for line in lines.splitlines() if line]
    exported = {(r.name, str(r.specifier)[2:]) for r in wanted if r.marker is None or r.marker.evaluate(target)}
    resolution = resolved(here, read(folder))
    assert resolution.failure is None
    assert {(d.project, d.version) for d in resolution.distributions if d.kind == "wheel"} == exported


REQUIREMENTS = {
    "options and includes": {
        "requirements.txt": "-i @INDEX@\n-r more/base.txt\n-c more/limits.txt\ntorch  # any\n"
        "numpy >=1 ; python_version > '3'\n\\\n  wheel\nCython==3.0.0 --hash=sha256:" + "0" * 64 + "\n",
        "more/base.txt": "psutil\npackaging; sys_platform == 'nowhere'\n",
        "more/limits.txt": "torch<2.7\npackaging<24\nabsent<1\n",
    },
    "compatible releases": {"requirements.txt": "--index-url=@INDEX@\nTorch ~= 2.5.0\npackaging != 24.2, >=23\n"},
}


@pytest.mark.parametrize("title", REQUIREMENTS)
def test_a_requirements_file_resolves_as_with_uv(title: str, here: World) -> None:
    files = REQUIREMENTS[title]
    cython = next(file for file in WHEELS if file.filename.startswith("cython"))
    folder = written(here, {n: t.replace("0" * 64, cython.sha256) for n, t in files.items()})
    options = ("--no-header", "--no-annotate", "--python", sys.executable, "--python-platform", "x86_64-manylinux_2_28")
    compiled = uv(folder, "pip", "compile", "requirements.txt", *options)
    resolution = resolved(here, read(folder, "requirements.txt"))
    assert resolution.failure is None
    assert {f"{d.project}=={d.version}" for d in resolution.distributions} == set(compiled.split())


# --- requirements as `packaging` reads them ---------------------------------------------------------------------------

names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True)
specifiers = st.lists(st.sampled_from([">=1", "<2.0", "!=1.5", "~=1.4", "==1.*", "== 1.0+local"]), max_size=2).map(
    ",".join
)
comparisons = st.sampled_from(
    (
        *("sys_platform == 'linux'", "sys_platform != 'win32'", "python_version < '3.12'", "'3.12' <= python_version"),
        *("python_full_version >= '3.12.1'", "platform_machine in 'x86_64 AMD64'", "'arm' not in platform_machine"),
        "python_version ~= '3.11'",
    )
)
markers = st.recursive(
    comparisons,
    lambda inner: st.tuples(inner, st.sampled_from(("and", "or")), inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
    max_leaves=5,
)


@settings(deadline=None)  # `packaging` may be slow on its first marker
@given(marker=markers)
def test_a_negated_marker_holds_exactly_where_the_marker_does_not(marker: str) -> None:
    assert all(holds(negated(marker), target) != holds(marker, target) for target in TARGETS)


@settings(deadline=None)
@given(given_markers=st.lists(markers, min_size=1, max_size=3))
def test_joined_markers_hold_where_all_or_any_of_them_do(given_markers: list[str]) -> None:
    for target in TARGETS:
        each = [holds(marker, target) for marker in given_markers]
        assert holds(all_of(given_markers), target) == all(each)
        assert holds(any_of(given_markers), target) == any(each)


@settings(deadline=None)
@given(
    name=names,
    extras=st.lists(names, max_size=2),
    specifier=specifiers,
    marker=st.none() | markers,
    comment=st.sampled_from(["", "  # why", "\t# x; y"]),
)
def test_a_line_means_the_requirement_that_packaging_reads(
    name: str, extras: list[str], specifier: str, marker: str | None, comment: str
) -> None:
    line = f"{name}{'[' + ','.join(extras) + ']' if extras else ''} {specifier}{f' ; {marker}' if marker else ''}"
    if name.endswith((".txt", ".in")) or line.strip().endswith((".zip", ".tar", ".tgz", ".whl")):
        return
    expected = Requirement(line)
    (logical,) = logical_lines(line + comment, lambda _: None)
    assert str(Requirement(logical.requirement)) == str(expected)
    manifest = read_manifest(line + comment, "requirements.txt", Invocation(frontend="pip"))
    assert [same(spec) for spec in manifest.features["default"].targets[0].pypi] == [same_as(expected)]


def same(spec: PypiSpec) -> tuple[str, Iterable[str], str, str]:
    return spec.spelled, spec.extras, spec.specifier, spec.marker


def same_as(requirement: Requirement) -> tuple[str, Iterable[str], str, str]:
    extras = tuple(sorted(requirement.extras))
    return requirement.name, extras, str(requirement.specifier), str(requirement.marker or "")

"""What a universal lock asks for, and what it may choose (uv.md U3), without and with the resolver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixi_diagnose.evidence import Place
from pixi_diagnose.index.model import Distribution, IndexSettings, PypiFailure, PypiRequest, PypiResolution
from pixi_diagnose.index.resolutions import resolve_projects
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.index.universal_tags import UniversalTarget, lowest_python
from pixi_diagnose.manifest.installer import (
    Conflict,
    DeclaredRequirement,
    DependencyMetadata,
    Installer,
    Member,
    ProjectLayout,
    ResolutionSettings,
    Scope,
    TargetPython,
)
from pixi_diagnose.manifest.model import FindLinks, Platform, PypiSpec
from pixi_diagnose.universal_lock import narrowed, one_source_each, python_range, sides, united
from support.packages import PackageIndex, make_sdist, make_wheel, pkg_info, write_files
from support.server import Server

HERE = Place("pyproject.toml", ("project",))
ANY = Platform("any", "", ())

Asked = Callable[..., dict[str, Distribution]]
"""Requirements and fields of a request → what is chosen, by project and version."""


def spec(name: str, specifier: str = "", marker: str = "", index: str | None = None) -> PypiSpec:
    return PypiSpec(name, name, specifier, HERE, marker=marker, index=index)


def installer(requires: str = "", *members: str, environments: tuple[str, ...] = ()) -> Installer:
    layout = ProjectLayout(
        "app", tuple(Member(f"m{n}", ".", packaged=False, requires_python=r) for n, r in enumerate(members))
    )
    settings = ResolutionSettings(requires_python=requires, lock_environments=environments)
    return Installer("uv", TargetPython("3.12", "assumed"), layout, settings)


# --- Pythons


@pytest.mark.parametrize(
    ("requires", "lowest"),
    [
        (">=3.9", "3.9"),
        ("==3.11.*", "3.11"),
        (">=3.9.2,<3.13", "3.9.2"),
        ("~=3.10", "3.10"),
        (">3.8", "3.8.1"),
        ("==3.11.4", "3.11.4"),
        ("<3", None),
    ],
)
def test_the_lowest_python_of_a_range(requires: str, lowest: str | None) -> None:
    assert lowest_python(requires) == lowest


def test_the_range_is_what_all_members_allow() -> None:
    found = python_range(installer(">=3.9", "<3.13", ">=3.10"), "3.12.4")
    assert found is not None
    assert found.lowest == "3.10"
    assert (
        found.marker
        == "python_full_version < '3.13' and python_full_version >= '3.10' and python_full_version >= '3.9'"
    )


def test_without_a_range_it_begins_with_the_python_that_is_used() -> None:
    found = python_range(installer(), "3.12.4")
    assert found is not None
    assert (found.requires, found.lowest) == (">=3.12", "3.12")


def test_members_that_exclude_each_other_have_no_range() -> None:
    assert python_range(installer(">=3.12", "<3.10"), "3.12") is None


@pytest.mark.parametrize(
    ("tag", "taken"),
    [
        ("py3-none-any", True),
        ("py2.py3-none-any", True),
        ("py2-none-any", False),
        ("cp27-cp27mu-manylinux1_x86_64", False),
        ("cp311-cp311-win_amd64", True),
        ("cp312-cp312-macosx_11_0_arm64", True),
        ("cp38-cp38-manylinux1_x86_64", False),
        ("cp313-cp313-manylinux_2_28_x86_64", False),
        ("cp36-abi3-win_amd64", True),
        ("py37-none-any", True),
        ("py313-none-any", False),
        ("cp38-none-any", False),
        ("cp311-none-win32", True),
    ],
)
def test_a_wheel_of_any_platform_for_some_python_of_the_range_will_do(tag: str, taken: bool) -> None:
    assert (UniversalTarget.within(">=3.10,<3.13", "3.10").rank(tag) is not None) == taken


# --- requirements


def test_requirements_hold_within_the_environments_and_pythons_of_the_lock() -> None:
    given = installer("==3.11.*", environments=("sys_platform == 'linux'", "sys_platform == 'darwin'"))
    pythons = python_range(given, "3.11")
    assert pythons is not None
    (found,) = narrowed([spec("torch", marker="os_name == 'posix'")], given, pythons)
    platforms = "(sys_platform == 'linux' or sys_platform == 'darwin')"
    assert found.marker == f"os_name == 'posix' and {platforms} and python_full_version == '3.11.*'"


def test_a_project_from_two_indexes_comes_from_the_one_of_this_platform() -> None:
    specs = [
        spec("torch", marker="sys_platform == 'linux'", index="a"),
        spec("torch", marker="sys_platform != 'linux'", index="b"),
        spec("numpy", marker="sys_platform != 'linux'"),
    ]
    found = one_source_each(specs, {"sys_platform": "linux"})
    assert [(s.name, s.index) for s in found] == [("torch", "a"), ("numpy", None)]


def layout(*conflicts: tuple[str, ...], extras: tuple[str, ...] = ()) -> ProjectLayout:
    names = dict.fromkeys(name for c in conflicts for name in c)
    declared = [DeclaredRequirement(spec("base"), Scope("app"))]
    declared += [DeclaredRequirement(spec(name), Scope("app", extra=name)) for name in names]
    found = tuple(Conflict(tuple(Scope("app", extra=name) for name in c)) for c in conflicts)
    return ProjectLayout("app", declared=tuple(declared), extras=extras, conflicts=found)


def test_without_conflicts_everything_is_one_side() -> None:
    (only,) = sides(layout())
    assert [s.name for s in only.specs] == ["base"]


def test_each_conflicting_extra_is_on_some_side_and_never_with_its_opponent() -> None:
    found = [tuple(s.name for s in side.specs) for side in sides(layout(("cpu", "cuda"), ("old", "new")))]
    assert ("base", "cpu", "old") in found
    assert {name for side in found for name in side} == {"base", "cpu", "cuda", "old", "new"}
    assert not any({"cpu", "cuda"} <= set(side) or {"old", "new"} <= set(side) for side in found)


def test_an_environment_gets_the_versions_of_its_side() -> None:
    given = layout(("old", "new"), extras=("new",))
    answers = [
        (side, PypiResolution((Distribution("torch", version, "wheel"),)))
        for side, version in zip(sides(given), ("1.0", "2.0"), strict=True)
    ]
    lock = united(given, answers)
    assert [d.version for d in lock.distributions] == ["1.0", "2.0"]
    assert lock.constraints == ("torch==2.0",)


def test_one_side_without_a_solution_is_a_lock_without_one() -> None:
    given = layout(("old", "new"))
    failure = PypiFailure("conflict", "no")
    answers = [(side, PypiResolution((), failure)) for side in sides(given)]
    assert united(given, answers).failure == failure


# --- the resolver


@pytest.fixture
def index() -> PackageIndex:
    found = PackageIndex(json=True)
    for version in ("1.0", "2.0"):
        found.add(make_wheel("solid", version), upload_time=f"202{version[0]}-06-01T00:00:00Z")
    found.add(make_wheel("windowed", "1.0", tag="cp311-cp311-win_amd64"))
    found.add(make_sdist("windowed", "1.0", {"PKG-INFO": pkg_info("windowed", "1.0", metadata_version="2.1")}))
    found.add(make_sdist("raw", "1.0", {"PKG-INFO": pkg_info("raw", "1.0", ["solid<2"], metadata_version="2.1")}))
    found.add(make_wheel("wants", "1.0", requires=["raw ; sys_platform == 'win32'", "solid"]))
    return found


@pytest.fixture
def ask(index: PackageIndex, tmp_path: Path) -> Iterator[Asked]:
    with Server(index.routes()) as server, IndexSession(tmp_path / "cache") as session:

        def asked(*requirements: str, **fields: object) -> dict[str, Distribution]:
            settings = {name: fields.pop(name) for name in list(fields) if name in IndexSettings.__slots__}
            given = {"universal": ">=3.11", "platform": ANY, "python_version": "3.11", **fields}
            indexes = IndexSettings(**{"index_url": f"{server.url}/simple", **settings})  # type: ignore[arg-type]
            answer = resolve_projects(PypiRequest(requirements, indexes=indexes, **given), session)  # type: ignore[arg-type]
            assert answer.failure is None, answer.failure
            return {f"{d.project} {d.version}": d for d in answer.distributions}

        yield asked


def test_u2_a_wheel_of_another_platform_makes_a_release_static(ask: Asked) -> None:
    found = ask("windowed", "raw")
    assert (found["windowed 1.0"].kind, found["raw 1.0"].kind) == ("wheel", "sdist")
    assert not found["windowed 1.0"].built


def test_u3_what_holds_only_elsewhere_is_locked_with_its_marker(ask: Asked) -> None:
    found = ask("wants")
    assert found["raw 1.0"].marker == "sys_platform == 'win32'"
    assert found["raw 1.0"].required_by == ("wants",)


def test_u3_a_project_may_be_locked_in_two_versions(ask: Asked) -> None:
    found = ask("solid<2 ; sys_platform == 'linux'", "solid>=2 ; sys_platform != 'linux'")
    assert {name: d.marker for name, d in found.items()} == {
        "solid 1.0": "sys_platform == 'linux'",
        "solid 2.0": "sys_platform != 'linux'",
    }


def test_u1_stated_metadata_stands_for_the_releases_own(ask: Asked) -> None:
    (found,) = [
        d for d in ask("raw", stated=(DependencyMetadata("raw", None, ("windowed",)),)).values() if d.project == "raw"
    ]
    assert found.requires == ("windowed",)
    assert found.metadata is not None
    assert found.metadata.is_static_for("uv")
    assert not found.metadata.is_static_for("pip")
    assert ask("raw", stated=(DependencyMetadata("raw", "2.0", ("windowed",)),))["raw 1.0"].requires == ("solid<2",)


def test_u1_lowest_excludes_and_cutoffs_of_single_projects(ask: Asked) -> None:
    assert list(ask("solid", strategy="lowest")) == ["solid 1.0"]
    assert list(ask("wants", excludes=("raw",))) == ["solid 2.0", "wants 1.0"]
    assert list(ask("solid", exclude_newer_projects=(("solid", "2021-12-31"),))) == ["solid 1.0"]


def test_u1_without_an_index_only_find_links_count(ask: Asked, tmp_path: Path) -> None:
    wheel = make_wheel("linked", "3.0")
    write_files(tmp_path / "links", {wheel.filename: wheel.data})
    links = (FindLinks(path="links"),)
    assert list(ask("linked", no_index=True, find_links=links, root=str(tmp_path))) == ["linked 3.0"]
    with pytest.raises(AssertionError, match="solid"):
        ask("solid", no_index=True, find_links=links, root=str(tmp_path))

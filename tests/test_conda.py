"""Conda packages: solved on a small channel, or the declared specs where no channel can be reached (pixi.md P4, P7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_diagnose.conda import CondaQuestion, closure, pypi_specifier, python_version, solve, tools
from pixi_diagnose.evidence import Place
from pixi_diagnose.index.cache import FactCache
from pixi_diagnose.manifest.model import CondaSpec, Platform, VirtualPackage
from support.packages import channel_routes, conda_record, write_channel
from support.server import Response, Server
from support.worlds import CONDA, world

LINUX = Platform("linux-64", "linux-64", (VirtualPackage("__glibc", "2.28"),))
FRESH = 600.0


def spec(name: str, version: str = "*") -> CondaSpec:
    return CondaSpec(name, name, version, Place("pixi.toml", ("dependencies", name)))


def question(channel: str, *specs: CondaSpec, **more: object) -> CondaQuestion:
    return CondaQuestion(specs, (channel,), LINUX, **more)  # type: ignore[arg-type]


@pytest.fixture
def cache(tmp_path: Path) -> FactCache:
    return FactCache(tmp_path / "cache")


def test_a_solve_gives_versions_and_projects(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "conda-forge", CONDA)
    found = solve(question(channel, spec("python", "3.11.*"), spec("pytorch", "<2.6")), cache, max_age=FRESH)
    assert found.solved
    assert [(p.name, p.version, p.projects) for p in found.packages] == [
        ("python", "3.11.7", ()),
        ("pytorch", "2.5.0", (("torch", "2.5.0"),)),
    ]


def test_what_cannot_be_solved_is_a_failure_with_the_solvers_words(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "conda-forge", CONDA)
    found = solve(question(channel, spec("python", "3.9.*")), cache, max_age=FRESH)
    assert "No candidates were found for python 3.9.*" in found.failure


def test_virtual_packages_are_those_of_the_declared_platform(tmp_path: Path, cache: FactCache) -> None:
    newer = conda_record("needs-glibc", "1.0", depends=["__glibc >=2.30"])
    channel = write_channel(tmp_path / "conda-forge", [newer])
    assert "__glibc" in solve(question(channel, spec("needs-glibc")), cache, max_age=FRESH).failure


@pytest.mark.parametrize("channel", ["http://user:secret@127.0.0.1:9/channel", "file:///nowhere/at/all"])
def test_an_unreachable_channel_leaves_the_declared_specs(channel: str, cache: FactCache) -> None:
    found = solve(question(channel, spec("python", "3.12.*"), spec("setuptools")), cache, max_age=FRESH)
    assert not found.solved
    assert [(p.name, p.version, p.solved) for p in found.packages] == [
        ("python", "3.12.*", False),
        ("setuptools", "", False),
    ]
    (unknown,) = found.unknowns
    assert "could not be read" in unknown.reason
    assert "secret" not in unknown.reason
    assert not unknown.fault


def test_offline_takes_an_old_answer_and_asks_no_channel(cache: FactCache) -> None:
    with Server(channel_routes(CONDA, "/conda-forge")) as server:
        asked = question(f"{server.url}/conda-forge", spec("python", "3.11.*"))
        online = solve(asked, cache, max_age=FRESH)
        assert online.solved
        server.routes.clear()
        seen = len(server.requests)
        assert solve(asked, cache, max_age=None) == online
        other = solve(question(f"{server.url}/conda-forge", spec("numpy")), cache, max_age=None)
        assert not other.solved
        assert len(server.requests) == seen


def test_a_channel_that_answers_garbage_is_not_reached(cache: FactCache) -> None:
    routes = {f"/c/{s}/repodata.json": Response(b"{", content_type="application/json") for s in ("linux-64", "noarch")}
    with Server(routes) as server:
        found = solve(question(f"{server.url}/c", spec("python", "3.11.*")), cache, max_age=FRESH)
    assert not found.solved


@pytest.mark.parametrize(
    ("spec_version", "version", "assumed"),
    [
        ("3.12.*", "3.12", False),
        ("3.12", "3.12", False),
        ("==3.12.4", "3.12.4", False),
        (">=3.10,<3.12", "3.11", True),
        ("3.10.*|3.11.*", "3.11", True),
        ("", "3.14", True),
    ],
)
def test_the_python_of_an_unsolved_spec(spec_version: str, version: str, assumed: bool, cache: FactCache) -> None:
    found = solve(question("file:///nowhere", spec("python", spec_version or "*")), cache, max_age=FRESH)
    python, assumption = python_version(found.packages)
    assert (python, bool(assumption)) == (version, assumed)


@pytest.mark.parametrize(
    ("conda", "pep440"),
    [("24.2.*", "==24.2.*"), (">=2,<3", "<3,>=2"), ("=1.2", "==1.2.*"), ("1.2", "==1.2"), ("1.*|2.*", ""), ("*", "")],
)
def test_conda_specs_as_pep_440(conda: str, pep440: str) -> None:
    assert pypi_specifier(conda) == pep440


def test_an_environment_of_a_group_is_what_its_own_specs_reach(tmp_path: Path, cache: FactCache) -> None:
    channel = write_channel(tmp_path / "conda-forge", CONDA)
    group = solve(question(channel, spec("numpy"), spec("cuda-nvcc")), cache, max_age=FRESH)
    assert [p.name for p in closure(group.packages, ["numpy"])] == ["numpy", "python"]
    assert tools(group.packages) == {"nvcc": "cuda-nvcc 12.6.85"}


def test_a_partial_environment_says_what_it_leaves_unchecked(tmp_path: Path) -> None:
    manifest = """
[workspace]
channels = ["http://127.0.0.1:9/conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
setuptools = "*"

[pypi-dependencies]
plain = "*"

[pypi-options]
no-build-isolation = ["plain"]
"""
    sdist = {"plain-1.0/setup.py": "from setuptools import setup\nsetup(name='plain', version='1.0')\n"}
    with world(tmp_path, sdist) as packages:
        report = packages.diagnose({"pixi.toml": manifest})
    (simulation,) = report.simulations
    assert simulation.resolution.source == "partial"
    assert simulation.outcomes == {"lock": "ok", "install": "ok"}
    assert any(u.subject == "conda channels" for u in report.unknowns)
    assert report.exit_status == 0

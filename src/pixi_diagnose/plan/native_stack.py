"""Versions of the native stack that fit each other, as this environment has them and as a dated table knows them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from packaging.version import InvalidVersion, Version

from ..data import read_table
from ..frontends.model import Build, Simulation
from ..frontends.toolchain import conda_toolchain, with_torch
from ..lazy_dataclass import dataclass

__all__ = ["Stack", "compiled_against", "conda_cuda", "published_wheel", "ready_on_conda", "repository", "stack_of"]

_NEW_ABI_SINCE = Version("2.7")
_WHEELS_FOR = "linux-64"


@dataclass(frozen=True, slots=True)
class Stack:
    """The torch of an environment ("" for none): its version, the CUDA that it was built with, whether conda gives it.

    `cuda` is "" where it is not known, and "none" for a torch without CUDA.
    """

    torch: str = ""
    cuda: str = ""
    conda: bool = False

    @property
    def minor(self) -> str:
        """Its major.minor, which is what compiled extensions are bound to."""
        return ".".join(self.torch.split("+")[0].split(".")[:2])

    @property
    def new_abi(self) -> bool:
        """Whether it has the new C++ ABI: conda-forge's builds do, the index's wheels from 2.7 on."""
        try:
            return self.conda or Version(self.torch) >= _NEW_ABI_SINCE
        except InvalidVersion:
            return True


def stack_of(simulation: Simulation) -> Stack:
    """The stack that an environment has."""
    resolution = simulation.resolution
    torch = resolution.distribution("torch")
    seen = with_torch(conda_toolchain(resolution.conda), resolution.distributions)
    for package in resolution.conda:
        if any(project == "torch" for project, _ in package.projects):
            return Stack(package.version, seen.torch_cuda, conda=True)
    return Stack(torch.version, seen.torch_cuda, torch.kind == "conda") if torch else Stack()


def conda_cuda(torch_minor: str, wanted: str) -> str:
    """The CUDA of conda-forge's PyTorch builds of a version that is nearest to the wanted one, "" where not known."""
    known = _table()["conda-forge"]["pytorch-cuda"].get(torch_minor, [])
    same_major = [c for c in known if c.partition(".")[0] == wanted.partition(".")[0]]
    return str((same_major or known or [""])[0])


def ready_on_conda(project: str) -> bool:
    """Whether conda-forge is known to have a project that would have to be compiled otherwise."""
    return project in _table()["conda-forge"]["projects"]["names"]


def repository(project: str) -> tuple[str, str]:
    """Where a project that an index does not have is developed, and the reference to install: "" where not known."""
    entry: Mapping[str, str] = next((r for r in _table()["repositories"] if r["project"] == project), {})
    return entry.get("url", ""), entry.get("reference", "")


def published_wheel(build: Build, simulation: Simulation) -> str:
    """The URL of the wheel that a build script would fetch for this stack, "" where it names no such place."""
    entry = next((w for w in _table()["wheels"] if w["project"] == build.project), None)
    needs, stack = build.subject.needs, stack_of(simulation)
    platform, python = simulation.environment.platform.subdir, simulation.resolution.python.split(".")
    if entry is None or needs is None or not stack.cuda[:1].isdigit() or platform != _WHEELS_FOR or len(python) < 2:
        return ""
    if not any(d.url.startswith(entry["base"]) for d in needs.downloads):
        return ""
    path: str = entry["path"].format(
        version=build.subject.distribution.version,
        cuda=stack.cuda.partition(".")[0],
        torch=stack.minor,
        abi="TRUE" if stack.new_abi else "FALSE",
        python="".join(python[:2]),
    )
    return str(entry["base"]) + path.replace("+", "%2B")


def compiled_against(project: str) -> bool:
    """Whether other projects are compiled against this one, so that it matters which build of a version it is."""
    return project in _native()


@cache
def _native() -> frozenset[str]:
    return frozenset(name for names in read_table("native_projects").values() for name in names)


@cache
def _table() -> Mapping[str, Any]:
    return read_table("native_stack")

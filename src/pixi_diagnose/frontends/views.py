"""What a build sees, isolated or not: put together the same way for all frontends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..conda import CondaPackage, tools
from ..index.model import Distribution
from ..resolve import Resolution
from .machine import Machine
from .model import BuildSubject, Visible
from .toolchain import conda_toolchain, with_torch

__all__ = ["OWN_REQUIREMENTS", "environment_view", "isolated_view"]

OWN_REQUIREMENTS = "its own build requirements"


def isolated_view(
    subject: BuildSubject, resolution: Resolution, conda: Sequence[CondaPackage], machine: Machine
) -> Visible:
    """A fresh environment with its own build requirements, and the executables that all builds see (pixi.md P5)."""
    from .visibility import own_requirements

    own, later = own_requirements(subject.needs, subject.build_environment, subject.extra_requirements)
    built_with = subject.build_environment.distributions if subject.build_environment else ()
    toolchain = with_torch(replace(conda_toolchain(conda), torch_cuda=""), built_with)
    layers = (OWN_REQUIREMENTS, *(["extra-build-dependencies"] if subject.extra_requirements else []))
    projects = {**own, "python": resolution.python}
    return Visible(projects, _executables(subject, conda, machine), layers, later, toolchain)


def environment_view(
    subject: BuildSubject,
    resolution: Resolution,
    conda: Sequence[CondaPackage],
    installed: Sequence[Distribution],
    machine: Machine,
    layers: Iterable[str],
) -> Visible:
    """The environment as it is: conda's packages, and what was installed from an index before; `layers` in words."""
    chosen = {d.project: d.version for d in resolution.distributions if d.kind == "conda"}
    projects = {project: version or chosen.get(project, "") for p in conda for project, version in p.projects}
    projects |= {d.project: d.version for d in installed} | {"python": resolution.python}
    toolchain = with_torch(conda_toolchain(conda), installed)
    return Visible(projects, _executables(subject, conda, machine), tuple(layers), toolchain=toolchain)


def _executables(subject: BuildSubject, conda: Sequence[CondaPackage], machine: Machine) -> dict[str, str]:
    """The tools that the build needs, as far as PATH has them; the machine is asked for no others."""
    needed = [tool.name for tool in subject.needs.tools] if subject.needs else []
    return {name: by for name in needed if (by := machine.tools.get(name))} | dict(tools(conda))

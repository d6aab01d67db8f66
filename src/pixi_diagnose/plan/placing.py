"""Where in the user's manifest a change belongs: the feature and the target that bring the project in."""

from __future__ import annotations

import re

from ..evidence import KeyPath
from ..frontends.model import Simulation
from ..lazy_dataclass import dataclass
from ..manifest.model import CondaSpec, IsolationEntry, PypiSpec
from .workbench import Workbench

__all__ = ["Home", "chain_to", "conda_bounds", "conda_spec", "home", "option_entry", "pypi_specs"]

_ONE_RELEASE = re.compile(r"==\s*(\d+(?:\.\d+)*)")


@dataclass(frozen=True, slots=True)
class Home:
    """The feature that brings a project in: its root (for options), and the target in it ("" for every platform)."""

    root: KeyPath
    target: str = ""

    def table(self, name: str, *, everywhere: bool = False) -> KeyPath:
        """A table of the feature, for the target where it has one; `everywhere` for all platforms."""
        return (*self.root, name) if everywhere or not self.target else (*self.root, "target", self.target, name)

    def option(self, name: str) -> KeyPath:
        """A key of the feature's pypi-options, which pixi does not take per target (pixi.md P3)."""
        return (*self.root, "pypi-options", name)


def home(bench: Workbench, simulation: Simulation, project: str) -> Home:
    """Where a project is declared; one that others require belongs where the first of them is declared."""
    declared = {s.name: s for s in reversed(simulation.environment.pypi)}
    for name in chain_to(simulation, project):
        if name in declared:
            return _home(bench, declared[name].place.key)
    return Home(bench.root)


def chain_to(simulation: Simulation, project: str) -> tuple[str, ...]:
    """The shortest chain of projects from one that the manifest names to `project`, as far as that is known."""
    parents = {d.project: d.required_by for d in simulation.resolution.distributions}
    declared = {s.name for s in simulation.environment.pypi}
    paths: list[tuple[str, ...]] = [(project,)]
    seen = {project}
    for path in paths:  # grows while it is read: breadth first
        if path[0] in declared:
            return path
        for parent in parents.get(path[0], ()):
            if parent and parent not in seen:
                seen.add(parent)
                paths.append((parent, *path))
    return (project,)


def _home(bench: Workbench, key: KeyPath) -> Home:
    named = tuple(part for part in key if isinstance(part, str))
    if named[:2] == ("project", "optional-dependencies") or named[:1] == ("dependency-groups",):
        # pyproject's extras and groups are features of the same name (P2)
        return Home((*bench.root, "feature", named[2] if named[0] == "project" else named[1]))
    if "pypi-dependencies" not in key:
        return Home(bench.root)
    base = key[: key.index("pypi-dependencies")]
    if "target" in base:
        at = base.index("target")
        return Home(base[:at], str(base[at + 1]))
    return Home(base)


def conda_spec(simulation: Simulation, name: str) -> CondaSpec | None:
    """The manifest's own conda dependency of that name."""
    return next((s for s in simulation.environment.conda if s.name == name), None)


def pypi_specs(simulation: Simulation, project: str) -> list[PypiSpec]:
    """The manifest's own PyPI dependencies on a project."""
    return [s for s in simulation.environment.pypi if s.name == project]


def option_entry(simulation: Simulation, option: str, project: str) -> IsolationEntry | None:
    """A project's entry in one of the lists of pypi-options ("no_build_isolation", "no_build", "no_binary")."""
    value = getattr(simulation.environment.options, option)
    return next((e for e in value if e.name == project), None) if isinstance(value, tuple) else None


def conda_bounds(specifier: str) -> str:
    """A PEP 440 specifier as conda writes it: one release is usually meant with its builds ("23.2.*")."""
    one = _ONE_RELEASE.fullmatch(specifier.strip())
    return f"{one[1]}.*" if one else specifier.replace(" ", "")

"""The entries of a pixi manifest that decide which release of a project it gets."""

from __future__ import annotations

from ..frontends.model import Simulation
from ..manifest.model import PypiSpec
from .changes import Change, Drop, Enlist, Put, Unlist, Why
from .placing import Home, conda_bounds, conda_spec, home, option_entry, pypi_specs
from .workbench import Workbench

__all__ = ["PixiEntries"]


class PixiEntries:
    """See `Entries`: `[pypi-dependencies]`, and `no-build` for a question."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench

    def without_a_build(self, simulation: Simulation, project: str) -> tuple[Change, ...]:
        """See `Entries`."""
        return (Enlist(home(self.bench, simulation, project).option("no-build"), project),)

    def rebounded(self, simulation: Simulation, project: str, specifier: str = "") -> tuple[Change, ...]:
        """See `Entries`."""
        bounded = [s for s in _own(simulation, project) if s.source is None and s.specifier]
        return tuple(Put(self.bench.version_key(s.place.key), specifier or "*") for s in bounded)

    def pinned(self, simulation: Simulation, project: str, version: str, why: Why) -> tuple[Change, ...]:
        """See `Entries`."""
        keys = [self.bench.version_key(s.place.key) for s in _own(simulation, project) if s.source is None]
        keys = keys or [(*home(self.bench, simulation, project).table("pypi-dependencies"), project)]
        return tuple(Put(key, f"=={version}", why.note, why.comment, why.cost, firm=True) for key in keys)

    def addressed(self, simulation: Simulation, project: str, url: str, why: Why) -> tuple[Change, ...]:
        """See `Entries`."""
        at = Home(home(self.bench, simulation, project).root)
        keys = [s.place.key for s in _own(simulation, project)] or [(*at.table("pypi-dependencies"), project)]
        return tuple(Put(key, {"url": url}, why.note, why.comment, why.cost, firm=True) for key in keys)

    def checked_out(
        self, simulation: Simulation, project: str, url: str, reference: str, why: Why
    ) -> tuple[Change, ...]:
        """See `Entries`."""
        value = {"git": url, **({"rev": reference} if reference else {})}
        found = []
        for spec in _own(simulation, project):
            extras = {"extras": list(spec.extras)} if spec.extras else {}
            found.append(Put(spec.place.key, {**value, **extras}, why.note, why.comment, why.cost, firm=True))
        return tuple(found)

    def conda_package(
        self, simulation: Simulation, beside: str, name: str, specifier: str, why: Why
    ) -> tuple[Change, ...]:
        """See `Entries`."""
        key = (*home(self.bench, simulation, beside).table("dependencies"), name)
        return (Put(key, conda_bounds(specifier) if specifier else "*", why.note, why.comment, why.cost, firm=True),)

    def given_up(self, simulation: Simulation, project: str) -> tuple[Change, ...]:
        """See `Entries`. An entry of its own in no-build-isolation goes as well."""
        drops = tuple(Drop(s.place.key, firm=True) for s in _own(simulation, project) if not s.extras)
        entry = option_entry(simulation, "no_build_isolation", project)
        return (*drops, *((Unlist(entry.place.key[:-1], entry.spelled),) if entry else ()))

    def for_python(self, simulation: Simulation, python: str, why: Why) -> tuple[Change, ...]:
        """See `Entries`."""
        spec = conda_spec(simulation, "python")
        if spec is None:
            return ()
        key = self.bench.version_key(spec.place.key)
        return (Put(key, f"{python}.*", why.note, why.comment, why.cost, firm=True),)


def _own(simulation: Simulation, project: str) -> list[PypiSpec]:
    return [s for s in pypi_specs(simulation, project) if "pypi-dependencies" in s.place.key]

"""What a resolution without a solution calls for, where the manifest's own settings or bounds are in the way."""

from __future__ import annotations

from collections.abc import Iterable

from ..frontends.model import Simulation
from ..pins import Dispute
from .changes import Change, Drop, Enlist, Put, Unlist, Why
from .entries import Entries
from .native_stack import repository
from .pixi_entries import PixiEntries
from .placing import conda_bounds, conda_spec, option_entry, pypi_specs
from .workbench import Workbench

__all__ = ["from_repository", "mend_resolution", "unavailable"]


def mend_resolution(bench: Workbench, simulation: Simulation, *, from_index: bool = False) -> Iterable[Change]:
    """The changes for an environment that cannot be resolved, or not on this machine.

    Where conda and PyPI want different versions, conda's is changed; with `from_index` it is left to PyPI alone.
    """
    yield from _platform_of_this_machine(bench, simulation)
    failure = simulation.resolution.failure
    if failure is None:
        return
    if failure.kind == "no-python":
        note = "The environment has PyPI dependencies, and needs a Python to install them into."
        yield Put((*bench.root, "dependencies", "python"), "*", note, "for the PyPI dependencies")
    for project in failure.projects:
        yield from _allow(simulation, project)
        yield from _one_source(simulation, project)
    yield from from_repository(simulation, PixiEntries(bench))
    for dispute in simulation.resolution.disputes:
        yield from _agree(bench, simulation, dispute, from_index=from_index)


def unavailable(simulations: Iterable[Simulation]) -> list[tuple[Simulation, str]]:
    """The projects, each once, of which no index has a file that could be used."""
    found: dict[str, tuple[Simulation, str]] = {}
    for simulation in simulations:
        failure = simulation.resolution.failure
        if failure is not None and failure.kind == "not-found" and failure.projects:
            found.setdefault(failure.projects[0], (simulation, failure.projects[0]))
    return list(found.values())


def from_repository(simulation: Simulation, entries: Entries) -> Iterable[Change]:
    """Take what an index does not have from where its own instructions have it, as far as that is known."""
    failure = simulation.resolution.failure
    for _, project in unavailable([simulation]):
        url, reference = repository(project)
        if url:
            note = f"{project} comes from its repository, as its own instructions say: the index has nothing that fits."
            cost = f"{project} is built on every machine, and {reference or 'the default branch'} may move."
            elsewhere = failure is not None and "cannot be used" in failure.message
            why = Why(note, "not on the index for this platform" if elsewhere else "not on the index", cost)
            yield from entries.checked_out(simulation, project, url, reference, why)


def _platform_of_this_machine(bench: Workbench, simulation: Simulation) -> Iterable[Change]:
    """A workspace without this machine's platform cannot build or install anything here (pixi.md P4)."""
    resolution = simulation.resolution
    needs_host = any(p.phase == "lock" for b in simulation.builds for p in b.phases)
    if resolution.machine and (resolution.foreign or (needs_host and not resolution.host)):
        note = f"{resolution.machine} is this machine's platform: pixi builds and installs for no other one here."
        yield Enlist((*bench.workspace, "platforms"), resolution.machine, note)


def _allow(simulation: Simulation, project: str) -> Iterable[Change]:
    """Take away what forbids the only file that a project has."""
    failure = simulation.resolution.failure
    for option, key, what in (("no_build", "no-build", "built"), ("no_binary", "no-binary", "installed from a wheel")):
        if failure is None or f"{key} forbids" not in failure.message:
            continue
        cost = f"{key} forbade it on purpose, perhaps."
        entry = option_entry(simulation, option, project)
        if entry is not None:
            note = f"{project} has nothing else to offer: it may be {what}."
            yield Unlist(entry.place.key[:-1], entry.spelled, note, cost)
        elif getattr(simulation.environment.options, option) is True:
            place = simulation.environment.options.places[key]
            yield Drop(place.key, f"{project} has nothing else to offer: projects may be {what}.", cost)


def _one_source(simulation: Simulation, project: str) -> Iterable[Change]:
    """Keep one source: pixi takes no path, git or URL for a project that a conda package provides (pixi.md P7)."""
    for package in simulation.resolution.conda:
        if package.place is None or not any(project == given for given, _ in package.projects):
            continue
        if any(s.source is not None for s in pypi_specs(simulation, project)):
            note = f"{project} comes from the source that [pypi-dependencies] names, and not from conda as well."
            yield Drop(package.place.key, note, f"Conda packages that need {package.name} would bring it back.")


def _agree(bench: Workbench, simulation: Simulation, dispute: Dispute, *, from_index: bool) -> Iterable[Change]:
    """Give the manifest's own bound the version that the others want."""
    wanted = ",".join(dict.fromkeys(w.specifier for w in dispute.wishes if w.chain and not w.met))
    own = ",".join(dict.fromkeys(w.specifier for w in dispute.wishes if not w.chain))
    who = next((w.chain[-1] for w in dispute.wishes if w.chain and not w.met), "")
    if dispute.given_by:
        package = dispute.given_by[0]
        spec = conda_spec(simulation, package.name)
        bounds = wanted or own
        if spec is not None and from_index:
            note = f"{who or '[pypi-dependencies]'} wants {dispute.project} {bounds}: it is left to PyPI."
            yield Drop(spec.place.key, note, f"{spec.spelled} {spec.version} no longer comes from conda.", firm=True)
        elif spec is not None and bounds and len(dispute.given_by) == 1:
            note = f"{who or '[pypi-dependencies]'} wants {dispute.project} {bounds}, and what conda gives is final."
            cost = f"{dispute.project} is no longer {spec.version}."
            at = bench.version_key(spec.place.key)
            yield Put(at, conda_bounds(bounds), note, f"{who or dispute.project} wants {bounds}", cost)
        return
    others = ",".join(dict.fromkeys(w.specifier for w in dispute.wishes if w.chain))
    for pypi in pypi_specs(simulation, dispute.project):
        if others and pypi.specifier and pypi.source is None and "pypi-dependencies" in pypi.place.key:
            at = bench.version_key(pypi.place.key)
            note = f"{who} wants {dispute.project} {others}."
            yield Put(at, others, note, f"{who} wants it", f"{dispute.project} is no longer {pypi.specifier}.")

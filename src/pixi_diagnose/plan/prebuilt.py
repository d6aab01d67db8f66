"""Tier 0, prebuilt: no build at all of what fails.

In this order: another release with a wheel that fits, of the same major version if there is one; the wheel that the
project itself publishes elsewhere; the conda package of the same project; another Python, for which there are wheels.
What cannot be asked (a host, a channel) is what such a plan hinges on: it is shown, and not recommended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from packaging.version import InvalidVersion, Version

from ..finding import Plan
from ..frontends.model import Build, Simulation
from ..index.model import Distribution
from ..lazy_dataclass import dataclass
from ..names import conda_names
from ..prose import and_list
from .changes import Change, Why
from .declare import mending
from .entries import Entries
from .failed_builds import builds_isolated
from .install_commands import commands_for
from .native_stack import published_wheel, ready_on_conda
from .pixi_entries import PixiEntries
from .pixi_mending import Route
from .placing import chain_to, pypi_specs
from .resolution_mending import unavailable
from .workbench import Mend, Trial, Workbench, failing, failing_run

__all__ = ["prebuilt", "without_builds"]


@dataclass(frozen=True, slots=True)
class _Offer:
    """A way to do without one build; `hinges_on` is what nobody could ask about it."""

    changes: tuple[Change, ...]
    hinges_on: str = ""


def prebuilt(bench: Workbench) -> Plan:
    """Replace every build that fails for another reason than a mistake in the manifest."""
    return without_builds(bench, _to_replace(bench.before), PixiEntries(bench), mending(bench, Route.CONDA), conda=True)


def without_builds(
    bench: Workbench, wanted: Sequence[tuple[Simulation, Build]], entries: Entries, mend: Mend, *, conda: bool = False
) -> Plan:
    """The plan in which none of these is built; `mend` is for what then fails, `conda` whether conda packages count."""
    absent = unavailable(bench.before)
    if not wanted and not absent:
        at_fault = "nothing that fails has to be replaced: the manifest's settings are at fault"
        return bench.nothing(0, "prebuilt", bench.unresolved or at_fault)
    changes: list[Change] = []
    hinges: list[str] = []
    for simulation, build in wanted:
        offer = next(_offers(bench, simulation, build, entries, conda=conda), None)
        if offer is None:
            return bench.nothing(0, "prebuilt", _none_for(bench, simulation, build, conda=conda))
        changes += offer.changes
        hinges += [offer.hinges_on] if offer.hinges_on else []
    for simulation, project in absent:
        offer = next(_substitutes(bench, simulation, project, entries, conda=conda), None)
        if offer is None:
            return bench.nothing(0, "prebuilt", _no_substitute(bench, simulation, project, conda=conda))
        changes += offer.changes
        hinges += [offer.hinges_on] if offer.hinges_on else []
    trial = bench.compose(mend, changes, " ".join(dict.fromkeys(hinges)))
    return bench.offer(0, "prebuilt", trial, commands_for(bench, trial.changes))


def _to_replace(simulations: Sequence[Simulation]) -> list[tuple[Simulation, Build]]:
    """The failing builds, each project once, that would not simply pass with isolation."""
    found: dict[str, tuple[Simulation, Build]] = {}
    for simulation in simulations:
        for build in failing(simulation):
            run = failing_run(build)
            if run is not None and (build.isolated or not builds_isolated(simulation, build, run)):
                found.setdefault(build.project, (simulation, build))
    return list(found.values())


def _offers(
    bench: Workbench, simulation: Simulation, build: Build, entries: Entries, *, conda: bool
) -> Iterator[_Offer]:
    yield from _another_release(bench, simulation, build, entries)
    yield from _published(bench, simulation, build, entries)
    if conda:
        yield from _conda_package(bench, simulation, build.project, entries)
    yield from _another_python(bench, simulation, build.project, build.subject.distribution.why_built, entries)


def _substitutes(
    bench: Workbench, simulation: Simulation, project: str, entries: Entries, *, conda: bool
) -> Iterator[_Offer]:
    """What does for a project of which the index has no file that could be used."""
    if conda:
        yield from _conda_package(bench, simulation, project, entries)
    failure = simulation.resolution.failure
    yield from _another_python(bench, simulation, project, failure.message if failure else "", entries)


def _another_release(bench: Workbench, simulation: Simulation, build: Build, entries: Entries) -> Iterator[_Offer]:
    """What the resolver takes if it may not build the project: the manifest's own bound is kept if that is possible."""
    project, had = build.project, build.subject.distribution.version
    if build.subject.distribution.never_a_wheel:
        return  # the resolver need not be asked
    forbid = entries.without_a_build(simulation, project)
    near = entries.rebounded(simulation, project, _same_major(had))
    for loose in ((), near, entries.rebounded(simulation, project)) if near else ((),):
        found = _wheel(bench.try_changes((*forbid, *loose)), simulation, project)
        if found is None:
            continue
        direction = "older" if _older(found, build.subject.distribution) else "newer"
        subdir = simulation.environment.platform.subdir
        note = f"{project} {found.version} has a wheel that fits; {had} has to be built."
        cost = f"{project} {found.version} is {direction} than {had}, which the manifest gives now."
        comment = f"has a wheel for {subdir}"
        pinned = entries.pinned(simulation, project, found.version, Why(note, comment, cost))
        if not pinned or not bench.try_changes(pinned).simulations:
            continue
        yield _Offer(pinned)


def _same_major(version: str) -> str:
    """The releases that are least unlike this one, as a specifier; a calendar's year counts as a major version."""
    major = re.match(r"\d+", version)
    return f">={major[0]},<{int(major[0]) + 1}" if major else ""


def _wheel(trial: Trial, before: Simulation, project: str) -> Distribution | None:
    for simulation in trial.simulations:
        if simulation.environment.name == before.environment.name:
            found = simulation.resolution.distribution(project)
            if found is not None and found.kind == "wheel" and not found.built:
                return found
    return None


def _older(one: Distribution, other: Distribution) -> bool:
    try:
        return Version(one.version) < Version(other.version)
    except InvalidVersion:
        return True


def _published(bench: Workbench, simulation: Simulation, build: Build, entries: Entries) -> Iterator[_Offer]:
    """The wheel that the build script would download, as a direct URL."""
    url = published_wheel(build, simulation)
    needs = build.subject.needs
    if not url or needs is None:
        return
    project, version = build.project, build.subject.distribution.version
    place = needs.downloads[0].evidence[0]
    note = f"The project's own wheel of {project} {version} for this torch, CUDA and Python: what {place} would fetch."
    cost = f"{project} is bound to this one file: it has to be changed with torch, CUDA or Python."
    changes = entries.addressed(simulation, project, url, Why(note, "the project's own wheel", cost))
    trial = bench.try_changes(changes)
    unread = next((u for s in trial.simulations if (u := s.resolution.unread(project))), None)
    if unread is not None and "(404)" in unread.reason:
        return  # there is no such file, which is an answer
    if unread is not None:
        yield _Offer(changes, f"Whether this file exists could not be asked: {unread.reason}.")
    elif _wheel(trial, simulation, project) is not None:
        yield _Offer(changes)


def _conda_package(bench: Workbench, simulation: Simulation, project: str, entries: Entries) -> Iterator[_Offer]:
    """The same project from conda, with the torch that it was built for."""
    if bench.partial and not ready_on_conda(project):
        return
    for name in conda_names(project)[:1]:
        asked = next((s.specifier for s in pypi_specs(simulation, project) if s.specifier), "")
        note = f"{name} comes from conda, built for the packages that it comes with."
        comment = f"{project} without a build"
        cost = f"What {name} was compiled against comes from conda as well, in the versions that it was built for."
        put = entries.conda_package(simulation, project, name, asked, Why(note, comment, cost))
        changes = (*put, *entries.given_up(simulation, project))
        trial = bench.try_changes(changes)
        if held := tuple(_as_asked_for(trial, simulation, project, entries)):
            changes = (*changes, *held)
            trial = bench.try_changes(changes)
        if not trial.simulations or any(s.build(project) for s in trial.simulations) or _unsolved(trial):
            continue
        hinge = f"Whether {name} is there for this Python and CUDA could not be asked: no channel was reached."
        yield _Offer(changes, hinge if bench.partial else "")


def _as_asked_for(trial: Trial, simulation: Simulation, beside: str, entries: Entries) -> Iterator[Change]:
    """Hold what a conda package brings with it at the version that the manifest asks for from PyPI."""
    for dispute in (d for s in trial.simulations for d in s.resolution.disputes if len(d.given_by) > 1):
        own = ",".join(dict.fromkeys(w.specifier for w in dispute.wishes if not w.chain))
        if own:
            package = dispute.given_by[-1].name
            note = f"{package} comes with it, as the {dispute.project} {own} that the manifest asks for."
            comment = f"{dispute.project} {own}, as asked for"
            yield from entries.conda_package(simulation, beside, package, own, Why(note, comment))


def _another_python(
    bench: Workbench, simulation: Simulation, project: str, why: str, entries: Entries
) -> Iterator[_Offer]:
    """The newest Python for which a project has wheels, where it has none for the present one."""
    python, now = wheels_for(why), simulation.resolution.python
    if not python or not now or _minor(python) >= _minor(now):
        return
    note = f"{project} has wheels for Python {python}, and none for {'.'.join(now.split('.')[:2])}."
    cost = f"Everything runs on Python {python}, which is older."
    changes = entries.for_python(simulation, python, Why(note, f"{project} has wheels for it", cost))
    trial = bench.try_changes(changes) if changes else None
    if trial is not None and _wheel(trial, simulation, project) is not None:
        yield _Offer(changes)


def wheels_for(why: str) -> str:
    """The newest Python in "its wheels are for cp38–cp310 only": "3.10", "" where it names none."""
    said = re.search(r"wheels are for ([^\n]*) only", why)
    minors = [int(m) for m in re.findall(r"\bcp3(\d+)", said[1])] if said else []
    return f"3.{max(minors)}" if minors else ""


def _minor(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split(".")[:2] if part.isdigit())


def _unsolved(trial: Trial) -> bool:
    return any(s.resolution.conda_failure or s.resolution.failure for s in trial.simulations)


def _none_for(bench: Workbench, simulation: Simulation, build: Build, *, conda: bool) -> str:
    chain = chain_to(simulation, build.project)
    bound = f" that {chain[-2]} accepts" if len(chain) > 1 else ""
    platform = simulation.environment.platform.subdir
    none = f"no release of {build.project}{bound} has a wheel for {platform} and this Python"
    return f"{none}, and {_no_conda_package(bench, build.project)}" if conda else none


def _no_substitute(bench: Workbench, simulation: Simulation, project: str, *, conda: bool) -> str:
    platform = simulation.environment.platform.subdir
    none = f"no index has a file of {project} for {platform} and this Python, and no source of it"
    return f"{none}, and {_no_conda_package(bench, project)}" if conda else none


def _no_conda_package(bench: Workbench, project: str) -> str:
    names = conda_names(project)
    if bench.partial or not names:
        return "no conda package of it is known"
    return f"the channels have no {and_list(names)} that fits"

"""What failures under pip call for: the requirements themselves, and what the command can be told beside its file.

pip reads no file that adds to an isolated build. A file of bounds for builds (`--build-constraint`, pip 25.3) and the
variables that a build script asks for are given with the command (pip 26.0: builds inherit its environment).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from ..frontends.model import Build, BuildPhase, Simulation
from ..rules.iso105_build_runtime_mismatch import mismatches
from .changes import Change, Enlist, Give, NewEnvironment, Told, Why
from .failed_builds import deciding_knobs, knob_cost, last_with, left_out
from .requirement_entries import RequirementEntries
from .uv_mending import UvRoute, uv_mending
from .workbench import Mend, Workbench, failing, failing_run

__all__ = ["pip_mending", "pip_mending_by_command", "switched"]

CONSTRAINTS = "build-constraints.txt"


def pip_mending(bench: Workbench) -> Mend:
    """Of uv's changes those of the requirements themselves, as pip reads no settings of uv; and what it looks at."""
    of_uv = uv_mending(bench, UvRoute.ISOLATED)

    def is_read(change: Change) -> bool:
        if isinstance(change, Told):
            return isinstance(change, NewEnvironment)
        return (change.file or bench.path) in bench.documents and change.key[:2] != ("tool", "uv")

    def mend(simulations: Sequence[Simulation]) -> Iterator[Change]:
        for simulation in simulations:
            for build in failing(simulation):
                yield from _held(bench, simulation, build)
        yield from filter(is_read, of_uv(simulations))

    return mend


def _held(bench: Workbench, simulation: Simulation, build: Build) -> Iterator[Change]:
    """Every release that pip looks at is built: where it takes another one in the end, that one is asked for."""
    project, tried = build.project, build.subject.distribution.version
    chosen = simulation.resolution.distribution(project)
    if chosen is not None and chosen.version and chosen.version != tried and simulation.resolution.failure is None:
        note = f"pip would build {project} {tried} to read its metadata, and then take {chosen.version}."
        comment = f"{tried} does not fit, and pip would build it"
        cost = f"{project} is held at {chosen.version}."
        entries = RequirementEntries(bench)
        yield from entries.pinned(simulation, project, chosen.version, Why(note, comment, cost))


def pip_mending_by_command(bench: Workbench) -> Mend:
    """The same, with what the command is told: bounds for builds, and the build scripts' own switches."""
    by_file = pip_mending(bench)

    def mend(simulations: Sequence[Simulation]) -> Iterator[Change]:
        yield from by_file(simulations)
        for simulation in simulations:
            for build in failing(simulation):
                run = failing_run(build)
                if run is not None and build.isolated:
                    yield from _bounded(bench, build, run)
                    yield from (told := tuple(switched(build, run)))
                    yield from _matched(bench, simulation, build) if told else ()

    return mend


def switched(build: Build, run: BuildPhase) -> Iterator[Give]:
    """The script's own switches on which hangs whether what this run misses is needed."""
    for knob, value in deciding_knobs(build, run):
        note = f"{knob.variable} is the build script's own switch ({knob.evidence[0]})."
        yield Give(knob.variable, value, note, knob_cost(build, knob, value), leaves_out=left_out(build, knob))


def _matched(bench: Workbench, simulation: Simulation, build: Build) -> Iterator[Change]:
    """Have its build get the version that runs it of what it is compiled against, or fetches a wheel for."""
    for project, _, runs in mismatches(simulation, build):
        note = f"{CONSTRAINTS} keeps builds to the {project} {runs} that runs them."
        yield from _constrained(bench, f"{project}=={runs}", note, f"{build.project} is built for it")


def _constrained(bench: Workbench, bound: str, note: str, comment: str) -> Iterator[Change]:
    file = os.path.normpath(PurePath(bench.path).parent / CONSTRAINTS)
    cost = f"Every build of this command is held to {bound}; --build-constraint needs pip 25.3 or later."
    yield Enlist((), bound, note, comment, cost, file=file, firm=True)
    yield Give("PIP_BUILD_CONSTRAINT", CONSTRAINTS, option=f"--build-constraint {CONSTRAINTS}", firm=True)


def _bounded(bench: Workbench, build: Build, run: BuildPhase) -> Iterator[Change]:
    """An API that is gone: its owner in an older version for all builds."""
    for removed in (m for m in run.missing if m.kind == "removed"):
        bound = last_with(build, removed)
        if bound:
            note = f"{build.project} uses {removed.name}, which {removed.late} no longer has: {CONSTRAINTS} bounds it."
            yield from _constrained(bench, bound, note, f"{build.project} uses {removed.name}")

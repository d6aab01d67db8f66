"""The tiers for an environment.yml: conda's packages first, then pip's section, which conda has pip install.

conda writes the section to a file and runs `pip install -U -r FILE` in the activated environment, with the variables of
its own command; those under `variables:` are set after that (conda 26.7: conda/env/installers/pip.py, cli/install.py).
A requirements file takes no --no-build-isolation, in this section no more than elsewhere (pip 26.0), but pip reads
PIP_NO_BUILD_ISOLATION, which turns isolation off where it is false. Builds then see conda's packages, none of pip's.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from ..finding import Plan
from ..frontends.model import Build, Missing, Simulation
from ..frontends.visibility import compiles_through_torch
from ..names import conda_names
from .changes import Change, Enlist, Give, Unlist, Why
from .failed_builds import bounded, last_with, not_by_settings, replaceable
from .install_commands import commands_for, install_commands, install_file, prefix_of
from .native_stack import conda_cuda, stack_of
from .pip_mending import pip_mending
from .placing import chain_to, conda_spec, pypi_specs
from .prebuilt import without_builds
from .requirement_entries import RequirementEntries, lines_of
from .resolution_mending import from_repository, unavailable
from .steps import Steps, left_by
from .two_steps import OF_INDEXES
from .workbench import Mend, Trial, Workbench, failing, failing_run

__all__ = ["hybrid_in_environment", "prebuilt_in_environment", "staged_in_environment"]

LAST_FILE = "requirements-last.txt"
NOT_ISOLATED = Give(
    "PIP_NO_BUILD_ISOLATION",
    "false",
    "PIP_NO_BUILD_ISOLATION=false turns build isolation off: pip takes the variable the other way round.",
    "pip builds everything in the section without isolation: nobody checks declared build requirements.",
    firm=True,
)

_CHOICE = {"torch": ": one for CUDA where conda finds an NVIDIA driver, else one for the CPU"}
CONDA_IS_SEEN = "What builds import comes from conda: pip's builds see that, and nothing of their own section."


def prebuilt_in_environment(bench: Workbench) -> Plan:
    """Tier 0: other releases, the wheels that projects publish themselves, and conda packages."""
    return without_builds(bench, replaceable(bench.before), RequirementEntries(bench), pip_mending(bench), conda=True)


def hybrid_in_environment(bench: Workbench) -> Plan:
    """Tier 2: what builds import, and nvcc, from conda, and pip without isolation."""
    if not not_by_settings(bench.before) and not unavailable(bench.before):
        return bench.nothing(2, "hybrid", bench.unresolved or "no build fails for want of what conda could give")
    trial = bench.compose(_from_conda(bench), [NOT_ISOLATED])
    return bench.offer(2, "hybrid", trial, commands_for(bench, trial.changes))


def _from_conda(bench: Workbench) -> Mend:
    entries = RequirementEntries(bench)

    def mend(simulations: Sequence[Simulation]) -> Iterable[Change]:
        for simulation in simulations:
            yield from from_repository(simulation, entries)
            for build in failing(simulation):
                run = failing_run(build)
                for missing in run.missing if run is not None else ():
                    yield from _given_by_conda(simulation, build, missing, entries)

    return mend


def _given_by_conda(
    simulation: Simulation, build: Build, missing: Missing, entries: RequirementEntries
) -> Iterator[Change]:
    """A conda package for what a build misses; the section no longer asks pip for the same."""
    who = build.project
    if missing.kind == "tool" and missing.name == "nvcc":
        through_torch = build.subject.needs is not None and compiles_through_torch(build.subject.needs)
        package = "cuda-toolkit" if through_torch else "cuda-nvcc"
        note = f"{package} gives {'nvcc and the CUDA headers that torch includes' if through_torch else 'nvcc'}."
        why = Why(note, f"nvcc for the build of {who}")
        yield from entries.conda_package(simulation, who, package, _cuda(simulation) if through_torch else "", why)
    elif missing.kind == "removed" and (bound := last_with(build, missing)):
        project = missing.late.partition(" ")[0]
        why = Why(f"{who} uses {missing.name}, which {missing.late} no longer has.", f"{who} uses {missing.name}")
        yield from entries.conda_package(simulation, who, project, bound.removeprefix(project), why)
    elif missing.kind == "import" and missing.projects and not missing.in_tree:
        yield from _imported(simulation, build, missing.projects[0], entries)


def _imported(simulation: Simulation, build: Build, project: str, entries: RequirementEntries) -> Iterator[Change]:
    """The conda package of a project: in the version that the section asks for, where it asks for one."""
    names = conda_names(project)
    if not names or conda_spec(simulation, names[0]) is not None:
        return
    asked = any(s.specifier for s in pypi_specs(simulation, project))
    chosen = simulation.resolution.distribution(project)
    version = f"=={chosen.version.split('+')[0]}" if asked and chosen is not None else ""
    bounds = version or bounded(build, project).removeprefix(project)
    given_up = entries.given_up(simulation, project)
    moved = f"{project} {chosen.version} is conda's build{_CHOICE.get(project, '')}." if given_up and chosen else ""
    why = Why(CONDA_IS_SEEN, f"imported by the build of {build.project}", moved)
    yield from entries.conda_package(simulation, build.project, names[0], bounds, why)
    yield from given_up


def _cuda(simulation: Simulation) -> str:
    """The bounds of the CUDA for which conda's build of this environment's torch is made, "" where nobody says."""
    stack = stack_of(simulation)
    has = stack.cuda if stack.cuda[:1].isdigit() else ""
    version = has if stack.conda else (conda_cuda(stack.minor, has) if stack.minor else "") or has
    return f"=={version}" if version else ""


def staged_in_environment(bench: Workbench) -> Plan:
    """Tier 3: the environment without what cannot be built isolated, and then that, with pip, not isolated."""
    if len(bench.before) > 1:
        return bench.nothing(3, "staged", "each platform needs steps of its own: name one with --platform")
    (simulation,) = bench.before
    if simulation.resolution.failure is not None:
        return bench.nothing(3, "staged", bench.unresolved)
    found = _EnvironmentSteps(bench, simulation).plan()
    return bench.nothing(3, "staged", found) if isinstance(found, str) else found


class _EnvironmentSteps(Steps):
    """An environment.yml without some lines of its pip section, and a file of these for pip."""

    def __init__(self, bench: Workbench, simulation: Simulation) -> None:
        self.section = lines_of(bench) or ()
        self.file = str(PurePath(bench.path).parent / LAST_FILE)
        self.entries = RequirementEntries(bench)
        self.moved: dict[str, str] = {}
        self.kept: frozenset[str] = frozenset()
        super().__init__(bench, simulation)

    def plan(self) -> Plan | str:
        """The plan, or why there is none."""
        for project in dict.fromkeys(chain_to(self.simulation, b.project)[0] for b in self._failing()):
            own = [s for s in pypi_specs(self.simulation, project) if s.place.key[:-1] == self.section]
            if not own:
                return f"{project} stands in no line of the pip section that could be moved"
            self.moved |= {str(self.bench.document.value_at(s.place.key)): project for s in own}
        if not self.moved:
            return "no build fails for want of something that could be installed before"
        before = self._first_step()
        if isinstance(before, str):
            return f"without {LAST_FILE}'s lines: {before}"
        self.kept = frozenset(left_by(before))
        self.builds = self._builds([self.simulation])
        if reason := self._prepare(left_by(before)):
            return reason
        prefix = prefix_of(self.bench)
        create = install_commands(self.bench, self.simulation)
        told = " ".join(f"{g.variable}={shlex.quote(g.value)}" for g in self.told)
        pip = f"python -m {install_file(self.simulation, LAST_FILE, ['--no-build-isolation'])}"
        second = " ".join(filter(None, (told, f"conda run {prefix}", pip)))
        names = list(dict.fromkeys(self.moved.values()))
        note = f"{LAST_FILE} holds what is built in the environment that conda has made: {', '.join(names)}."
        trial = Trial(self._changes(), self._texts(), before, hinges_on=" ".join(self.doubted.values()))
        return self._offer(trial, (*create, second), [note])

    def _failing(self) -> list[Build]:
        return [b for _, b in not_by_settings([self.simulation])]

    def _builds(self, simulations: Sequence[Simulation]) -> list[Build]:
        """What the first step does not leave: pip builds all of it without isolation."""
        return [b for s in simulations for b in s.builds if b.project not in self.kept and not b.needed_for]

    def _changes(self) -> tuple[Change, ...]:
        lines = [str(line) for line in self.bench.document.value_at(self.section, ())]
        changes: list[Change] = [Unlist(self.section, line) for line in self.moved]
        changes += [Enlist((), line, file=self.file, firm=True) for line in lines if OF_INDEXES.match(line)]
        changes += [Enlist((), line, file=self.file, firm=True) for line in self.moved]
        for project, line in self.lines.items():
            changes.append(Enlist(self.section, line, "", self._comment(project), firm=True))
        return tuple(changes)

    def _texts(self) -> dict[str, str]:
        edits = self.bench.edits(self._changes())
        return {file: self.bench.document_of(file).apply(made) for file, made in edits.items()}

    def _first_step(self) -> tuple[Simulation, ...] | str:
        return self.bench.simulated({self.bench.path: self._texts()[self.bench.path]})

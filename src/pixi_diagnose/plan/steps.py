"""Installing in two steps: what builds import comes first, and what is built with it after that, not isolated.

What the second step builds is judged by what the first one left. A build that imports what lies beside its setup.py
gets that folder by PYTHONPATH, which pip replaces in isolated builds only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..finding import Plan
from ..frontends.model import Build, BuildPhase, BuildSubject, Simulation, Visible
from ..frontends.toolchain import conda_toolchain, with_torch
from ..frontends.visibility import judge
from ..outcome import Outcome
from ..prose import and_list
from .changes import Give
from .failed_builds import bounded, last_with
from .pip_mending import switched
from .workbench import Trial, Workbench, doubt, failing_run, left_out_by

__all__ = ["COST", "Steps"]

COST = "There are two commands to run, in this order, and again in this order after a change of versions."


class Steps(ABC):
    """The two steps of one environment. `lines` is what builds need before, by project, `because` who needs it."""

    def __init__(self, bench: Workbench, simulation: Simulation) -> None:
        self.bench = bench
        self.simulation = simulation
        self.builds = self._builds([simulation])
        self.from_beside = False
        self.told: list[Give] = []
        self.doubted: dict[str, str] = {}
        self.lines: dict[str, str] = {}
        self.because: dict[str, list[str]] = {}

    @abstractmethod
    def _builds(self, simulations: Sequence[Simulation]) -> list[Build]:
        """Those that the second command builds without isolation."""

    @abstractmethod
    def _first_step(self) -> tuple[Simulation, ...] | str:
        """The simulation of the first step with these lines, or why it fails."""

    def _prepare(self, installed: Mapping[str, str]) -> str:
        """Have builds pass in the end that begin in an environment that holds this: why they cannot, else ""."""
        seen = installed
        while lacking := list(self._lacking(seen)):
            stuck = [(b, run, reason) for b, run in lacking if (reason := self._add(b, run))]
            if stuck and self._switch([(b, run) for b, run, _ in stuck]):
                continue
            if failed := next((reason for _, run, reason in stuck if run.outcome is not Outcome.AT_RISK), ""):
                return f"{failed}; nothing that is installed before mends that"
            self.doubted |= {b.project: doubt(b, run) for b, run, _ in stuck}
            if len(stuck) == len(lacking):
                break
            before = self._first_step()
            if isinstance(before, str):
                return f"what the build imports cannot be installed before it: {before}"
            seen = left_by(before)
        return ""

    def _lacking(self, installed: Mapping[str, str]) -> Iterator[tuple[Build, BuildPhase]]:
        """The builds that do not pass in an environment that holds this, but for those that nobody can tell of."""
        for build in self.builds:
            run = self._run(build, installed)
            if run.outcome is not Outcome.OK and not (build.project in self.doubted and run.outcome is Outcome.AT_RISK):
                yield build, run

    def _run(self, build: Build, installed: Mapping[str, str]) -> BuildPhase:
        """The build without isolation, in an environment that holds this."""
        resolution = self.simulation.resolution
        there = {"pip": self.simulation.frontend_version} if self.simulation.frontend == "pip" else {}
        run = failing_run(build) or build.phases[-1]
        tools = run.visible.tools if run.visible else {}
        chosen = [d for d in resolution.distributions if installed.get(d.project) == d.version]
        projects = {**there, **installed, "python": resolution.python}
        seen = Visible(projects, tools, toolchain=with_torch(conda_toolchain(resolution.conda), chosen))
        return judge(
            "install", _importing_beside(build.subject) if self.from_beside else build.subject, seen, isolated=False
        )

    def _add(self, build: Build, run: BuildPhase) -> str:
        """Put what a build misses among what is installed before: why not, "" where all of it can be."""
        for missing in run.missing:
            if missing.in_tree:
                self.from_beside = True
                continue
            project = missing.projects[0] if missing.projects else missing.late.partition(" ")[0]
            bound = last_with(build, missing) if missing.kind == "removed" else ""
            importable = missing.kind == "import" and bool(missing.projects)
            if not (bound or importable) or (bound and self.lines.get(project) == bound):
                return f"{build.project} misses {missing.name} without isolation, too"
            self.lines[project] = bound or self.lines.get(project) or self._line(build, project)
            self.because.setdefault(project, []).append(build.project)
        return "" if run.missing else f"{build.project}, without isolation: {run.reason}"

    def _switch(self, stuck: Sequence[tuple[Build, BuildPhase]]) -> bool:
        """Have the command give a script's own switch; whether there is one that was not given yet."""
        told = {g.variable for g in self.told}
        new = next((g for build, run in stuck for g in switched(build, run) if g.variable not in told), None)
        if new is not None:
            self.told.append(new)
            self.builds = self._builds(self._with_switches() or [self.simulation])
        return new is not None

    def _with_switches(self) -> Sequence[Simulation]:
        """The simulation of all at once, with what the command is told."""
        return self.bench.try_changes(self.told).simulations

    def _line(self, build: Build, project: str) -> str:
        """The release that the resolution has; else within the bounds that the build names."""
        chosen = self.simulation.resolution.distribution(project)
        return f"{project}=={chosen.version}" if chosen is not None else bounded(build, project)

    def _comment(self, project: str) -> str:
        who = list(dict.fromkeys(self.because[project]))
        return f"{and_list(who)} {'is' if len(who) == 1 else 'are'} built with it"

    def _offer(self, trial: Trial, commands: Sequence[str], notes: Sequence[str]) -> Plan:
        """The plan: the second command and those behind it let builds import what lies beside their setup.py."""
        beside = "PYTHONPATH=. lets a build import what lies beside its setup.py." if self.from_beside else ""
        if self.from_beside:
            commands = (commands[0], *(f"PYTHONPATH=. {command}" for command in commands[1:]))
        plan = self.bench.offer(3, "staged", trial, commands, [*notes, beside, *(g.note for g in self.told)])
        costs = (*plan.trade_offs, COST, *(g.cost for g in self.told))
        return replace(plan, trade_offs=tuple(filter(None, costs)), leaves_out=left_out_by(self.told))


def left_by(simulations: Sequence[Simulation]) -> dict[str, str]:
    """The projects, with versions, that these leave in the environment: pip's and conda's."""
    found = {d.project: d.version for s in simulations for d in s.resolution.distributions}
    return {project: v for s in simulations for p in s.resolution.conda for project, v in p.projects} | found


def _importing_beside(subject: BuildSubject) -> BuildSubject:
    """The same build where the folder of its sources is on the module path."""
    needs = subject.needs
    if needs is None:
        return subject
    return replace(subject, needs=replace(needs, imports=tuple(n for n in needs.imports if not n.in_tree)))

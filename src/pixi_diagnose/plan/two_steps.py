"""Tier 3, staged, for requirements files: what the builds import is installed first, the file after it, not isolated.

The file stays as it is; a second one holds what is installed before, in the versions of the same resolution, so that
the second command finds what it would choose. The first step is simulated like any other requirements file; what the
second one builds is judged by what the first one left (pip has no way to name single projects: it builds all of them
without isolation; uv takes names). A build that imports what lies beside its setup.py gets that folder by PYTHONPATH,
which pip replaces in isolated builds only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from ..finding import Plan
from ..frontends.model import Build, BuildPhase, BuildSubject, Simulation, Toolchain, Visible
from ..frontends.toolchain import with_torch
from ..frontends.visibility import judge
from ..outcome import Outcome
from ..prose import and_list
from .changes import Change, Enlist, Give
from .failed_builds import bounded, last_with, replaceable
from .install_commands import install_commands, install_file
from .pip_mending import switched
from .uv_mending import isolation_is_given
from .workbench import Trial, Workbench, doubt, failing, failing_run

__all__ = ["staged_by_uv", "staged_in_two_steps"]

BUILD_FILE = "requirements-build.txt"
_OF_INDEXES = re.compile(r"(?:--index-url|-i|--extra-index-url|--find-links|-f|--no-index|--trusted-host)\b")


def staged_in_two_steps(bench: Workbench) -> Plan:
    """Install what the builds import, and then the manifest without isolation."""
    several = "each platform needs steps of its own: name one with --platform"
    found = several if len(bench.before) > 1 else _Steps(bench, bench.before[0]).plan()
    return bench.nothing(3, "staged", found) if isinstance(found, str) else found


def staged_by_uv(bench: Workbench) -> Plan:
    """None: uv orders its installation itself (U3), and reads in its settings what that needs."""
    unknown = [b.asked_for for s in bench.before for b in failing(s) if not _is_known(s, b)]
    reason = (
        "one uv sync does what steps would: it installs what is not isolated after all others, and metadata that is "
        "stated spares a build while locking"
    )
    if unknown:
        reason = (
            f"what {unknown[0]} requires is known only after a build, so that it cannot be stated; whether uv lock can "
            "build it in an environment that was filled before is not simulated"
        )
    return bench.nothing(3, "staged", bench.unresolved or reason)


def _is_known(simulation: Simulation, build: Build) -> bool:
    """Whether the metadata of what fails, or of what it is built for, can be stated in its place."""
    asking = simulation.build(build.asked_for) or build
    metadata = asking.subject.distribution.metadata
    return metadata is not None and not metadata.unknowns


class _Steps:
    """The two steps of one environment."""

    def __init__(self, bench: Workbench, simulation: Simulation) -> None:
        self.bench = bench
        self.simulation = simulation
        self.file = os.path.normpath(PurePath(bench.path).parent / BUILD_FILE)
        self.all_off = simulation.frontend == "pip" or isolation_is_given(simulation)
        self.builds = self._builds([simulation])
        self.from_beside = False
        self.told: list[Give] = []
        self.doubted: dict[str, str] = {}
        self.lines: dict[str, str] = {}
        self.because: dict[str, list[str]] = {}

    def plan(self) -> Plan | str:
        """The plan, or why there is none."""
        failure = self.simulation.resolution.failure
        if PurePath(self.bench.path).suffix not in {".txt", ".in"}:
            return "what would be installed before is simulated for requirements files only"
        if failure is not None:
            return self.bench.unresolved
        seen: Mapping[str, str] = {}
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
            seen = {d.project: d.version for s in before for d in s.resolution.distributions}
        return self._offer() if self.lines else "no build fails for want of something that could be installed before"

    def _lacking(self, installed: Mapping[str, str]) -> Iterator[tuple[Build, BuildPhase]]:
        """The builds that do not pass in an environment that holds this, but for those that nobody can tell of."""
        for build in self.builds:
            run = self._run(build, installed)
            if run.outcome is not Outcome.OK and not (build.project in self.doubted and run.outcome is Outcome.AT_RISK):
                yield build, run

    def _run(self, build: Build, installed: Mapping[str, str]) -> BuildPhase:
        """The build without isolation, in an environment that holds this."""
        there = {"pip": self.simulation.frontend_version} if self.simulation.frontend == "pip" else {}
        run = failing_run(build) or build.phases[-1]
        tools = run.visible.tools if run.visible else {}
        chosen = [d for d in self.simulation.resolution.distributions if installed.get(d.project) == d.version]
        projects = {**there, **installed, "python": self.simulation.resolution.python}
        seen = Visible(projects, tools, toolchain=with_torch(Toolchain(), chosen))
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
            self.builds = self._builds(self.bench.try_changes(self.told).simulations or [self.simulation])
        return new is not None

    def _builds(self, simulations: Sequence[Simulation]) -> list[Build]:
        """Those that the second command builds without isolation."""
        named = {b.project for _, b in replaceable([self.simulation])}
        return [b for s in simulations for b in s.builds if self.all_off or b.project in named]

    def _line(self, build: Build, project: str) -> str:
        """The release that the resolution has; else within the bounds that the build names."""
        chosen = self.simulation.resolution.distribution(project)
        return f"{project}=={chosen.version}" if chosen is not None else bounded(build, project)

    def _changes(self) -> Iterator[Change]:
        """The lines of the second file: the indexes of the first one, then what is installed before."""
        document = self.bench.document
        lines = (str(document.value_at((n,), "")) for n in range(1, document.text.count("\n") + 2))
        for line in filter(_OF_INDEXES.match, lines):
            yield Enlist((), line, file=self.file, firm=True)
        for project, line in self.lines.items():
            who = list(dict.fromkeys(self.because[project]))
            comment = f"{and_list(who)} {'is' if len(who) == 1 else 'are'} built with it"
            yield Enlist((), line, "", comment, file=self.file, firm=True)

    def _text(self) -> str:
        return self.bench.document_of(self.file).apply(self.bench.edits(self._changes())[self.file])

    def _first_step(self) -> tuple[Simulation, ...] | str:
        """The simulation of the second file alone, or why it fails."""
        return self.bench.simulated({self.bench.path: self._text()}, isolated=True)

    def _offer(self) -> Plan:
        texts = {self.bench.path: self.bench.document.text, self.file: self._text()}
        names = dict.fromkeys(b.project for b in self.builds)
        options: Sequence[str] = ["--no-build-isolation"]
        if not self.all_off:
            options = [word for p in names for word in ("--no-build-isolation-package", p)]
        second = install_commands(self.bench, self.simulation, options, self.told)
        commands = (install_file(self.simulation, BUILD_FILE), *second)
        if self.from_beside:
            commands = (commands[0], *(f"PYTHONPATH=. {command}" for command in commands[1:]))
        one, who = len(names) == 1, and_list(names)
        note = f"{BUILD_FILE} holds what {who} import{'s' if one else ''} while {'it is' if one else 'they are'} built."
        beside = "PYTHONPATH=. lets a build import what lies beside its setup.py." if self.from_beside else ""
        cost = "There are two commands to run, in this order, and again in this order after a change of versions."
        trial = Trial(tuple(self._changes()), texts, self.bench.before, hinges_on=" ".join(self.doubted.values()))
        plan = self.bench.offer(3, "staged", trial, commands, [note, beside, *(g.note for g in self.told)])
        return replace(plan, trade_offs=(*plan.trade_offs, cost, *(g.cost for g in self.told)))


def _importing_beside(subject: BuildSubject) -> BuildSubject:
    """The same build where the folder of its sources is on the module path."""
    needs = subject.needs
    if needs is None:
        return subject
    return replace(subject, needs=replace(needs, imports=tuple(n for n in needs.imports if not n.in_tree)))

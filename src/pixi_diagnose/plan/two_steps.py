"""Tier 3, staged, for requirements files: what the builds import is installed first, the file after it, not isolated.

The file stays as it is (but for what an index does not have, and its repository does); a second one holds what is
installed before, in the versions of the same resolution, so that the second command finds what it would choose. The
first step is simulated like any other requirements file. pip has no way to name single projects: it builds all of them
without isolation; uv takes names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from ..finding import Plan
from ..frontends.model import Build, Simulation
from ..prose import and_list
from .changes import Change, Enlist, distinct
from .failed_builds import not_by_settings
from .install_commands import install_commands, install_file
from .naming import named_lines
from .requirement_entries import RequirementEntries
from .resolution_mending import from_repository
from .steps import Steps
from .uv_mending import isolation_is_given
from .workbench import Trial, Workbench, failing, failing_run

__all__ = ["OF_INDEXES", "staged_by_uv", "staged_in_two_steps"]

BUILD_FILE = "requirements-build.txt"
BY_NAME = "no-build-isolation-package"
OF_INDEXES = re.compile(r"(?:--index-url|-i|--extra-index-url|--find-links|-f|--no-index|--trusted-host)\b")
"""Lines that say where pip finds things."""


def staged_in_two_steps(bench: Workbench) -> Plan:
    """Install what the builds import, and then the manifest without isolation."""
    found = _reason(bench) or _planned(bench)
    return bench.nothing(3, "staged", found) if isinstance(found, str) else found


def _reason(bench: Workbench) -> str:
    """Why steps are not even tried, else ""."""
    if len(bench.before) > 1:
        return "each platform needs steps of its own: name one with --platform"
    if PurePath(bench.path).suffix not in {".txt", ".in"}:
        return "what would be installed before is simulated for requirements files only"
    return ""


def _planned(bench: Workbench) -> Plan | str:
    (simulation,) = bench.before
    start = tuple(from_repository(simulation, RequirementEntries(bench)))
    after = bench.try_changes(start).simulations if start else ()
    simulation = after[0] if after else simulation
    if simulation.resolution.failure is not None:
        return bench.unresolved
    unread = next((p.unread for p in simulation.resolution.local if p.unread is not None), None) if start else None
    if unread is not None:
        return f"what {unread.subject} needs could not be read, so that nobody knows what has to come before it"
    all_off = isolation_is_given(simulation)
    asked = () if all_off else dict.fromkeys(b.asked_for for b in failing(simulation))
    named = distinct(c for p in asked for c in named_lines(bench, simulation, p, (BY_NAME,)))
    return _FileSteps(bench, simulation, (*start, *named)).plan()


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
    runs = [(b, run) for s in bench.before for b in failing(s) if (run := failing_run(b)) is not None]
    tool = next((f"{b.project} misses {m.name}" for b, run in runs for m in run.missing if m.kind == "tool"), "")
    if tool:
        reason = f"{tool}, which no step of uv would give it"
    return bench.nothing(3, "staged", bench.unresolved or reason)


def _is_known(simulation: Simulation, build: Build) -> bool:
    """Whether the metadata of what fails, or of what it is built for, can be stated in its place."""
    asking = simulation.build(build.asked_for) or build
    metadata = asking.subject.distribution.metadata
    return metadata is not None and not metadata.unknowns


class _FileSteps(Steps):
    """A file of what builds import, and then the user's own, as it is after the changes of `start`."""

    def __init__(self, bench: Workbench, simulation: Simulation, start: tuple[Change, ...]) -> None:
        self.start = start
        self.file = os.path.normpath(PurePath(bench.path).parent / BUILD_FILE)
        self.all_off = simulation.frontend == "pip" or isolation_is_given(simulation)
        super().__init__(bench, simulation)

    def plan(self) -> Plan | str:
        """The plan, or why there is none."""
        if reason := self._prepare({}):
            return reason
        if not self.lines:
            return "no build fails for want of something that could be installed before"
        names = dict.fromkeys(b.project for b in self.builds)
        options: Sequence[str] = ["--no-build-isolation"]
        if not self.all_off:
            options = [word for p in names for word in (f"--{BY_NAME}", p)]
        second = install_commands(self.bench, self.simulation, options, self.told)
        one, who = len(names) == 1, and_list(names)
        note = f"{BUILD_FILE} holds what {who} import{'s' if one else ''} while {'it is' if one else 'they are'} built."
        trial = Trial(self._changes(), self._texts(), self.bench.before, hinges_on=" ".join(self.doubted.values()))
        return self._offer(trial, (install_file(self.simulation, BUILD_FILE), *second), [note])

    def _builds(self, simulations: Sequence[Simulation]) -> list[Build]:
        named = {b.project for _, b in not_by_settings([self.simulation])}
        return [b for s in simulations for b in s.builds if self.all_off or b.project in named]

    def _with_switches(self) -> Sequence[Simulation]:
        return self.bench.try_changes([*self.start, *self.told]).simulations

    def _changes(self) -> tuple[Change, ...]:
        return (*self.start, *self._before())

    def _before(self) -> Iterator[Change]:
        """The lines of the second file: the indexes of the first one, then what is installed before."""
        document = self.bench.document
        lines = (str(document.value_at((n,), "")) for n in range(1, document.text.count("\n") + 2))
        for line in filter(OF_INDEXES.match, lines):
            yield Enlist((), line, file=self.file, firm=True)
        for project, line in self.lines.items():
            yield Enlist((), line, "", self._comment(project), file=self.file, firm=True)

    def _texts(self) -> dict[str, str]:
        edits = self.bench.edits(self._changes())
        return {file: self.bench.document_of(file).apply(made) for file, made in edits.items()}

    def _first_step(self) -> tuple[Simulation, ...] | str:
        """The second file alone."""
        return self.bench.simulated({self.bench.path: self._texts()[self.file]}, isolated=True)

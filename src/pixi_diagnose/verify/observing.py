"""The hooks, one after the other, each tried again with what it missed, until they pass or nothing more can be done."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path
from typing import Any, BinaryIO

from build import BuildBackendException, BuildException, ProjectBuilder
from packaging.requirements import InvalidRequirement, Requirement
from pyproject_hooks import BackendUnavailable

from ..build_needs.model import BuildTarget, Phase, Strength
from ..build_needs.tables import program_tool, removed_api, standard_library
from ..errors import ArchiveError, ResolverError
from ..evidence import Evidence
from ..index.session import IndexSession
from ..inspection import Inspection
from ..lazy_dataclass import dataclass
from ..names import candidates
from .comparison import compare
from .model import ObservedBuild, ObservedImport, ObservedProgram, Plan, StopKind, Stopped, Verification
from .throwaway import HookFailedError, OutOfTimeError, Throwaway, last_line

__all__ = ["plan_verification", "verify_source"]

ROUNDS = 8
"""Things that may be put in, over all hooks, before it is given up."""
GET_REQUIRES, PREPARE, WHEEL = (
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_wheel",
    "build_wheel",
)
SDIST_CAP = 512 << 20
_NO_MODULE = re.compile(r"No module named '?([\w.]+)'?")
_NO_NAME = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
_NO_PROJECT = re.compile(r"The '([\w.-]+)[^']*' distribution was not found|No package metadata was found for ([\w.-]+)")
"""How pkg_resources and importlib.metadata say that a project is not installed."""
_PROGRAM_FAILED = re.compile(
    r"[Cc]ommand '.*(?:returned non-zero exit status|failed|died with)|No such file or directory: '"
)
"""How subprocess and distutils say that a program failed, or is not there: no module is missing then."""


def plan_verification(
    what: str, inspection: Inspection, target: BuildTarget, *, seconds: float, wheel: bool, install_heavy: bool
) -> Plan:
    """What `verify_source` is going to run."""
    system = inspection.needs.build_system
    hooks = (GET_REQUIRES, PREPARE, WHEEL) if wheel else (GET_REQUIRES, PREPARE)
    python = ".".join(map(str, target.python))
    return Plan(what, system.backend, system.requires, hooks, python, seconds, install_heavy)


def verify_source(
    plan: Plan,
    inspection: Inspection,
    target: BuildTarget,
    session: IndexSession,
    progress: Callable[[str], None] = lambda _: None,
) -> Verification:
    """Run the plan's hooks over the sources that were inspected, and compare. This runs the package's own code.

    Raises ArchiveError or IndexAccessError where the sources cannot be had, ResolverError where the declared
    requirements cannot be installed. Time that runs out, and hooks that fail, are part of the answer.
    """
    with Throwaway(plan.seconds, install_heavy=plan.install_heavy) as place:
        progress("unpacking the sources")
        _fill(place, inspection, session)
        run = _Run(place, inspection, target, progress)
        for hook in plan.hooks:
            if run.stopped is None:
                run.attempt(hook)
        observed = run.observed()
    needs = inspection.needs
    return Verification(plan, needs, observed, compare(needs, observed, plan, target))


def _fill(place: Throwaway, inspection: Inspection, session: IndexSession) -> None:
    source = inspection.source
    path = Path(source.location)
    if source.kind == "directory":
        place.copy(path)
        return
    if not path.is_file():
        path = place.root / (source.location.partition("#")[0].rpartition("/")[2] or "sdist")
        found = session.client.read(source.location, lambda stream: _save(stream, path), cap=SDIST_CAP)
        if source.sha256 and found != source.sha256:
            raise ArchiveError(f"{source.location} is not what was inspected", location=source.location)
    place.unpack(path, source.location)


def _save(stream: BinaryIO, path: Path) -> str:
    """Write a stream to a file, anew for each attempt at it, and give its sha256."""
    digest = hashlib.sha256()
    with path.open("wb") as out:
        while chunk := stream.read(1 << 16):
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Miss:
    """A module that was not there; `direct` where the project's own code asked for it, and nothing on its behalf.

    The standard library asks too: `copy` looks for Jython's `org`.
    """

    seen: ObservedImport
    direct: bool


@dataclass(slots=True)
class _Run:
    """One pass over the hooks, and what it has seen so far."""

    place: Throwaway
    inspection: Inspection
    target: BuildTarget
    progress: Callable[[str], None]
    answer: tuple[str, ...] | None = None
    hard: list[ObservedImport] = field(default_factory=list)
    missed: dict[tuple[str, Phase], ObservedImport] = field(default_factory=dict)
    programs: dict[tuple[str, Phase], ObservedProgram] = field(default_factory=dict)
    pins: list[str] = field(default_factory=list)
    stubs: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stopped: Stopped | None = None
    prepared: bool = False
    rounds: int = ROUNDS

    def attempt(self, hook: str) -> None:
        """Run a hook until it passes or stops; `stopped` says which."""
        phase = Phase.WHEEL if hook == WHEEL else Phase.METADATA
        tried: list[str] = []  # what was put in since the hook began to end with these words
        said = ""
        try:
            if not self.prepared:
                self._prepare()
            while True:
                self.progress(f"running {hook}")
                try:
                    there = self._call(hook)
                except HookFailedError as error:
                    output = error.output
                    misses = self._read_trace(phase)
                    if last_line(output) != said:
                        said, tried = last_line(output), []
                    ended = _ended_by(output, misses)
                    named = bool(_NO_MODULE.search(output) or _NO_PROJECT.search(said) or _NO_NAME.search(said))
                    if ended is None or ended in tried or not self._mend(ended, misses, phase, hook, named=named):
                        self._take_back(tried)
                        self.stopped = self.stopped or Stopped(hook, phase, StopKind.SCRIPT, last_line(output))
                        return
                    if not named:
                        self.notes.append(f"{ended} was put in as the last thing missed; what {hook} said was: {said}")
                    tried.append(ended)
                else:
                    self._read_trace(phase)
                    if not there:
                        self.notes.append(f"the backend has no {hook}: a frontend builds the wheel instead")
                        return
                    self.passed.append(hook)
                    if hook == GET_REQUIRES:
                        self._install_known(self.answer or ())
                    return
        except OutOfTimeError:
            self._read_trace(phase)
            self.stopped = Stopped(hook, phase, StopKind.TIME, "the time limit was reached")
        except HookFailedError as error:
            self.stopped = Stopped(hook, phase, StopKind.INSTALL, f"uv could not install: {last_line(error.output)}")

    def _take_back(self, tried: list[str]) -> None:
        """With these or without, the hook ended with the same words: it was not for them."""
        self.hard = [seen for seen in self.hard if seen.import_name not in tried]
        starts = tuple(f"{name} was put in" for name in tried)
        self.notes = [note for note in self.notes if not note.startswith(starts)]

    def observed(self) -> ObservedBuild:
        """All that was seen."""
        ended = {(o.import_name.partition(".")[0]) for o in self.hard}
        guarded = [
            missed
            for missed in self.missed.values()
            if missed.import_name.partition(".")[0] not in ended and not self._is_pinned(missed.import_name)
        ]
        return ObservedBuild(
            (*self.hard, *sorted(guarded, key=lambda o: (o.phase, o.import_name))),
            self.answer,
            tuple(self.pins),
            tuple(self.programs.values()),
            tuple(self.passed),
            tuple(self.stubs),
            self.stopped,
            tuple(self.notes),
        )

    def _is_pinned(self, import_name: str) -> bool:
        removed = removed_api(import_name)
        return removed is not None and removed.pin in self.pins

    def _prepare(self) -> None:
        self.progress("making a virtual environment")
        self.place.make_environment(".".join(map(str, self.target.python)))
        self.progress("installing what the project declares")
        self.prepared = True
        try:
            self._install_known(self.inspection.needs.build_system.requires)
        except HookFailedError as error:
            reason = last_line(error.output)
            raise ResolverError(f"the declared build requirements cannot be installed: {reason}") from None

    def _install_known(self, requirements: tuple[str, ...]) -> None:
        """Put in what is asked for, with stand-ins for what is heavy (and for what only those would bring)."""
        for text in requirements:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            if self.place.is_heavy(requirement.name):
                self._put_stub(requirement.name.replace("-", "_"), requirement.name)
        self.place.install(requirements)

    def _put_stub(self, import_name: str, project: str) -> None:
        self.place.put_stub(import_name.partition(".")[0])
        if project not in self.stubs:
            self.stubs.append(project)

    def _call(self, hook: str) -> bool:
        """Run a hook as `build` does; False for prepare_metadata where the backend has none.

        Raises HookFailedError where it fails, OutOfTimeError where it takes too long.
        """
        try:
            with warnings.catch_warnings(action="ignore"):  # the project's own, of its table and its backend
                return self._call_backend(hook)
        except BuildBackendException as error:
            if isinstance(error.exception, HookFailedError | OutOfTimeError):
                raise error.exception from None
            cause = error.exception
            said = cause.traceback if isinstance(cause, BackendUnavailable) else f"{type(cause).__name__}: {cause}"
            raise HookFailedError(str(said or cause)) from None
        except BuildException as error:  # a table that is not valid, a backend-path outside
            raise HookFailedError(str(error)) from None

    def _call_backend(self, hook: str) -> bool:
        builder = ProjectBuilder(self.place.source, self.place.python, self.place.run)
        out = self.place.root / hook
        if hook == GET_REQUIRES:
            self.answer = tuple(sorted(map(str, builder.get_requires_for_build("wheel"))))
        elif hook == PREPARE:
            return builder.prepare("wheel", out) is not None
        else:
            builder.build("wheel", out)
        return True

    def _read_trace(self, phase: Phase) -> list[_Miss]:
        """The misses of the last run, in order; guarded ones of the project's own code, and programs, are kept."""
        misses: list[_Miss] = []
        for entry in self.place.records():
            evidence = _evidence(entry.get("place"))
            if entry["kind"] == "start":
                self._note_program(entry["words"], phase, evidence)
                continue
            name = str(entry["name"])
            root = name.partition(".")[0]
            if standard_library(root, self.target.python) and removed_api(name) is None:
                continue
            miss = ObservedImport(name, candidates(name), phase, Strength.GUARDED, evidence)
            misses.append(_Miss(miss, bool(entry["direct"])))
            if entry["direct"] and not self._in_tree(root) and (root, Phase.METADATA) not in self.missed:
                self.missed.setdefault((root, phase), miss)
        return misses

    def _note_program(self, words: list[str], phase: Phase, evidence: tuple[Evidence, ...]) -> None:
        name = Path(words[0]).name
        if not name.startswith("python"):
            program = ObservedProgram(name, program_tool(name) or "", phase, evidence)
            self.programs.setdefault((name, phase), program)

    def _in_tree(self, root: str) -> bool:
        base = self.place.source
        return any((f / root).is_dir() or (f / f"{root}.py").is_file() for f in (base, base / "src"))

    def _mend(self, name: str, misses: list[_Miss], phase: Phase, hook: str, *, named: bool) -> bool:
        """As `_put_in`; a module that the hook's own words do not name, and that cannot be had, was not to blame."""
        try:
            return self._put_in(name, misses, phase, hook)
        except HookFailedError:
            if named:
                raise
            self._take_back([name])
            return False

    def _put_in(self, name: str, misses: list[_Miss], phase: Phase, hook: str) -> bool:
        """Put in what a hook ended for; False where it cannot be, or no more may be."""
        found = next((m.seen for m in reversed(misses) if m.seen.import_name == name), None)
        root = name.partition(".")[0]
        hard = ObservedImport(name, candidates(name), phase, Strength.HARD, found.evidence if found else ())
        removed = removed_api(name)
        if removed is not None and removed.name != "distutils":
            if not removed.pin or removed.pin in self.pins:
                return False
            self.pins.append(removed.pin)
            wanted = removed.pin
        else:
            project = hard.projects[0]
            heavy = self.place.is_heavy(project)
            self.hard.append(replace(hard, stubbed=heavy))
            if heavy:
                self._put_stub(name, project)
                return True
            if self._in_tree(root):
                self.notes.append(f"{root} lies in the project's own tree and could not be imported")
                return False
            wanted = project
        if not self.rounds:
            self.notes.append(f"{ROUNDS} things were put in, and it still fails: no more are tried")
            return False
        self.rounds -= 1
        self.progress(f"installing {wanted}, which {hook} missed")
        self.place.install([wanted])
        return True


def _evidence(place: Any) -> tuple[Evidence, ...]:
    return (Evidence(str(place[0]).replace("\\", "/"), int(place[1])),) if place else ()


def _ended_by(output: str, misses: list[_Miss]) -> str | None:
    """The module for want of which a run ended: the one its last error names, else the last one it missed itself."""
    named = _NO_MODULE.findall(last_line(output)) or _NO_MODULE.findall(output)
    if named:
        return str(named[-1])
    if (lost := _NO_NAME.search(last_line(output))) is not None and removed_api(f"{lost[2]}.{lost[1]}") is not None:
        return f"{lost[2]}.{lost[1]}"
    if (asked := _NO_PROJECT.search(last_line(output))) is not None:
        return asked[1] or asked[2]
    if _PROGRAM_FAILED.search(last_line(output)):
        return None
    own = [m.seen.import_name for m in misses if m.direct]
    return own[-1] if own else None

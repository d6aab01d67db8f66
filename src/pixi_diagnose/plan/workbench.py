"""Where plans are made: the user's document, the simulations before any edit, and trials of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Protocol

from ..document import Document, Edit, unified_diff
from ..document.opening import open_document
from ..errors import PixiDiagnoseError
from ..evidence import KeyPath
from ..finding import FileChange, Plan
from ..frontends.model import Build, BuildPhase, Outcome, Simulation
from ..frontends.visibility import left_out_here
from ..lazy_dataclass import dataclass
from ..manifest.model import UnreadTable
from ..pep508 import canonicalize_name
from ..prose import and_list
from .changes import AddTable, Change, Enlist, FileEdit, Give, NewEnvironment, Put, Told, distinct, edits_of
from .native_stack import compiled_against

__all__ = [
    "Mend",
    "Simulate",
    "Trial",
    "Workbench",
    "doubt",
    "failing",
    "failing_run",
    "left_out_by",
    "tables_root",
    "with_recommendation",
]

ROUNDS = 8
"""How often an edited manifest is simulated and mended further: each round shows what the one before uncovered."""


class Simulate(Protocol):
    """Simulates edited texts of the manifest and of files beside it, by path.

    `isolated`: as if the command line said nothing of isolation. `variables` are given to the command, `python` is
    that of another environment ("" for the same one). Raises PixiDiagnoseError for what the tool refuses.
    """

    def __call__(
        self, texts: Mapping[str, str], *, isolated: bool = ..., variables: Mapping[str, str] = ..., python: str = ...
    ) -> Sequence[Simulation]:
        """The simulations, one for each environment and platform."""


Mend = Callable[[Sequence[Simulation]], Iterable[Change]]
"""The changes that the failures of these simulations call for."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A set of changes with the simulations of the edited texts (none where they could not be simulated).

    `texts` are those of the manifest and of other files that change, by path. `reason` says why it does not pass, ""
    where it does. `hinges_on` is what nobody could ask although all depends on it: such a trial passes under that one
    assumption. `isolated`: it is simulated without what the command line says of isolation.
    """

    changes: tuple[Change, ...]
    texts: Mapping[str, str]
    simulations: tuple[Simulation, ...]
    reason: str = ""
    hinges_on: str = ""
    isolated: bool = False

    @property
    def passes(self) -> bool:
        """Whether all environments lock and install, with nothing assumed."""
        return not self.reason and not self.hinges_on


class Workbench:
    """The documents and simulations of one workspace, and what becomes of them with changes.

    The first document is the manifest, the others are files that were read with it; a file that configures the user's
    tools for all their projects is not edited. `simulate` simulates edited texts for the same environments and
    platforms; `unread` is what the tool does not read of them.
    """

    def __init__(
        self,
        documents: Mapping[str, Document],
        simulations: Sequence[Simulation],
        simulate: Simulate,
        unread: Sequence[UnreadTable] = (),
    ) -> None:
        self.path, self.document = next(iter(documents.items()))
        self.documents = {file: document for file, document in documents.items() if _belongs_to(self.path, file)}
        self.unread = unread
        self.before = tuple(simulations)
        self._simulate = simulate
        unchanged = (((self.path, self.document.text),), False, (), "")
        self._seen: dict[object, tuple[Simulation, ...] | str] = {unchanged: self.before}
        self._unknown_before = {_id(s): _with(s, Outcome.UNKNOWN) for s in self.before}

    @property
    def root(self) -> KeyPath:
        """Where pixi's tables begin."""
        return tables_root(self.document)

    @property
    def workspace(self) -> KeyPath:
        """The workspace's own table, which has an old name too."""
        old = (*self.root, "project")
        new = (*self.root, "workspace")
        return old if self.document.value_at(new) is None and self.document.value_at(old) is not None else new

    def version_key(self, key: KeyPath) -> KeyPath:
        """Where the version of a dependency stands: in its table, where it is written as one."""
        return (*key, "version") if isinstance(self.document.value_at(key), dict) else key

    @property
    def partial(self) -> bool:
        """Whether some channel could not be reached, so that conda packages are only what the manifest declares."""
        return _is_partial(self.before)

    @property
    def unresolved(self) -> str:
        """That nothing is built yet, in a sentence: some environment has no resolution. "" where all have one."""
        failed = any((s.resolution.failure or s.resolution.conda_failure) is not None for s in self.before)
        return "what fails is the resolution, before anything is built" if failed else ""

    def document_of(self, file: str) -> Document:
        """The document of a file ("" is the manifest): an empty one where the file does not exist yet."""
        return self.documents.get(file or self.path) or open_document("", file)

    def edits(self, changes: Iterable[Change]) -> dict[str, tuple[Edit, ...]]:
        """The changes as edits of each file, the manifest's first."""
        chosen = [c for c in changes if not isinstance(c, Told)]
        files = dict.fromkeys([self.path, *(c.file or self.path for c in chosen)])
        return {f: edits_of(self.document_of(f), [c for c in chosen if (c.file or self.path) == f]) for f in files}

    def try_changes(self, changes: Iterable[Change], hinges_on: str = "", *, isolated: bool = False) -> Trial:
        """Simulate the documents with these changes, `isolated` without what the command line says of isolation."""
        chosen = tuple(changes)
        texts = {self.path: self.document.text}
        try:
            texts |= {file: self.document_of(file).apply(edits) for file, edits in self.edits(chosen).items()}
        except PixiDiagnoseError as error:
            return Trial(chosen, texts, (), error.message, isolated=isolated)
        seen = self._simulated(texts, chosen, isolated=isolated)
        if isinstance(seen, str):
            return Trial(chosen, texts, (), seen, isolated=isolated)
        return Trial(chosen, texts, seen, "" if self._all_pass(seen) else why_not(seen), hinges_on, isolated)

    def simulated(self, texts: Mapping[str, str], *, isolated: bool = False) -> tuple[Simulation, ...] | str:
        """What these texts come to where all of it passes, else why not."""
        seen = self._simulated(texts, (), isolated=isolated)
        return seen if isinstance(seen, str) or self._all_pass(seen) else why_not(seen)

    def _simulated(
        self, texts: Mapping[str, str], changes: Sequence[Change], *, isolated: bool
    ) -> tuple[Simulation, ...] | str:
        variables, python = given_by(changes), python_of(changes)
        key = (tuple(texts.items()), isolated, tuple(variables.items()), python)
        if key not in self._seen:
            try:
                found = self._simulate(texts, isolated=isolated, variables=variables, python=python)
                self._seen[key] = tuple(found)
            except PixiDiagnoseError as error:
                self._seen[key] = error.message
        return self._seen[key]

    def compose(
        self, mend: Mend, start: Iterable[Change] = (), hinges_on: str = "", *, isolated: bool = False
    ) -> Trial:
        """Mend, simulate, mend what that uncovered; then leave out what turned out to be needless."""
        trial = self.try_changes(start, hinges_on, isolated=isolated)
        for _ in range(ROUNDS):
            if not trial.reason or not trial.simulations:
                break
            more = tuple(c for c in distinct(mend(trial.simulations)) if c not in trial.changes)
            if not more:
                break
            trial = self.try_changes((*trial.changes, *more), hinges_on, isolated=isolated)
        return self._in_doubt(trial) if trial.reason else self.without_the_needless(trial)

    def _in_doubt(self, trial: Trial) -> Trial:
        """A trial after which nothing fails for sure, as it did before, hinges on what no reader could decide."""
        failed = any(Outcome.FAILS in s.outcomes.values() for s in self.before)
        if not failed or any(Outcome.FAILS in s.outcomes.values() for s in trial.simulations):
            return trial
        runs = [(b, run) for s in trial.simulations for b in failing(s) if (run := failing_run(b)) is not None]
        unread = [p.unread for s in trial.simulations for p in s.resolution.local if p.unread is not None]
        doubts = dict.fromkeys(doubt(build, run) for build, run in runs)
        doubts |= dict.fromkeys(f"What {u.subject} needs could not be read: {u.reason}." for u in unread)
        return replace(trial, reason="", hinges_on=" ".join(doubts)) if doubts else trial

    def without_the_needless(self, trial: Trial) -> Trial:
        """The fewest changes that still pass: later ones may have made earlier ones needless."""
        for change in trial.changes:
            fewer = tuple(c for c in trial.changes if c != change)
            if change.firm or not fewer:
                continue
            tried = self.try_changes(fewer, trial.hinges_on, isolated=trial.isolated)
            if not tried.reason:
                trial = tried
        return trial

    def offer(
        self, tier: int, name: str, trial: Trial, commands: Sequence[str] = (), notes: Iterable[str] = ()
    ) -> Plan:
        """A trial as a plan, whether it passes or not; `commands` are run after it, which `notes` may explain."""
        edits = self.edits(trial.changes)
        said = (*(c.note for c in trial.changes), *notes)
        diffs = (unified_diff(self.document_of(f).text, t, f) for f, t in trial.texts.items())
        return Plan(
            tier=tier,
            name=name,
            recommended=False,
            passes=trial.passes,
            edits=edits[self.path],
            text=trial.texts[self.path],
            diff="".join(diffs),
            notes=tuple(dict.fromkeys(filter(None, said))),
            trade_offs=(
                *costs(trial.changes, trial.simulations or self.before),
                *self._left_to_the_machine(trial.simulations or self.before),
            ),
            unchecked=(*((trial.hinges_on,) if trial.hinges_on else ()), *_unchecked(trial.simulations or self.before)),
            reason=trial.reason or trial.hinges_on,
            hinges_on="" if trial.reason else trial.hinges_on,
            safe=self.is_safe(trial) and not commands,
            beside=tuple(
                FileChange(file, self.documents[file].text if file in self.documents else None, text, edits[file])
                for file, text in trial.texts.items()
                if file != self.path and text != self.document_of(file).text
            ),
            commands=tuple(commands),
            leaves_out=left_out_by(trial.changes),
        )

    def _left_to_the_machine(self, simulations: Sequence[Simulation]) -> Iterator[str]:
        """What builds leave out where they do not find a tool, but for those that passed so before."""
        passed = {b.project for s in self.before for b in s.builds} - {
            b.project for s in self.before for b in failing(s)
        }
        found: dict[str, str] = {}
        for build in (b for s in simulations for b in s.builds if b.project not in passed and b.phases):
            tool = left_out_here(build.subject.needs, build.phases[-1].visible)
            if tool is not None:
                where = f" ({tool.evidence[0]})" if tool.evidence else ""
                found[build.project] = (
                    f"{build.project} is compiled for the CPU alone where it finds no {tool.name}, as here{where}."
                )
        yield from found.values()

    def nothing(self, tier: int, name: str, reason: str) -> Plan:
        """A tier that has nothing to offer here, and why."""
        text = self.document.text
        return Plan(tier, name, recommended=False, passes=False, edits=(), text=text, diff="", reason=reason)

    def is_safe(self, trial: Trial) -> bool:
        """Whether nothing is removed from the file, and no project gets another version than it had.

        Nor another build of that version, where others are compiled against it, and no build leaves anything out.
        """
        if not trial.simulations or self.removes(trial.changes) or any(map(_switches_off, trial.changes)):
            return False
        had = {(_id(s), d.project): d for s in self.before for d in s.resolution.distributions}
        has = {(_id(s), d.project): d for s in trial.simulations for d in s.resolution.distributions}
        return all(
            (now := has.get(key)) is not None
            and now.version == was.version
            and (now.kind == was.kind or not compiled_against(now.project))
            for key, was in had.items()
        )

    def removes(self, changes: Iterable[Change]) -> bool:
        """Whether a change takes away, or replaces, something that the user wrote."""
        return any(
            not isinstance(c, Enlist | AddTable | Told)
            and (document := self.document_of(c.file)).value_at(c.key) is not None
            and _is_lost(document, c)
            for c in changes
        )

    def _all_pass(self, simulations: Sequence[Simulation]) -> bool:
        """Whether every environment locks and installs; what was unknown before may stay unknown."""
        return bool(simulations) and all(
            outcome is Outcome.OK
            or (outcome is Outcome.UNKNOWN and name in self._unknown_before.get(_id(s), frozenset()))
            for s in simulations
            for name, outcome in s.outcomes.items()
        )


def _belongs_to(manifest: str, file: str) -> bool:
    """Whether a file is the project's: settings are where they lie beside it, above it or below, as others see them."""
    path, folder = PurePath(file), PurePath(manifest).parent
    if path.suffix in {".conf", ".ini"}:
        return False
    settings = path.suffix == ".toml" and path.name not in {"pyproject.toml", "pixi.toml"}
    return not settings or folder.is_relative_to(path.parent) or path.is_relative_to(folder)


def tables_root(document: Document) -> KeyPath:
    """Where pixi's tables begin: `[tool.pixi]` in a pyproject.toml."""
    return ("tool", "pixi") if PurePath(document.path).name == "pyproject.toml" else ()


def given_by(changes: Iterable[Change]) -> dict[str, str]:
    """The variables that the command gets with these changes."""
    return {c.variable: c.value for c in changes if isinstance(c, Give)}


def python_of(changes: Iterable[Change]) -> str:
    """The Python of the environment that the commands make with these changes, "" for the one that is there."""
    return next((c.python for c in changes if isinstance(c, NewEnvironment)), "")


def left_out_by(changes: Iterable[Change]) -> tuple[str, ...]:
    """What builds no longer make with these changes."""
    return tuple(dict.fromkeys(c.leaves_out for c in changes if isinstance(c, Put | Give) and c.leaves_out))


def failing(simulation: Simulation) -> list[Build]:
    """The builds that fail, or may."""
    return [b for b in simulation.decisive_builds if failing_run(b) is not None]


def failing_run(build: Build) -> BuildPhase | None:
    """The first run of a build that fails, or may."""
    return next((p for p in build.phases if p.outcome in {Outcome.FAILS, Outcome.AT_RISK}), None)


def doubt(build: Build, run: BuildPhase) -> str:
    """What could not be decided of a run that may fail, in a sentence."""
    if not run.missing:
        return f"Whether {build.project} builds could not be decided: {run.reason}."
    what, places = and_list(dict.fromkeys(m.name for m in run.missing)), run.missing[0].evidence
    where = f" ({places[0]})" if places else ""
    return f"Whether the build of {build.project} needs {what} here could not be decided{where}."


def why_not(simulations: Sequence[Simulation]) -> str:
    """What still fails, in a sentence."""
    for simulation in simulations:
        for name, outcome in simulation.outcomes.items():
            if outcome is Outcome.OK:
                continue
            if name in simulation.reasons:
                return simulation.reasons[name]
            for build in failing(simulation):
                run = build.phase(name)
                if run is not None and run.outcome is outcome:
                    return f"{build.project}: {run.reason}"
    return "what it would need is not known"


def _unchecked(simulations: Sequence[Simulation]) -> tuple[str, ...]:
    """What no simulation of the workspace could see."""
    if _is_partial(simulations):
        return ("The channels could not be reached, so versions of conda packages were not solved.",)
    return ()


def _is_partial(simulations: Sequence[Simulation]) -> bool:
    return any(s.resolution.source == "partial" for s in simulations)


def costs(changes: Sequence[Change], simulations: Sequence[Simulation]) -> tuple[str, ...]:
    """What the changes cost, one sentence each; listing for builds without isolation costs the same each time."""
    listed = [
        c.item for c in changes if isinstance(c, Enlist) and c.key[-1:] == ("no-build-isolation",) and not c.after
    ]
    found = [c.cost for c in changes if c.cost]
    if listed:
        who = and_list(listed)
        verb = "has" if len(listed) == 1 else "have"
        found.append(f"Nobody checks the declared build requirements of {who} any more.")
        if any(_is_native(s.build(canonicalize_name(str(name)))) for s in simulations for name in listed):
            found.append(f"{who} {verb} to be built again whenever what it is compiled against changes.")
    return tuple(dict.fromkeys(found))


def _is_native(build: Build | None) -> bool:
    """Whether a build compiles against something of the environment, as far as its imports tell."""
    needs = build.subject.needs if build is not None else None
    return needs is not None and any(compiled_against(p) for n in needs.imports for p in n.projects)


def _switches_off(change: Change) -> bool:
    """Whether it is a variable by which a build makes less than before."""
    variables = {"activation", "extra-build-variables"}
    return isinstance(change, Put) and bool(change.cost) and not variables.isdisjoint(change.key)


def _is_lost(document: Document, change: FileEdit) -> bool:
    """A list that keeps its items in their order loses nothing."""
    old = document.value_at(change.key)
    new = getattr(change, "value", None)
    if isinstance(old, list) and isinstance(new, tuple):
        rest = iter(new)
        return not all(item in rest for item in old)
    return True


def _with(simulation: Simulation, wanted: Outcome) -> frozenset[str]:
    return frozenset(name for name, outcome in simulation.outcomes.items() if outcome is wanted)


def _id(simulation: Simulation) -> tuple[str, str]:
    return simulation.environment.name, simulation.environment.platform.name


def with_recommendation(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """The plans with the first one that passes recommended, one that leaves nothing out before others."""
    first = next((p for p in plans if p.passes and not p.leaves_out), next((p for p in plans if p.passes), None))
    return tuple(replace(p, recommended=True) if p is first else p for p in plans)

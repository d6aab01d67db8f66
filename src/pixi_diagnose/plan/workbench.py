"""Where plans are made: the user's document, the simulations before any edit, and trials of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from ..document import Document, unified_diff
from ..errors import PixiDiagnoseError
from ..evidence import KeyPath
from ..finding import Plan
from ..frontends.model import Build, BuildPhase, Outcome, Simulation
from ..prose import and_list
from .changes import Change, Enlist, distinct, edits_of
from .native_stack import compiled_against

__all__ = ["Mend", "Simulate", "Trial", "Workbench", "failing", "failing_run", "tables_root", "with_recommendation"]

ROUNDS = 8
"""How often an edited manifest is simulated and mended further: each round shows what the one before uncovered."""

Simulate = Callable[[str], Sequence[Simulation]]
Mend = Callable[[Sequence[Simulation]], Iterable[Change]]
"""The changes that the failures of these simulations call for."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A set of changes with the simulations of the edited text (none where it could not be simulated).

    `reason` says why it does not pass, "" where it does. `hinges_on` is what nobody could ask although all depends on
    it: such a trial passes under that one assumption.
    """

    changes: tuple[Change, ...]
    text: str
    simulations: tuple[Simulation, ...]
    reason: str = ""
    hinges_on: str = ""

    @property
    def passes(self) -> bool:
        """Whether all environments lock and install, with nothing assumed."""
        return not self.reason and not self.hinges_on


class Workbench:
    """The document and simulations of one workspace, and what becomes of them with changes.

    `simulate` simulates an edited text of the manifest for the same environments and platforms; it raises
    PixiDiagnoseError for a text that the tool would refuse.
    """

    def __init__(self, document: Document, simulations: Sequence[Simulation], simulate: Simulate) -> None:
        self.document = document
        self.before = tuple(simulations)
        self._simulate = simulate
        self._seen: dict[str, tuple[Simulation, ...] | str] = {document.text: self.before}
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

    def try_changes(self, changes: Iterable[Change], hinges_on: str = "") -> Trial:
        """Simulate the document with these changes."""
        chosen = tuple(changes)
        try:
            text = self.document.apply(edits_of(self.document, chosen))
        except PixiDiagnoseError as error:
            return Trial(chosen, self.document.text, (), error.message)
        if text not in self._seen:
            try:
                self._seen[text] = tuple(self._simulate(text))
            except PixiDiagnoseError as error:
                self._seen[text] = error.message
        seen = self._seen[text]
        if isinstance(seen, str):
            return Trial(chosen, text, (), seen)
        return Trial(chosen, text, seen, "" if self._all_pass(seen) else why_not(seen), hinges_on)

    def compose(self, mend: Mend, start: Iterable[Change] = (), hinges_on: str = "") -> Trial:
        """Mend, simulate, mend what that uncovered; then leave out what turned out to be needless."""
        trial = self.try_changes(start, hinges_on)
        for _ in range(ROUNDS):
            if not trial.reason or not trial.simulations:
                break
            more = tuple(c for c in distinct(mend(trial.simulations)) if c not in trial.changes)
            if not more:
                break
            trial = self.try_changes((*trial.changes, *more), hinges_on)
        return trial if trial.reason else self.without_the_needless(trial)

    def without_the_needless(self, trial: Trial) -> Trial:
        """The fewest changes that still pass: later ones may have made earlier ones needless."""
        for change in trial.changes:
            fewer = tuple(c for c in trial.changes if c != change)
            if not change.firm and fewer and not (tried := self.try_changes(fewer, trial.hinges_on)).reason:
                trial = tried
        return trial

    def offer(self, tier: int, name: str, trial: Trial) -> Plan:
        """A trial as a plan, whether it passes or not."""
        notes = (c.note for c in trial.changes)
        return Plan(
            tier=tier,
            name=name,
            recommended=False,
            passes=trial.passes,
            edits=edits_of(self.document, trial.changes),
            text=trial.text,
            diff=unified_diff(self.document.text, trial.text, self.document.path),
            notes=tuple(dict.fromkeys(filter(None, notes))),
            trade_offs=costs(trial.changes),
            unchecked=(*((trial.hinges_on,) if trial.hinges_on else ()), *_unchecked(trial.simulations or self.before)),
            reason=trial.reason or trial.hinges_on,
            hinges_on="" if trial.reason else trial.hinges_on,
            safe=self.is_safe(trial),
        )

    def nothing(self, tier: int, name: str, reason: str) -> Plan:
        """A tier that has nothing to offer here, and why."""
        text = self.document.text
        return Plan(tier, name, recommended=False, passes=False, edits=(), text=text, diff="", reason=reason)

    def is_safe(self, trial: Trial) -> bool:
        """Whether nothing is removed from the file, and no project gets another version than it had.

        Nor another build of that version, where others are compiled against it.
        """
        if not trial.simulations or self.removes(trial.changes):
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
            not isinstance(c, Enlist) and self.document.value_at(c.key) is not None and _is_lost(self.document, c)
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


def tables_root(document: Document) -> KeyPath:
    """Where pixi's tables begin: `[tool.pixi]` in a pyproject.toml."""
    return ("tool", "pixi") if PurePath(document.path).name == "pyproject.toml" else ()


def failing(simulation: Simulation) -> list[Build]:
    """The builds that fail, or may."""
    return [b for b in simulation.builds if failing_run(b) is not None]


def failing_run(build: Build) -> BuildPhase | None:
    """The first run of a build that fails, or may."""
    return next((p for p in build.phases if p.outcome in {Outcome.FAILS, Outcome.AT_RISK}), None)


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


def costs(changes: Sequence[Change]) -> tuple[str, ...]:
    """What the changes cost, one sentence each; listing for builds without isolation costs the same each time."""
    listed = [c.item for c in changes if isinstance(c, Enlist) and c.key[-1] == "no-build-isolation" and not c.after]
    found = [c.cost for c in changes if c.cost]
    if listed:
        who = and_list(listed)
        verb = "has" if len(listed) == 1 else "have"
        found.append(f"Nobody checks the declared build requirements of {who} any more.")
        found.append(f"{who} {verb} to be built again whenever what it is compiled against changes.")
    return tuple(dict.fromkeys(found))


def _is_lost(document: Document, change: Change) -> bool:
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
    """The plans with the first one that passes recommended."""
    first = next((p for p in plans if p.passes), None)
    return tuple(replace(p, recommended=True) if p is first else p for p in plans)

"""What several runs of one build saw, put together: each thing once, in order of execution."""

from __future__ import annotations

from dataclasses import field

from ..evidence import Evidence, Unknown
from ..lazy_dataclass import dataclass
from ..names import candidates
from .hooks import Run
from .interpreter import TreeIndex
from .knobs import knob_values
from .model import Download, ImportNeed, Knob, Phase, Strength, ToolNeed, VersionNeed
from .observations import ImportSeen, KnobSeen, RemovedSeen
from .tables import is_python2_module

__all__ = ["ImportSum", "Merged"]

_RANK = {Strength.HARD: 0, Strength.CONDITIONAL: 1, Strength.GUARDED: 2}


@dataclass(slots=True)
class ImportSum:
    """All that was seen of one module (by its first name) in one phase."""

    name: str
    root: str
    phase: Phase
    strength: Strength
    evidence: list[Evidence]
    after_answer: bool
    condition: str = ""
    in_tree: bool = False
    projects: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()

    def add(self, seen: ImportSeen, *, after_answer: bool) -> None:
        """Add another sight: the strongest decides, its evidence comes first."""
        if _RANK[seen.strength] < _RANK[self.strength]:
            self.strength, self.condition, self.after_answer = seen.strength, seen.condition, after_answer
            self.evidence.insert(0, seen.evidence)
        else:
            self.evidence.append(seen.evidence)


@dataclass(slots=True)
class Merged:
    """The sum of the runs of one build."""

    imports: list[ImportSum] = field(default_factory=list)
    tools: list[ToolNeed] = field(default_factory=list)
    versions: dict[VersionNeed, None] = field(default_factory=dict)
    removed: list[RemovedSeen] = field(default_factory=list)
    downloads: list[Download] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    knobs: list[KnobSeen] = field(default_factory=list)

    def add_import(self, seen: ImportSeen, *, projects: tuple[str, ...] = (), after_answer: bool = False) -> None:
        """Add one import; the same module in the same phase only adds evidence."""
        if is_python2_module(seen.root):
            return
        for known in self.imports:
            if known.root == seen.root and known.phase is seen.phase and known.in_tree == seen.in_tree:
                known.add(seen, after_answer=after_answer)
                return
        self.imports.append(
            ImportSum(
                seen.name,
                seen.root,
                seen.phase,
                seen.strength,
                [seen.evidence],
                after_answer,
                seen.condition,
                seen.in_tree,
                projects or candidates(seen.name),
            )
        )

    def add_run(self, run: Run, *, after_answer: bool) -> None:
        """Add what a run saw. `after_answer` says that the hook's answer was installed before it."""
        seen = run.seen
        for entry in seen.imports:
            self.add_import(entry, after_answer=after_answer or entry.after_setup)
        for tool in seen.tools:
            self.tools.append(ToolNeed(tool.name, tool.phase, tool.strength, (tool.evidence,), tool.condition))
        for version in seen.versions:
            need = VersionNeed(candidates(version.module)[0], version.specifier, version.phase, (version.evidence,))
            self.versions[need] = None
        self.removed += [entry for entry in seen.removed if entry not in self.removed]
        self.knobs += seen.knobs
        for fetch in seen.downloads:
            self.downloads.append(Download(fetch.url, fetch.phase, seen.hash_seen, (fetch.evidence,)))
        self.unknowns += seen.unknowns

    def add_other_world(self, other: Run, last: Run, missed: tuple[str, ...]) -> None:
        """Add what is only reached where the missed modules are there, and mark what is only reached without them."""
        known = {(entry.root, entry.phase) for entry in self.imports}
        elsewhere = {entry.root for entry in other.seen.imports}
        for seen in other.seen.imports:
            if (seen.root, seen.phase) in known:
                continue
            if seen.strength is Strength.HARD:
                seen.strength = Strength.CONDITIONAL
                seen.condition = f"{missed[0]} can be imported"
            before = len(self.imports)
            self.add_import(seen, after_answer=seen.after_setup)
            for entry in self.imports[before:]:
                entry.only_with = missed
        for tool in other.seen.tools:
            strength = Strength.CONDITIONAL if tool.strength is Strength.HARD else tool.strength
            if any(t.name == tool.name and t.phase is tool.phase for t in self.tools):
                continue
            condition = tool.condition or f"{missed[0]} can be imported"
            self.tools.append(ToolNeed(tool.name, tool.phase, strength, (tool.evidence,), condition))
        self.knobs += [k for k in other.seen.knobs if k not in self.knobs]
        self._mark_fallbacks(last, missed, elsewhere)

    def _mark_fallbacks(self, last: Run, missed: tuple[str, ...], elsewhere: set[str]) -> None:
        nearest = ""
        for seen in last.seen.imports:
            if seen.root in missed:
                nearest = seen.root
            elif nearest and seen.strength is Strength.HARD and seen.root not in elsewhere:
                for entry in self.imports:
                    if entry.root == seen.root and entry.phase is seen.phase:
                        entry.unless = (nearest,)

    # -- values -------------------------------------------------------------------------------------------------------

    def import_needs(self) -> tuple[ImportNeed, ...]:
        """The imports in order: the metadata hooks' first."""
        metadata = {e.root: _RANK[e.strength] for e in self.imports if e.phase is Phase.METADATA}
        # What the metadata hooks need just as much, the wheel's build needs no less: it is told once.
        kept = [e for e in self.imports if e.phase is Phase.METADATA or metadata.get(e.root, 9) > _RANK[e.strength]]
        ordered = sorted(kept, key=lambda entry: entry.phase is Phase.WHEEL)
        return tuple(
            ImportNeed(
                entry.name,
                entry.projects,
                entry.phase,
                entry.strength,
                tuple(dict.fromkeys(entry.evidence))[:8],
                order,
                entry.after_answer,
                entry.condition,
                entry.in_tree,
                entry.unless,
                entry.only_with,
            )
            for order, entry in enumerate(ordered)
        )

    def tool_needs(self) -> tuple[ToolNeed, ...]:
        """Each tool once per phase, with the strongest reason first."""
        found: dict[tuple[str, Phase], ToolNeed] = {}
        for tool in self.tools:
            key = (tool.name, tool.phase)
            known = found.get(key)
            if known is None:
                found[key] = tool
                continue
            first, second = (tool, known) if _RANK[tool.strength] < _RANK[known.strength] else (known, tool)
            evidence = tuple(dict.fromkeys([*first.evidence, *second.evidence]))[:8]
            found[key] = ToolNeed(tool.name, tool.phase, first.strength, evidence, first.condition)
        return tuple(found.values())

    def knob_values(self, index: TreeIndex) -> tuple[Knob, ...]:
        """The environment variables, with what hangs on them."""
        return knob_values(self.knobs, index)

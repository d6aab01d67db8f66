"""What one run of `check` or `plan` has found: the value that every renderer shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from .document import Document, Position
from .evidence import Unknown
from .finding import Finding, Plan, Severity
from .frontends.host import Host
from .frontends.model import Outcome, Simulation
from .lazy_dataclass import dataclass
from .manifest.model import Manifest
from .side_by_side import Elsewhere

__all__ = ["Location", "Report"]


@dataclass(frozen=True, slots=True)
class Location:
    """A range of a file; `line` is the text of its first line, "" where the file is not at hand."""

    file: str
    start: Position
    end: Position
    line: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One diagnosed manifest.

    `manifest` is None where it could not be read (the findings then say why, and `rejected` is True, as it is when the
    tool itself would refuse it). `documents` maps each of the user's files to its text with positions. `simulations`
    holds one entry per environment and platform; `plans` every tier that was tried, passing or not; `fix` what of it is
    safe, and `elsewhere` how other frontends end, where that was asked. `host` is the machine as pixi sees it, None
    under another frontend. `seconds` is the time taken.
    """

    path: str
    frontend: str
    frontend_version: str
    manifest: Manifest | None
    documents: Mapping[str, Document]
    simulations: tuple[Simulation, ...] = ()
    findings: tuple[Finding, ...] = ()
    plans: tuple[Plan, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    fix: Plan | None = None
    elsewhere: tuple[Elsewhere, ...] = ()
    rejected: bool = False
    offline: bool = False
    host: Host | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def recommended(self) -> Plan | None:
        """The first tier that passes everywhere, None where none does or nothing fails."""
        return next((p for p in self.plans if p.recommended), None)

    @property
    def exit_status(self) -> int:
        """0: nothing found; 1: findings, or a failure; 2: the tool rejects the manifest, or input could not be read."""
        if self.rejected or any(u.fault for u in self.unknowns):
            return 2
        fails = any(o in {Outcome.FAILS, Outcome.AT_RISK} for s in self.simulations for o in s.outcomes.values())
        return int(fails or any(f.severity is not Severity.INFO for f in self.findings))

    def locate(self, finding: Finding) -> Location | None:
        """Where a finding stands: the item in a list, else the key, or where the tool points; None for nowhere."""
        place = finding.place
        if place is None:
            return None
        document = self.documents.get(place.file)
        if document is None:
            at = Position(finding.position[0], finding.position[1] or 1) if finding.position else Position(1, 1)
            return Location(place.file, at, at)
        found = document.range_of(place.key, "value" if place.key and isinstance(place.key[-1], int) else "key")
        start, end = found.start, found.end
        if finding.position is not None:
            start = Position(finding.position[0], finding.position[1] or 1)
            spans = (document.range_of(place.key, what) for what in ("key", "value"))
            around = next((s for s in spans if place.key and s.start <= start < s.end), None)
            inside = around is not None and around.start != start  # a string is pointed at behind its quote
            end = around.end if around else Position(start.line, start.column + 1)
            end = Position(end.line, end.column - 1) if inside else end
        lines = document.text.split("\n")
        line = lines[start.line - 1].rstrip("\r") if start.line <= len(lines) else ""
        return Location(place.file, start, end, line)

"""What one run of `check` or `plan` has found: the value that every renderer shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .document import Document
from .evidence import Unknown
from .finding import Finding, Plan, Severity
from .frontends.model import Simulation
from .manifest.model import Manifest

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """One diagnosed manifest.

    `manifest` is None where it could not be read (the findings then say why, and `rejected` is True, as it is when the
    tool itself would refuse it). `documents` maps each of the user's files to its text with positions. `simulations`
    holds one entry per environment and platform; `plans` every tier that was tried, passing or not. `seconds` is the
    time taken.
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
    rejected: bool = False
    offline: bool = False
    seconds: float = field(default=0.0, compare=False)

    @property
    def recommended(self) -> Plan | None:
        """The first tier that passes everywhere, None where none does or nothing fails."""
        return next((p for p in self.plans if p.recommended), None)

    @property
    def exit_status(self) -> int:
        """0: nothing found; 1: findings; 2: the tool would reject the manifest, or some input could not be read."""
        if self.rejected or any(u.fault for u in self.unknowns):
            return 2
        return 1 if any(f.severity is not Severity.INFO for f in self.findings) else 0

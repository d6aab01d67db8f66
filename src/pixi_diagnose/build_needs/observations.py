"""What one interpretation of a build script has seen, in order, before it is merged into `BuildNeeds`."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..evidence import Evidence, Unknown
from .model import Phase, Strength

__all__ = ["ImportSeen", "KnobSeen", "Observations", "SetupCall", "ToolSeen", "VersionSeen"]


@dataclass(slots=True)
class ImportSeen:
    """One import of a module from outside the tree: `root` is its first name, `name` all of it."""

    name: str
    root: str
    phase: Phase
    strength: Strength
    evidence: Evidence
    condition: str = ""
    after_setup: bool = False
    in_tree: bool = False


@dataclass(slots=True)
class ToolSeen:
    """A tool that something asked for."""

    name: str
    phase: Phase
    strength: Strength
    evidence: Evidence
    condition: str = ""


@dataclass(frozen=True, slots=True)
class VersionSeen:
    """A version of a module that the script insists on: it ends by itself where the module's is not in `specifier`."""

    module: str
    specifier: str
    phase: Phase
    evidence: Evidence


@dataclass(slots=True)
class KnobSeen:
    """An environment variable that was read, with its default (None where there is none)."""

    variable: str
    default: str | None
    evidence: Evidence


@dataclass(slots=True)
class SetupCall:
    """A call of setup(): which one (`setuptools.setup`, `skbuild.setup`, …) and its keyword arguments."""

    path: str
    keywords: dict[str, object]
    evidence: Evidence


@dataclass(slots=True)
class RemovedSeen:
    """A use of something that is gone in newer versions; `key` is its entry in the table of removed things."""

    key: str
    phase: Phase
    strength: Strength
    evidence: Evidence


@dataclass(slots=True)
class DownloadSeen:
    """A fetch: its address as far as it is known."""

    url: str
    phase: Phase
    checked: bool
    evidence: Evidence


@dataclass(slots=True)
class Observations:
    """Everything seen in one run, in the order of execution."""

    imports: list[ImportSeen] = field(default_factory=list)
    tools: list[ToolSeen] = field(default_factory=list)
    versions: list[VersionSeen] = field(default_factory=list)
    knobs: list[KnobSeen] = field(default_factory=list)
    removed: list[RemovedSeen] = field(default_factory=list)
    downloads: list[DownloadSeen] = field(default_factory=list)
    setup_calls: list[SetupCall] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    missed: dict[str, None] = field(default_factory=dict)
    """Roots of imports that failed in this run and were survived."""
    absent: dict[str, Evidence] = field(default_factory=dict)
    """Files that are read although the tree lacks them."""
    argv_read: bool = False
    hash_seen: bool = False

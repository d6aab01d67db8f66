"""What one interpretation of a build script has seen, in order, before it is merged into `BuildNeeds`."""

from __future__ import annotations

from dataclasses import field, replace

from ..evidence import Evidence, Unknown
from ..lazy_dataclass import dataclass
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
    """A call of setup(): which one (`setuptools.setup`, `skbuild.setup`, …) and its keyword arguments.

    `certain` is False for one that an undecided condition leads to.
    """

    path: str
    keywords: dict[str, object]
    evidence: Evidence
    certain: bool = True


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
    argv_taken: bool = False
    """The arguments were read for more than whether some words are among them."""
    argv_words: set[str] = field(default_factory=set)
    """Words that were looked for among the arguments."""
    hash_seen: bool = False

    def so_far(self) -> Observations:
        """A copy that stays as it is now, whatever else is seen and found to be stronger."""
        return Observations(
            [replace(seen) for seen in self.imports],
            [replace(seen) for seen in self.tools],
            self.versions.copy(),
            self.knobs.copy(),
            self.removed.copy(),
            self.downloads.copy(),
            self.setup_calls.copy(),
            self.unknowns.copy(),
            self.missed.copy(),
            self.absent.copy(),
            self.argv_taken,
            self.argv_words.copy(),
            self.hash_seen,
        )

    def tells_apart(self, *arguments: str) -> bool:
        """Whether the script may do otherwise where another one of these is its argument."""
        return self.argv_taken or not self.argv_words.isdisjoint(arguments)

    @property
    def tells_the_wheel_apart(self) -> bool:
        """Whether the script may do otherwise when the wheel is built than in the metadata hooks."""
        return self.tells_apart("egg_info", "dist_info", "bdist_wheel")

"""What reading a source tree says about its build: the values that the simulators and `inspect` consume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from ..evidence import Evidence, Unknown
from ..lazy_dataclass import dataclass

__all__ = [
    "IF_FOUND",
    "BuildNeeds",
    "BuildSystem",
    "BuildTarget",
    "Download",
    "ImportNeed",
    "Knob",
    "Phase",
    "Pin",
    "RemovedApi",
    "Stop",
    "Strength",
    "ToolNeed",
    "VersionNeed",
]


IF_FOUND = "it is found"
"""The condition of a tool that a build uses where it is, and leaves something out where it is not."""


class Phase(StrEnum):
    """When something is needed: by get_requires and prepare_metadata already, or only by build_wheel."""

    METADATA = "metadata"
    WHEEL = "wheel"


class Strength(StrEnum):
    """HARD: the hook fails without it. GUARDED: it goes on without. CONDITIONAL: behind an undecided condition."""

    HARD = "hard"
    GUARDED = "guarded"
    CONDITIONAL = "conditional"


@dataclass(frozen=True, slots=True)
class BuildTarget:
    """What the build runs on: Python (major, minor), conda subdir, and the environment variables that it will see."""

    python: tuple[int, int] = (3, 11)
    subdir: str = "linux-64"
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuildSystem:
    """`[build-system]` as a frontend reads it.

    Without the table (`table` False) the PEP 517 default holds: `setuptools>=40.8.0` and the legacy backend.
    `requires` are the declared requirement strings, `backend` the object reference, `backend_path` in-tree folders.
    `line` is that of the table in pyproject.toml, None without one. `unknowns` says what of it is malformed.
    """

    table: bool
    requires: tuple[str, ...]
    backend: str
    backend_path: tuple[str, ...] = ()
    line: int | None = None
    unknowns: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportNeed:
    """A module that the build imports and that neither the standard library nor the tree itself provides.

    `projects` are the candidate projects on an index, most likely first. `order` is the position in execution (the
    backend itself is 0), so the smallest missing one is what the real tool's message names. `after_setup_requires` says
    that the import runs only in hook calls for which the answer of get_requires has been installed. `condition` names
    what an undecided branch hangs on. `in_tree` marks a module that lies in the tree but cannot be imported under this
    backend (a helper beside setup.py under plain setuptools.build_meta). `unless` names modules (first names) that make
    this import needless: it stands in the fallback for them. `only_with` names modules without which it is not reached.
    """

    import_name: str
    projects: tuple[str, ...]
    phase: Phase
    strength: Strength
    evidence: tuple[Evidence, ...]
    order: int
    after_setup_requires: bool = False
    condition: str = ""
    in_tree: bool = False
    unless: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolNeed:
    """An executable or library outside Python: nvcc, cxx-compiler, rustc, cmake, ninja, git and others."""

    name: str
    phase: Phase
    strength: Strength
    evidence: tuple[Evidence, ...]
    condition: str = ""


@dataclass(frozen=True, slots=True)
class VersionNeed:
    """A version that the script itself insists on: it ends where the project's is not in `specifier` ("==2.5.0")."""

    project: str
    specifier: str
    phase: Phase
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Pin:
    """An upper bound that a build requirement needs, such as `setuptools<81` where pkg_resources is imported."""

    requirement: str
    reason: str
    phase: Phase
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class RemovedApi:
    """A use of something that newer versions no longer have: `removed_in` maps "python" or a project to the version.

    `unless` names modules (first names, "Cython>=3.0.5" with a bound) with which the build does not come there: Cython,
    where a shipped C file would be generated anew.
    """

    name: str
    removed_in: tuple[tuple[str, str], ...]
    phase: Phase
    strength: Strength
    evidence: tuple[Evidence, ...]
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Knob:
    """An environment variable that the build script reads, its default, and what hangs on it."""

    variable: str
    default: str | None
    effect: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Download:
    """A file that the build fetches; `checked` when the script compares a hash."""

    url: str
    phase: Phase
    checked: bool
    evidence: tuple[Evidence, ...]

    @property
    def host(self) -> str:
        """The machine that it comes from, empty where the address does not say it."""
        scheme, found, rest = self.url.partition("://")
        if not found:  # git@host:path
            scheme, found, rest = self.url.partition("@")
        host = rest.partition("/")[0].rpartition("@")[2].partition(":")[0]
        return "" if "{" in host or " " in scheme else host


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a build script ends by itself whatever is installed: a check that fails, a file that is absent."""

    reason: str
    phase: Phase
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class BuildNeeds:
    """All that one source tree needs to be built on one target, in the order in which a build would meet it.

    `hook_requirements` is the predicted answer of get_requires_for_build_wheel beyond the declared ones (from
    setup_requires, or a backend's own). `imports` holds every third-party import in order, declared ones included: a
    non-isolated build has to find those too. `stops` are failures that no requirement mends, `versions` what the script
    accepts of the projects that it asks for theirs.
    """

    project: str
    version: str
    build_system: BuildSystem
    hook_requirements: tuple[str, ...] = ()
    hook_evidence: tuple[Evidence, ...] = ()
    imports: tuple[ImportNeed, ...] = ()
    tools: tuple[ToolNeed, ...] = ()
    pins: tuple[Pin, ...] = ()
    removed: tuple[RemovedApi, ...] = ()
    knobs: tuple[Knob, ...] = ()
    downloads: tuple[Download, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    stops: tuple[Stop, ...] = ()
    versions: tuple[VersionNeed, ...] = ()

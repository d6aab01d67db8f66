"""Rules, what they find, and the plans that would mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from .document import Edit
from .evidence import Evidence, Place
from .frontends.model import Simulation
from .lazy_dataclass import dataclass
from .manifest.model import Manifest

__all__ = ["Confidence", "FileChange", "Finding", "Fix", "Plan", "Rule", "Severity"]


class Severity(StrEnum):
    """ERROR: the tool will fail. WARNING: it passes, and something is lost or left to luck. INFO: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Confidence(StrEnum):
    """HIGH rests on facts that were seen; MEDIUM on an unchecked assumption that is named.

    LOW rests on facts only read, or has evidence against it that could not be checked; the finding says which.
    """

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Fix:
    """A set of edits in the user's dialect that mends one finding; `safe` changes no version and removes nothing."""

    description: str
    edits: tuple[Edit, ...]
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault at one place. `message` is the verdict in a sentence, `explanation` why it is so, one sentence each.

    `project` and `evidence` name the package and the lines of its own files that it rests on; `place` is the user's.
    `position` (line, column from 1) stands in for the key where the file could not be parsed that far.
    """

    rule: Rule
    severity: Severity
    confidence: Confidence
    message: str
    explanation: tuple[str, ...] = ()
    environment: str = ""
    platforms: tuple[str, ...] = ()
    project: str = ""
    place: Place | None = None
    position: tuple[int, int | None] | None = None
    evidence: tuple[Evidence, ...] = ()
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a plan makes of a file beside the manifest; `old` is None where there is none yet."""

    path: str
    old: str | None
    text: str
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The fixes of one tier as one set of edits, with the outcome of simulating the edited manifest.

    `edits` and `text` are the manifest's, `beside` what is written with it, `diff` shows all of them. `commands` are
    what is to be run after that, in this order; empty for what the user runs anyway.

    `notes` are sentences about what the edits do, `trade_offs` what they cost, `unchecked` what no simulation could
    see. `reason` says why a plan that does not pass does not; where that is only one fact that nobody could ask,
    `hinges_on` is it: the plan passes if it holds. `safe`: nothing is removed, and no project changes its version.
    `leaves_out` is what builds no longer make with it, so that it is recommended only where no other plan passes.
    """

    tier: int
    name: str
    recommended: bool
    passes: bool
    edits: tuple[Edit, ...]
    text: str
    diff: str
    notes: tuple[str, ...] = ()
    trade_offs: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    reason: str = ""
    hinges_on: str = ""
    safe: bool = False
    beside: tuple[FileChange, ...] = ()
    commands: tuple[str, ...] = ()
    leaves_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its code, the fault's name, and its checks (pure functions; at least one).

    `check` looks at one simulation, `check_manifest` at the manifest, `check_workspace` at all simulations together
    (for what is only a fault if it is one everywhere). The page that `explain` prints is the docstring of its module.
    """

    code: str
    name: str
    check: Callable[[Simulation], Iterator[Finding]] | None = None
    check_manifest: Callable[[Manifest], Iterator[Finding]] | None = None
    check_workspace: Callable[[Sequence[Simulation]], Iterator[Finding]] | None = None

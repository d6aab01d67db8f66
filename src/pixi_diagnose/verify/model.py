"""What running the hooks showed, and how it stands against the prediction."""

from __future__ import annotations

from enum import StrEnum

from ..build_needs.model import BuildNeeds, Phase, Strength
from ..evidence import Evidence
from ..lazy_dataclass import dataclass

__all__ = [
    "Comparison",
    "Item",
    "ObservedBuild",
    "ObservedImport",
    "ObservedProgram",
    "Plan",
    "Standing",
    "StopKind",
    "Stopped",
    "Verification",
]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a verification is going to run, said before anything runs."""

    what: str
    backend: str
    requires: tuple[str, ...]
    hooks: tuple[str, ...]
    python: str
    seconds: float
    install_heavy: bool = False


@dataclass(frozen=True, slots=True)
class ObservedImport:
    """A module that was not there: HARD ended a hook until its project was put in, GUARDED was survived.

    `stubbed` says that not the project itself but a stand-in of its name was put in.
    """

    import_name: str
    projects: tuple[str, ...]
    phase: Phase
    strength: Strength
    evidence: tuple[Evidence, ...]
    stubbed: bool = False


@dataclass(frozen=True, slots=True)
class ObservedProgram:
    """A program that a hook started or tried to start; `tool` is the tool that it stands for, empty for others."""

    program: str
    tool: str
    phase: Phase
    evidence: tuple[Evidence, ...]


class StopKind(StrEnum):
    """Why a run ended early: the script itself, the time limit, or something that could not be installed."""

    SCRIPT = "script"
    TIME = "time"
    INSTALL = "install"


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where the run ended before all hooks had passed, and what was said there."""

    hook: str
    phase: Phase
    kind: StopKind
    reason: str


@dataclass(frozen=True, slots=True)
class ObservedBuild:
    """What the hooks did. `answer` is that of get_requires_for_build_wheel, None where it never answered.

    `passed` names the hooks that passed, in order. `pins` are upper bounds that had to be put in. `stubs` are the
    projects for which a stand-in took part, so that what came after it may differ from a real build.
    """

    imports: tuple[ObservedImport, ...] = ()
    answer: tuple[str, ...] | None = None
    pins: tuple[str, ...] = ()
    programs: tuple[ObservedProgram, ...] = ()
    passed: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()
    stopped: Stopped | None = None
    notes: tuple[str, ...] = ()


class Standing(StrEnum):
    """How one item of a comparison stands. UNJUDGED: predicted, and the run did not come far enough to tell."""

    AGREED = "agreed"
    PREDICTED = "only predicted"
    OBSERVED = "only observed"
    UNJUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on either side: `kind` is import, hook answer, pin, tool or stop."""

    kind: str
    name: str
    standing: Standing
    predicted: str = ""
    observed: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """All items, in the order of their kinds."""

    items: tuple[Item, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing stands on one side only."""
        return not any(item.standing in {Standing.PREDICTED, Standing.OBSERVED} for item in self.items)


@dataclass(frozen=True, slots=True)
class Verification:
    """The prediction, the observation, and both side by side."""

    plan: Plan
    needs: BuildNeeds
    observed: ObservedBuild
    comparison: Comparison

    @property
    def exit_status(self) -> int:
        """0 where they agree, 1 where they differ, 2 where time or an install kept it from finding out."""
        stopped = self.observed.stopped
        if not self.comparison.agrees:
            return 1
        return 2 if stopped is not None and stopped.kind is not StopKind.SCRIPT else 0

"""What a simulated build frontend did: ordered stages, what each build could see there, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from ..environment import Environment
from ..evidence import Evidence, Unknown
from ..index.model import Distribution, PypiResolution
from ..lazy_dataclass import dataclass
from ..outcome import Outcome
from ..prefix import Prefix
from ..resolve import Resolution

if TYPE_CHECKING:
    from ..build_needs.model import BuildNeeds, Phase, Stop

__all__ = [
    "BUILD_FORBIDDEN",
    "Build",
    "BuildPhase",
    "BuildSubject",
    "Missing",
    "Outcome",
    "Refusal",
    "Simulation",
    "Stage",
    "Step",
    "Toolchain",
    "Visible",
]


BUILD_FORBIDDEN = "no-build forbids building it"
"""The reason of a run that a setting rules out."""


@dataclass(frozen=True, slots=True)
class BuildSubject:
    """One distribution that must be built, with what is known of it before any frontend's rules are applied.

    `needs` is None where its source could not be read (`unknown` says why). `build_environment` is the resolution of
    its declared build requirements and its hook's answer, as an isolated build would install them; None if not asked.
    `extra_requirements` are the projects in it that the user's configuration adds to the declared ones.
    `requirements` are those in it that have to be built in their turn, when what was resolved is installed, and
    `requirements_at_lock` the same while locking; `circular` says that it is to be built in order to be built.
    """

    distribution: Distribution
    needs: BuildNeeds | None
    unknown: Unknown | None = None
    build_environment: PypiResolution | None = None
    extra_requirements: tuple[str, ...] = ()
    requirements: tuple[BuildSubject, ...] = ()
    requirements_at_lock: tuple[BuildSubject, ...] = ()
    circular: bool = False


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Versions that have to fit each other where CUDA code is compiled, "" where not known.

    `nvcc` is its CUDA ("12.4"), `torch_cuda` the one that the visible torch was built with ("none" for a torch without
    CUDA), `gcc` the version of conda's host compiler.
    """

    nvcc: str = ""
    torch_cuda: str = ""
    gcc: str = ""


@dataclass(frozen=True, slots=True)
class Visible:
    """What a build sees: Python projects as canonical name → version ("" unknown), tools as name → what gives them.

    `layers` is the same in words, for people: "conda: python 3.12, cuda-toolkit 12.4", "its own build requirements".
    `later` are the projects that an isolated build's hook asked for: there from the next call of a hook on.
    """

    projects: Mapping[str, str]
    tools: Mapping[str, str]
    layers: tuple[str, ...] = ()
    later: Mapping[str, str] = field(default_factory=dict)
    toolchain: Toolchain = field(default_factory=Toolchain)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that is there in a version which the build refuses.

    `kind` is "version" (the script itself checks a project), "cuda" (torch checks nvcc's CUDA) or "compiler" (nvcc
    checks its host compiler). `name` is there as `version`, `accepted` says what would do; `against` is what it has to
    fit (the CUDA that torch was built with, nvcc's). `evidence` are the lines that ask for it.
    """

    kind: str
    name: str
    version: str
    accepted: str
    against: str = ""
    evidence: tuple[Evidence, ...] = ()

    @property
    def reason(self) -> str:
        """It as the rest of a sentence that begins with the project: "accepts torch ==2.5.0 only, and sees 2.6.0"."""
        if self.kind == "cuda":
            nvcc = f"is compiled by the nvcc of CUDA {self.version}, and its torch takes {self.accepted} only"
            return nvcc if self.name == "nvcc" else "compiles CUDA code, and its torch was built without CUDA"
        if self.kind == "compiler":
            return f"is compiled with GCC {self.version}, and its nvcc takes {self.accepted} only"
        return f"accepts {self.name} {self.accepted} only, and sees {self.version}"


@dataclass(frozen=True, slots=True)
class Missing:
    """Something a build wanted and could not see.

    `kind` is "import", "tool", "requirement" (cannot be resolved) or "removed" (an API that is gone in what is there).
    `late` says where it does exist, when it comes too late ("it is installed from PyPI, after locking"), and for a
    removed API what no longer has it ("python 3.12").
    """

    kind: str
    name: str
    projects: tuple[str, ...]
    phase: Phase
    evidence: tuple[Evidence, ...]
    backend: bool = False
    late: str = ""
    declared: bool = False
    in_tree: bool = False


@dataclass(frozen=True, slots=True)
class BuildPhase:
    """One run of a build: at "lock" for its metadata, or at "install" for its wheel.

    `missing` is in the order in which the real tool would meet it: its own message names the first. `guarded` is what
    was missed without failing, `stop` where the script ends by itself whatever is installed, `refused` what is there in
    a version that the build does not take. `because` says why it runs where its frontend always runs it.
    `requirement` is the build of a build requirement at which it stops: `missing` is what that one misses.
    """

    phase: str
    outcome: Outcome
    missing: tuple[Missing, ...] = ()
    guarded: tuple[Missing, ...] = ()
    reason: str = ""
    visible: Visible | None = None
    stop: Stop | None = None
    refused: tuple[Refusal, ...] = ()
    because: str = ""
    requirement: Build | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """All runs of one distribution's build in one environment. `isolated` is what the settings say for it.

    `needed_for` are, for a build requirement that is built in its turn, the projects that it is built for: the one of
    the resolution first, the one that asks for it last.
    """

    subject: BuildSubject
    isolated: bool
    phases: tuple[BuildPhase, ...]
    required_by: tuple[str, ...] = ()
    needed_for: tuple[str, ...] = ()

    @property
    def project(self) -> str:
        """The canonical name of what is built."""
        return self.subject.distribution.project

    @property
    def asked_for(self) -> str:
        """The project of the resolution for which it runs: its own name, but for a build requirement."""
        return self.needed_for[0] if self.needed_for else self.project

    @property
    def decisive(self) -> Build:
        """The build that decides how this one ends: a build requirement's at which it stops, else itself."""
        return next((p.requirement.decisive for p in self.phases if p.requirement is not None), self)

    def phase(self, name: str) -> BuildPhase | None:
        """The run at "lock" or "install", None where that phase runs no build."""
        return next((p for p in self.phases if p.phase == name), None)


@dataclass(frozen=True, slots=True)
class Step:
    """One build within a stage, by project; or an installation without a build (`build` None)."""

    project: str
    build: Build | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage in the frontend's own order.

    `name` is "lock", "conda packages", "isolated builds" or "one by one" for pixi, "lock" or "resolve", "isolated
    builds" and "not isolated" for uv, "resolve" and "wheels" for pip.
    """

    number: int
    name: str
    phase: str
    visible: Visible
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """One environment under one frontend.

    `outcomes` has "lock" and "install"; install is judged as if locking had passed. `reasons` says in a sentence what
    decides an outcome that no single build explains (a conflict of the resolution). `prefix` is what an earlier install
    left on this machine: the simulation is of a clean one.
    """

    frontend: str
    frontend_version: str
    environment: Environment
    resolution: Resolution
    stages: tuple[Stage, ...]
    builds: tuple[Build, ...]
    outcomes: Mapping[str, Outcome]
    reasons: Mapping[str, str] = field(default_factory=dict)
    unknowns: tuple[Unknown, ...] = ()
    prefix: Prefix | None = None

    @property
    def decisive_builds(self) -> tuple[Build, ...]:
        """The builds that findings are about: each one, or the build requirement at which it stops, once."""
        found: dict[tuple[str, str, bool], Build] = {}
        for build in (b.decisive for b in self.builds):
            key = (build.project, build.subject.distribution.version, bool(build.needed_for))
            found.setdefault(key, build)
        return tuple(found.values())

    def build(self, project: str) -> Build | None:
        """The build of a canonical project name, None where it is not built."""
        return next((b for b in self.builds if b.project == project), None)

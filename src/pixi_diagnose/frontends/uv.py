"""uv as a simulator: what `uv lock` and `uv sync`, or `uv pip install`, build, in which order, and what they see.

Imitates uv 0.13 (uv.md U1 to U3, seen with a real uv 0.13.8), and older versions where these facts name them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..environment import Environment
from ..evidence import Unknown
from ..index.model import Distribution
from ..lazy_dataclass import dataclass
from ..manifest.installer import Installer
from ..manifest.model import PathSource
from ..prose import count
from ..resolve import Resolution
from . import VERSIONS
from .extra_requirements import RefusedMatch, refused_at_install, refused_at_lock
from .known_names import KnownName, known_name
from .machine import Machine
from .model import BUILD_FORBIDDEN, Build, BuildPhase, BuildSubject, Outcome, Simulation, Stage, Step, Visible
from .requirement_builds import requirement_builds
from .views import OWN_REQUIREMENTS, environment_view, isolated_view
from .visibility import judge

__all__ = ["NAME", "VERSION", "simulate"]

NAME = "uv"
VERSION = VERSIONS[NAME]

EMPTY = "an empty environment"
FIRST_STAGE = "what was installed before"
FOR_ITS_NAME = "uv is given its address alone, and learns its name by building it"


def simulate(
    environment: Environment,
    resolution: Resolution,
    subjects: Sequence[BuildSubject],
    machine: Machine,
    version: str = VERSION,
) -> Simulation:
    """Lock and sync a project, or resolve and install requirements, into a fresh environment with nothing in it.

    `subjects` are what has to be built of the environment, and what only the lock may have to build.
    """
    run = _Run(environment, resolution, machine, version)
    builds = tuple(build for s in subjects if (build := run.build(s)) is not None)
    outcomes, reasons = run.outcomes(builds)
    return Simulation(
        frontend=NAME,
        frontend_version=version,
        environment=environment,
        resolution=resolution,
        stages=run.stages(builds),
        builds=builds,
        outcomes=outcomes,
        reasons=reasons,
        unknowns=(*resolution.unknowns, *run.unknowns()),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    environment: Environment
    resolution: Resolution
    machine: Machine
    version: str

    @property
    def installer(self) -> Installer | None:
        return self.environment.installer

    @property
    def listed(self) -> frozenset[str]:
        value = self.environment.options.no_build_isolation
        return frozenset(e.name for e in value) if isinstance(value, tuple) else frozenset()

    @property
    def all_off(self) -> bool:
        return self.environment.options.no_build_isolation is True

    def isolated(self, project: str) -> bool:
        return not (self.all_off or (project in self.listed and self.reaches("no-build-isolation-package", project)))

    def reaches(self, setting: str, project: str) -> bool:
        """Whether the entry of a setting for one project reaches its build: uv may not know its name in time."""
        return self.known_name(project).lets_reach(setting)

    def known_name(self, project: str) -> KnownName:
        return known_name(self.environment, self.resolution, project)

    def build(self, subject: BuildSubject) -> Build | None:
        """All runs of one build, None where there is none: a static one of another platform, say."""
        phases = []
        if self.built_at_lock(subject.distribution):
            phases.append(self.lock_phase(subject))
        if subject.distribution in self.resolution.distributions and self._packaged(subject.distribution.project):
            phases.append(self.install_phase(subject))
        isolated = self.isolated(subject.distribution.project)
        return Build(subject, isolated, tuple(phases), subject.distribution.required_by) if phases else None

    def _packaged(self, project: str) -> bool:
        """Whether it is more than its dependencies: a source with `package = false` is never built to be installed."""
        sources = (s.source for s in self.environment.pypi if s.name == project)
        return all(source.packaged for source in sources if isinstance(source, PathSource))

    def built_at_lock(self, distribution: Distribution) -> bool:
        """Whether its metadata cannot be read without a build (U2). A good lock answers instead."""
        metadata = distribution.metadata
        if self.resolution.source == "lock":
            return False
        if metadata is None or not metadata.is_static_for(NAME):
            return True
        if self.known_name(distribution.project) is not KnownName.BEFORE:
            return True  # whatever dependency-metadata says of that name (seen)
        return bool(metadata.loosely_dynamic) and _compares_loosely(self.version)

    def lock_phase(self, subject: BuildSubject) -> BuildPhase:
        project = subject.distribution.project
        if self.forbidden(project, at_install=False):
            return BuildPhase("lock", Outcome.FAILS, reason=BUILD_FORBIDDEN)
        refused = self._refused_at_lock(project)
        if refused:
            return BuildPhase("lock", Outcome.FAILS, reason=refused)
        if self.isolated(project):
            run = self._alone("lock", subject)
        else:
            run = judge("lock", subject, self._unfilled_view(subject), isolated=False, late=self._late_at_lock)
        return run if self.known_name(project) is KnownName.BEFORE else replace(run, because=FOR_ITS_NAME)

    def _alone(self, phase: str, subject: BuildSubject) -> BuildPhase:
        refused = self._refused_at_lock if phase == "lock" else lambda _: ""
        before = requirement_builds(phase, subject, self.isolated, self._unfilled_view, refused)
        return judge(phase, subject, self._unfilled_view(subject), isolated=True, requirements=before)

    def _refused_at_lock(self, project: str) -> str:
        refused = refused_at_lock(self.installer, project)
        reached = refused is not None and self.reaches("extra-build-dependencies", project)
        return refused.reason if refused is not None and reached else ""

    def _unfilled_view(self, subject: BuildSubject) -> Visible:
        """What a build sees before anything is installed, isolated or not."""
        if self.isolated(subject.distribution.project):
            return isolated_view(subject, self.resolution, (), self.machine)
        return environment_view(subject, self.resolution, (), (), self.machine, (EMPTY,))

    def install_phase(self, subject: BuildSubject) -> BuildPhase:
        project = subject.distribution.project
        if self.forbidden(project, at_install=True):
            return BuildPhase("install", Outcome.FAILS, reason=BUILD_FORBIDDEN)
        refused = next((r for r in self.refused if r.project == project), None)
        if refused is not None:
            return BuildPhase("install", Outcome.FAILS, reason=refused.reason)
        if self.isolated(project):
            return self._alone("install", subject)
        before = self.first_stage
        layers = (f"{count(len(before), 'distribution')} installed before",) if before else (EMPTY,)
        visible = environment_view(subject, self.resolution, (), before, self.machine, layers)
        return judge("install", subject, visible, isolated=False, late=self._late_at_install)

    @property
    def refused(self) -> tuple[RefusedMatch, ...]:
        """The entries of match-runtime at which uv stops before it installs anything."""
        return refused_at_install(self.installer, self.resolution)

    @property
    def first_stage(self) -> tuple[Distribution, ...]:
        """What is installed before the first non-isolated build: all that is not listed, a wheel or not (U3)."""
        return tuple(d for d in self.resolution.distributions if not (self.all_off or d.project in self.listed))

    def forbidden(self, project: str, *, at_install: bool) -> bool:
        """Whether `no-build` rules a build out (U1).

        Editable folders are installed all the same, but that `uv sync` only builds those of its workspace; for its
        metadata uv builds one only to learn its name (seen).
        """
        named = self.environment.options.forbids_build(project)
        sources = (s.source for s in self.environment.pypi if s.name == project)
        editable = any(isinstance(source, PathSource) and source.editable for source in sources)
        if not at_install:
            by_name = self.reaches("no-build-package", project)
            return named if by_name else self.environment.options.no_build is True and not editable
        if not named or not editable:
            return named
        installer = self.installer
        if installer is None or installer.interface != "uv":
            return False
        return project not in {m.name for m in installer.project.members}

    def _late_at_lock(self, projects: tuple[str, ...]) -> str:
        found = next(iter(self._chosen(projects)), None)
        return f"{found.project} {found.version} is installed only after resolving" if found is not None else ""

    def _late_at_install(self, projects: tuple[str, ...]) -> str:
        found = next(iter(self._chosen(projects)), None)
        if found is None:
            return ""
        why = "" if self.all_off else ", as it is listed as well"
        said = f"{found.project} {found.version} is installed together with it{why}: after its build"
        return f"{said}, unless it is in uv's cache"

    def _chosen(self, projects: tuple[str, ...]) -> list[Distribution]:
        return [d for d in self.resolution.distributions if d.project in projects]

    def unknowns(self) -> Iterator[Unknown]:
        """What `uv pip` builds to learn its name although its marker leaves it out (seen): it was not read."""
        read = {p.project for p in self.resolution.local}
        if self.installer is None or self.installer.interface != "uv pip" or self.resolution.source == "lock":
            return
        for spec in self.environment.pypi:
            if spec.nameless and spec.name not in read:
                reason = f"what stands for {spec.spelled} is built to learn its name, though its marker leaves it out"
                yield Unknown(f"{reason}: that was not simulated", subject=spec.name)

    def outcomes(self, builds: Sequence[Build]) -> tuple[dict[str, Outcome], dict[str, str]]:
        """How locking and installing end. Refused entries of match-runtime stop an install before its first build."""
        worst = {
            name: Outcome.worst([p.outcome for b in builds if (p := b.phase(name)) is not None])
            for name in ("lock", "install")
        }
        reasons: dict[str, str] = {}
        universal, failure = self.resolution.universal, self.resolution.failure
        ends = Outcome.UNKNOWN if failure is not None and failure.kind == "index" else Outcome.FAILS
        kept = self.resolution.source == "lock" and self.installer is not None and self.installer.interface == "uv"
        if failure is not None and not kept and (universal is None or universal.failure is not None):
            worst["lock"], reasons["lock"] = ends, failure.message
            worst["install"], reasons["install"] = Outcome.UNKNOWN, "what would be installed is not known"
            return worst, reasons
        if failure is not None:
            worst["install"], reasons["install"] = ends, failure.message
        elif self.refused:
            worst["install"], reasons["install"] = Outcome.FAILS, _said(self.refused[0])
        return worst, reasons

    def stages(self, builds: Sequence[Build]) -> tuple[Stage, ...]:
        """Locking (or resolving), then the two stages of installing (U3)."""
        first = "lock" if self.installer is not None and self.installer.interface == "uv" else "resolve"
        own = Visible({}, {}, (OWN_REQUIREMENTS,))
        return (
            Stage(1, first, "lock", own, _steps(builds, "lock")),
            Stage(2, "isolated builds", "install", own, _steps([b for b in builds if b.isolated], "install")),
            Stage(
                3,
                "not isolated",
                "install",
                Visible({}, {}, (FIRST_STAGE if self.first_stage else EMPTY,)),
                _steps([b for b in builds if not b.isolated], "install"),
            ),
        )


def _steps(builds: Sequence[Build], phase: str) -> tuple[Step, ...]:
    return tuple(Step(b.project, b, p.outcome) for b in builds if (p := b.phase(phase)) is not None)


def _said(refused: RefusedMatch) -> str:
    return f"{refused.project} {refused.reason}"


def _compares_loosely(version: str) -> bool:
    """Whether `Dynamic: requires-dist` counts as `Requires-Dist`: for uv 0.11.0, and 0.11.1 took it back (U2)."""
    from packaging.version import Version

    return Version("0.11.0") <= Version(version) < Version("0.11.1")

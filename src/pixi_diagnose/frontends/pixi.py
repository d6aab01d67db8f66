"""pixi as a simulator: what it builds while locking and while installing, in which order, and what each build sees.

Imitates pixi 0.77 (it embeds uv 0.11.15); the facts P4, P5 and P6 were seen with a real pixi 0.77.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..conda import CondaPackage
from ..environment import Environment
from ..index.model import Distribution
from ..lazy_dataclass import dataclass
from ..manifest.model import PathSource
from ..pep508 import is_at_least
from ..resolve import Resolution
from . import VERSIONS
from .machine import Machine
from .model import BUILD_FORBIDDEN, Build, BuildPhase, BuildSubject, Outcome, Simulation, Stage, Step, Visible
from .views import OWN_REQUIREMENTS, environment_view, isolated_view

__all__ = ["NAME", "VERSION", "installs_in_order", "simulate"]

NAME = "pixi"
VERSION = VERSIONS[NAME]


def installs_in_order(version: str) -> bool:
    """Whether this pixi installs the names of `no-build-isolation` in the order of the list (P6: since 0.51, read)."""
    return is_at_least(version, "0.51")


def simulate(
    environment: Environment,
    resolution: Resolution,
    subjects: Sequence[BuildSubject],
    machine: Machine,
    version: str = VERSION,
) -> Simulation:
    """Lock and install one environment as pixi would on a clean machine (no prefix, no cache).

    `subjects` are the distributions of the resolution that have to be built, with what their builds need, and the
    releases that only locking has to know of. `machine` is where pixi runs: its platform decides whether anything can
    be built at all (P4), its PATH what is visible besides.
    `version` is the pixi to imitate, 0.77 or older.
    """
    run = _Run(environment, resolution, machine, installs_in_order(version))
    installed = run.install_phases([s for s in subjects if s.distribution in resolution.distributions])
    builds = []
    for s in subjects:
        locked = run.lock_phase(s) if run.built_at_lock(s) else None
        phases = tuple(p for p in (locked, installed.get(s.distribution)) if p is not None)
        if phases:
            isolated = run.isolated(s.distribution.project)
            builds.append(Build(s, isolated, phases, s.distribution.required_by))
    outcomes, reasons = run.outcomes(builds)
    return Simulation(
        frontend=NAME,
        frontend_version=version,
        environment=environment,
        resolution=resolution,
        stages=run.stages(builds),
        builds=tuple(builds),
        outcomes=outcomes,
        reasons=reasons,
        unknowns=resolution.unknowns,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    environment: Environment
    resolution: Resolution
    machine: Machine
    in_order: bool

    @property
    def listed(self) -> tuple[str, ...]:
        """The names of no-build-isolation in the order in which pixi installs them (P3, P6)."""
        value = self.environment.options.no_build_isolation
        return tuple(dict.fromkeys(e.name for e in value)) if isinstance(value, tuple) else ()

    @property
    def all_off(self) -> bool:
        return self.environment.options.no_build_isolation is True

    def isolated(self, project: str) -> bool:
        return not (self.all_off or project in self.listed)

    def forbidden(self, project: str) -> bool:
        """Whether `no-build` rules a build out: of a path, git or URL dependency, as no other is chosen then (P3)."""
        return self.environment.options.forbids_build(project)

    def built_at_lock(self, subject: BuildSubject) -> bool:
        """A build is needed while locking only if the metadata cannot be read statically (uv.md U2).

        With a good lock there is no locking, and nothing is built to find out whether it is good (P9).
        """
        if self.resolution.source == "lock":
            return False
        metadata = subject.distribution.metadata
        return metadata is None or not metadata.is_static_for(NAME)

    def lock_phase(self, subject: BuildSubject) -> BuildPhase:
        from .visibility import judge  # a workspace of wheels needs none of it

        if not self.resolution.host:
            reason = f"cannot be built on this machine: the environment lacks {self.machine.subdir}"
            return BuildPhase("lock", Outcome.FAILS, reason=reason)
        if self.forbidden(subject.distribution.project):
            return BuildPhase("lock", Outcome.FAILS, reason=BUILD_FORBIDDEN)
        isolated = self.isolated(subject.distribution.project)
        conda = self.resolution.lock_conda
        visible = self._visible(subject, conda, (), isolated=isolated)
        before = self._requirements("lock", subject, conda) if isolated else ()
        return judge("lock", subject, visible, isolated=isolated, late=self._late_at_lock, requirements=before)

    def _requirements(self, phase: str, subject: BuildSubject, conda: Sequence[CondaPackage]) -> tuple[Build, ...]:
        """Build requirements without a wheel: a listed one sees the environment, which has conda's packages alone."""
        from .requirement_builds import requirement_builds

        def view(requirement: BuildSubject) -> Visible:
            isolated = self.isolated(requirement.distribution.project)
            return self._visible(requirement, conda, (), isolated=isolated)

        return requirement_builds(phase, subject, self.isolated, view)

    def _late_at_lock(self, projects: tuple[str, ...]) -> str:
        chosen = {d.project: d for d in self.resolution.distributions if d.kind != "conda"}
        found = next((chosen[p] for p in projects if p in chosen), None)
        if found is None:
            return ""
        return f"{found.project} {found.version} comes from PyPI, and is installed only after locking"

    def install_phases(self, subjects: Sequence[BuildSubject]) -> dict[Distribution, BuildPhase]:
        phases: dict[Distribution, BuildPhase] = {}
        for subject in subjects:
            distribution, project = subject.distribution, subject.distribution.project
            if self.forbidden(project) and not self._is_editable(project):  # seen with pixi 0.77
                phases[distribution] = BuildPhase("install", Outcome.FAILS, reason=BUILD_FORBIDDEN)
                continue
            from .visibility import judge

            isolated = self.isolated(project)
            if self.all_off or (not isolated and not self.in_order):
                phases[distribution] = self._undefined_order(subject)
                continue
            before = () if isolated else tuple(self._installed_before(project))
            visible = self._visible(subject, self.resolution.conda, before, isolated=isolated)
            own = self._requirements("install", subject, self.resolution.conda) if isolated else ()
            phases[distribution] = judge(
                "install", subject, visible, isolated=isolated, late=self._late_at_install, requirements=own
            )
        return phases

    def _is_editable(self, project: str) -> bool:
        sources = (s.source for s in self.environment.pypi if s.name == project)
        return any(isinstance(source, PathSource) and source.editable for source in sources)

    def _installed_before(self, project: str) -> Iterable[Distribution]:
        """Stage 3 (all that is not listed), then the listed ones that stand before `project` (P6)."""
        position = self.listed.index(project)
        for distribution in self.resolution.distributions:
            if distribution.kind == "conda":
                continue
            if distribution.project not in self.listed or self.listed.index(distribution.project) < position:
                yield distribution

    def _late_at_install(self, projects: tuple[str, ...]) -> str:
        found = next((p for p in projects if p in self.listed and self._is_chosen(p)), None)
        return f"{found} is installed later: it stands behind it in no-build-isolation" if found else ""

    def _is_chosen(self, project: str) -> bool:
        return any(d.project == project and d.kind != "conda" for d in self.resolution.distributions)

    def _undefined_order(self, subject: BuildSubject) -> BuildPhase:
        """With `no-build-isolation = true`, or before 0.51, the order is random: only conda's is reliable (P6)."""
        from .visibility import judge

        others = tuple(
            d for d in self.resolution.distributions if d.kind != "conda" and d.project != subject.distribution.project
        )
        at_worst = judge(
            "install",
            subject,
            self._visible(subject, self.resolution.conda, (), isolated=False),
            isolated=False,
            late=lambda projects: next((_ANY_ORDER.format(d.project) for d in others if d.project in projects), ""),
        )
        at_best = judge(
            "install", subject, self._visible(subject, self.resolution.conda, others, isolated=False), isolated=False
        )
        if at_worst.outcome is Outcome.FAILS and at_best.outcome is not Outcome.FAILS:
            names = ", ".join(dict.fromkeys(m.name for m in at_worst.missing))
            return replace(at_worst, outcome=Outcome.AT_RISK, reason=f"{names} may be installed before or after it")
        return at_best if at_best.outcome is Outcome.FAILS else at_worst

    def _visible(
        self,
        subject: BuildSubject,
        conda: Sequence[CondaPackage],
        installed: Sequence[Distribution],
        *,
        isolated: bool,
    ) -> Visible:
        """An isolated build sees its own requirements and conda's executables; any other the environment as it is."""
        if isolated:
            return isolated_view(subject, self.resolution, conda, self.machine)
        names = ", ".join(f"{p.name} {p.version}".strip() for p in conda if p.place is not None)
        layers = [f"conda: {names}" if names else "no conda packages"]
        layers += [_count(len(installed), "PyPI distribution")] if installed else []
        return environment_view(subject, self.resolution, conda, installed, self.machine, layers)

    def outcomes(self, builds: Sequence[Build]) -> tuple[dict[str, Outcome], dict[str, str]]:
        """A resolution without a solution is a lock that fails; install is judged as if locking had passed."""
        reasons: dict[str, str] = {}
        worst = {
            name: Outcome.worst([p.outcome for b in builds if (p := b.phase(name)) is not None])
            for name in ("lock", "install")
        }
        failure = self.resolution.failure
        if self.resolution.conda_failure:
            worst["lock"], reasons["lock"] = Outcome.FAILS, self.resolution.conda_failure.message
        elif failure is not None:
            worst["lock"] = Outcome.UNKNOWN if failure.kind == "index" else Outcome.FAILS
            reasons["lock"] = failure.message
        if reasons:
            worst["install"], reasons["install"] = Outcome.UNKNOWN, "what would be installed is not known"
        elif self.resolution.foreign:
            reasons["install"] = f"no environment has a platform of this machine, {self.machine.subdir}"
            worst["install"] = Outcome.FAILS
        return worst, reasons

    def stages(self, builds: Sequence[Build]) -> tuple[Stage, ...]:
        """The four stages in pixi's order, each with the builds that run in it."""
        at_lock = tuple(Step(b.project, b, p.outcome) for b in builds if (p := b.phase("lock")))
        installed = [(b, p.outcome) for b in builds if (p := b.phase("install"))]
        isolated = tuple(Step(b.project, b, outcome) for b, outcome in installed if b.isolated)
        order = {name: i for i, name in enumerate(self.listed)}
        one_by_one = tuple(
            Step(b.project, b, outcome)
            for b, outcome in sorted(installed, key=lambda item: order.get(item[0].project, 0))
            if not b.isolated
        )
        nothing = Visible({}, {})
        conda = self._layer(self.resolution.conda)
        return (
            Stage(1, "lock", "lock", Visible({}, {}, self._layer(self.resolution.lock_conda)), at_lock),
            Stage(2, "conda packages", "install", nothing, ()),
            Stage(3, "isolated builds", "install", Visible({}, {}, (OWN_REQUIREMENTS,)), isolated),
            Stage(4, "one by one", "install", Visible({}, {}, conda), one_by_one),
        )

    def _layer(self, conda: Sequence[CondaPackage]) -> tuple[str, ...]:
        names = ", ".join(f"{p.name} {p.version}".strip() for p in conda if p.place is not None)
        return (f"conda: {names}",) if names else ()


_ANY_ORDER = "{} comes from PyPI in no defined order"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")

"""pip as a simulator: what it builds while resolving and while installing, and what each build sees.

Imitates pip 26.0 (uv.md U2 and U3, seen with a real one): it prepares the metadata of every source while resolving, and
builds all wheels before it installs anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..environment import Environment
from ..lazy_dataclass import dataclass
from ..resolve import Resolution
from . import VERSIONS
from .machine import Machine
from .model import Build, BuildPhase, BuildSubject, Outcome, Simulation, Stage, Step, Visible
from .requirement_builds import requirement_builds
from .views import OWN_REQUIREMENTS, environment_view, isolated_view
from .visibility import judge

__all__ = ["NAME", "VERSION", "simulate"]

NAME = "pip"
VERSION = VERSIONS[NAME]

FRESH = "a fresh environment with pip alone"
ALWAYS = "pip asks every source for its metadata, whatever its own files say of it"


def simulate(
    environment: Environment,
    resolution: Resolution,
    subjects: Sequence[BuildSubject],
    machine: Machine,
    version: str = VERSION,
) -> Simulation:
    """Install requirements into a fresh environment that has pip, and conda's packages where those come first."""
    run = _Run(environment, resolution, machine, version)
    runs = [(s, run.phases(s)) for s in subjects]
    builds = tuple(Build(s, run.isolated, tuple(phases), s.distribution.required_by) for s, phases in runs if phases)
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
        unknowns=resolution.unknowns,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    environment: Environment
    resolution: Resolution
    machine: Machine
    version: str

    @property
    def isolated(self) -> bool:
        return self.environment.options.no_build_isolation is not True

    def phases(self, subject: BuildSubject) -> list[BuildPhase]:
        """get_requires and prepare_metadata run for every source that is resolved, static or not (U2)."""
        visible = self._isolated_view(subject) if self.isolated else self._environment(subject)
        before: tuple[Build, ...] = ()
        if self.isolated:
            before = requirement_builds("lock", subject, lambda _: True, self._isolated_view)
        metadata = subject.distribution.metadata
        at = ["install"] if metadata is not None and metadata.is_static_for(NAME) else ["lock", "install"]
        if subject.distribution not in self.resolution.distributions:
            at.remove("install")
        runs = [
            judge(phase, subject, visible, isolated=self.isolated, late=self._late, requirements=before) for phase in at
        ]
        return [replace(run, because=ALWAYS) if run.phase == "lock" else run for run in runs]

    def _isolated_view(self, subject: BuildSubject) -> Visible:
        return isolated_view(subject, self.resolution, self.resolution.conda, self.machine)

    def _environment(self, subject: BuildSubject) -> Visible:
        conda = self.resolution.conda
        names = ", ".join(f"{p.name} {p.version}".strip() for p in conda if p.place is not None)
        layers = (f"conda: {names}",) if names else (FRESH,)
        visible = environment_view(subject, self.resolution, conda, (), self.machine, layers)
        projects = {"pip": self.version, **visible.projects}
        return Visible(projects, visible.tools, visible.layers, toolchain=visible.toolchain)

    def _late(self, projects: tuple[str, ...]) -> str:
        found = next((d for d in self.resolution.distributions if d.project in projects and d.kind != "conda"), None)
        return f"{found.project} {found.version} is installed only after all builds" if found is not None else ""

    def outcomes(self, builds: Sequence[Build]) -> tuple[dict[str, Outcome], dict[str, str]]:
        """How resolving ends ("lock"), and the rest of the install as if it had passed."""
        worst = {
            name: Outcome.worst([p.outcome for b in builds if (p := b.phase(name)) is not None])
            for name in ("lock", "install")
        }
        conda, failure = self.resolution.conda_failure, self.resolution.failure
        if conda is None and failure is None:
            return worst, {}
        unknown = conda is None and failure is not None and failure.kind == "index"
        reason = conda.message if conda is not None else failure.message if failure is not None else ""
        worst = {"lock": Outcome.UNKNOWN if unknown else Outcome.FAILS, "install": Outcome.UNKNOWN}
        return worst, {"lock": reason, "install": "what would be installed is not known"}

    def stages(self, builds: Sequence[Build]) -> tuple[Stage, ...]:
        """Resolving, then the builds of all wheels; installing comes last, and builds nothing."""
        seen = Visible({}, {}, (OWN_REQUIREMENTS if self.isolated else FRESH,))
        return tuple(
            Stage(
                number, name, phase, seen, tuple(Step(b.project, b, p.outcome) for b in builds if (p := b.phase(phase)))
            )
            for number, name, phase in ((1, "resolve", "lock"), (2, "wheels", "install"))
        )

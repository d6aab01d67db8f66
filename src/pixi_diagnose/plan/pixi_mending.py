"""What builds that fail under pixi call for: isolation, what they import, tools, versions that they refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from packaging.requirements import InvalidRequirement, Requirement

from ..frontends.model import Build, BuildPhase, Missing, Refusal, Simulation
from ..frontends.toolchain import conda_toolchain, with_torch
from ..frontends.visibility import compiles_through_torch
from ..names import conda_names
from ..pep508 import canonicalize_name
from ..prose import and_list
from ..rules.iso105_build_runtime_mismatch import mismatches
from .changes import Change, Drop, Enlist, Put, Unlist
from .failed_builds import FailedBuild, builds_isolated, deciding_knobs, gone_since, knob_cost, left_out
from .placing import Home, conda_bounds, conda_spec, home, option_entry
from .workbench import Workbench, failing, failing_run

__all__ = ["Route", "conda_dependency", "mend_builds", "nvcc_for", "nvcc_package"]

_BOUNDED = {"nvcc": ("cuda-nvcc", "cuda-toolkit", "cuda"), "gcc": ("gxx_linux-64", "gxx", "gcc")}
"""Conda packages that decide a tool's version: one that the manifest asks for is bounded, else the first is added."""


class Route(StrEnum):
    """From where a build gets what it misses: conda, the index (in order), or not at all, by its own variable."""

    CONDA = "conda"
    INDEX = "index"
    VARIABLE = "variable"


def mend_builds(bench: Workbench, simulation: Simulation, route: Route) -> Iterable[Change]:
    """The changes for the failing builds of one environment."""
    builds = failing(simulation)
    if simulation.environment.options.no_build_isolation is True and builds:
        yield from _name_them(bench, simulation)
        return
    for build in builds:
        run = failing_run(build)
        if run is not None:
            yield from _Mending(bench, simulation, build, run, route).changes()


def nvcc_for(simulation: Simulation) -> str:
    """The version of nvcc that fits this environment's torch, as a conda spec; "*" where torch does not say."""
    seen = with_torch(conda_toolchain(simulation.resolution.conda), simulation.resolution.distributions)
    return f"{seen.torch_cuda}.*" if seen.torch_cuda[:1].isdigit() else "*"


def nvcc_package(bench: Workbench, at: Home, build: Build, version: str) -> tuple[str, str]:
    """The conda package that gives this build its nvcc, and what it gives, in words.

    torch's own headers include those of cuBLAS and other libraries, which the compiler's package does not bring.
    """
    needs = build.subject.needs
    if needs is not None and compiles_through_torch(needs):
        probe = () if bench.partial else [Put((*at.table("dependencies"), "cuda-toolkit"), version)]
        trial = bench.try_changes(probe)
        if trial.simulations and not any(s.resolution.conda_failure for s in trial.simulations):
            return "cuda-toolkit", "nvcc and the CUDA headers that torch's own include"
    return "cuda-nvcc", "nvcc"


def conda_dependency(
    bench: Workbench, simulation: Simulation, at: Home, name: str, version: str, *, everywhere: bool = False, **why: str
) -> Iterator[Put]:
    """Ask for a conda package where a home has its dependencies; a spec that is there already stays."""
    table = at.table("dependencies", everywhere=everywhere)
    if conda_spec(simulation, name) is None and bench.document.value_at((*table, name)) is None:
        firm = bool(why.get("firm"))
        yield Put((*table, name), version, why.get("note", ""), why.get("comment", ""), firm=firm)


class _Mending(FailedBuild):
    """The mending of one failing run of one build."""

    def __init__(self, bench: Workbench, simulation: Simulation, build: Build, run: BuildPhase, route: Route) -> None:
        super().__init__(bench, simulation, build, run)
        self.route = route
        self.home = home(bench, simulation, build.project)

    def changes(self) -> Iterable[Change]:
        variable = list(self._variable()) if self.route is Route.VARIABLE else []
        if variable:
            yield from variable
            return
        if any(m.in_tree for m in self.run.missing):
            yield self._working_directory()
        for tool in (m for m in self.run.missing if m.kind == "tool"):
            yield from self._tool(tool)
        for refusal in self.run.refused:
            yield from self._refused(refusal)
        for removed in (m for m in self.run.missing if m.kind == "removed"):
            yield from self._removed(removed)
        if any(m.kind == "tool" for m in self.run.missing):
            yield from self._matched()
        missing = [m for m in self.run.missing if m.kind in {"import", "requirement"} and not m.in_tree]
        entry = option_entry(self.simulation, "no_build_isolation", self.project)
        if not missing:
            return
        if self.build.isolated:
            yield from self._without_isolation(missing)
        elif entry is not None and builds_isolated(self.simulation, self.build, self.run):
            note = f"{self.project} declares all that its build needs: isolated, it builds."
            yield Unlist(entry.place.key[:-1], entry.spelled, note)
        else:
            for wanted in missing:
                yield from self._provide(wanted)

    def _matched(self) -> Iterable[Change]:
        """What is compiled in a moment should be compiled against what runs it: only so where it is not isolated."""
        for project, built, runs in mismatches(self.simulation, self.build)[:1]:
            note = (
                f"{self.project} is built without isolation, so that it is compiled against the {project} {runs} that "
                f"runs it: isolated, it would get {project} {built}."
            )
            comment = f"{self.project} is compiled against {project}"
            yield Enlist(self.home.option("no-build-isolation"), self.project, note, comment, firm=True)
            yield from _backend(self.bench, self.simulation, self.build)

    def _without_isolation(self, missing: Sequence[Missing]) -> Iterable[Change]:
        absent = [m.name for m in missing if m.kind == "requirement"]
        names = and_list(dict.fromkeys(m.name for m in missing))
        if absent:
            note = f"{self.project} is built without isolation: nobody looks for its build requirement {names} then."
            comment = f"{self.project}: its build requirement {names} cannot be had"
        else:
            note = f"{self.project} is built without isolation, so that it sees {names}."
            comment = f"{self.project} imports {names} while it is built"
        yield Enlist(self.home.option("no-build-isolation"), self.project, note, comment)
        yield from _backend(self.bench, self.simulation, self.build)

    def _provide(self, wanted: Missing) -> Iterable[Change]:
        """Make one missing import visible to a non-isolated build in time."""
        listed = next((p for p in wanted.projects if option_entry(self.simulation, "no_build_isolation", p)), None)
        if self.run.phase == "install" and listed is not None:
            yield from self._before(listed)
            return
        for project in wanted.projects:
            names = conda_names(project)
            if self.route is Route.INDEX and self.run.phase == "install":
                table = self.home.table("pypi-dependencies")
                note = f"{project} is installed before {self.project}, which is built without isolation."
                yield Put((*table, project), "*", note, f"imported by the build of {self.project}")
                return
            if names:
                yield from conda_dependency(
                    self.bench,
                    self.simulation,
                    self.home,
                    names[0],
                    self._version(project),
                    everywhere=self._builds_on_another_platform,
                    note=f"{names[0]} comes from conda, so that it is there when {self.project} is built.",
                    comment=f"imported by the build of {self.project}, which is not isolated",
                    firm="yes" if wanted.backend else "",
                )
                return

    def _before(self, listed: str) -> Iterable[Change]:
        """Have a listed project installed before this one (pixi.md P6: in the list's order)."""
        entry = option_entry(self.simulation, "no_build_isolation", listed)
        other = self.simulation.build(listed)
        if entry is None:
            return
        key = entry.place.key[:-1]
        if other is None or builds_isolated(self.simulation, other, other.phases[-1]):
            note = f"{listed} is installed before {self.project} once it is not listed."
            yield Unlist(key, entry.spelled, note)
            return
        own = option_entry(self.simulation, "no_build_isolation", self.project)
        if own is not None and own.place.key[:-1] == key:
            note = f"{self.project} stands behind {listed}, which its build needs: they are installed in this order."
            yield Enlist(key, own.spelled, note, after=(entry.spelled,))

    def _tool(self, tool: Missing) -> Iterable[Change]:
        """A tool on PATH, from conda: it reaches isolated builds, too (pixi.md P5)."""
        at = self.home
        subdir = self.simulation.environment.platform.subdir
        others = {s.environment.platform.subdir for s in self.bench.before} - {subdir}
        if tool.name == "nvcc" and not at.target and any(s.startswith("osx") for s in others):
            at = Home(at.root, subdir)  # there is no CUDA for macOS
        package, what, version = tool.name, tool.name, "*"
        if tool.name == "nvcc":
            version = nvcc_for(self.simulation)
            package, what = nvcc_package(self.bench, at, self.build, version)
        fits = f", for the CUDA {version.removesuffix('.*')} that torch was built with" if version != "*" else ""
        yield from conda_dependency(
            self.bench,
            self.simulation,
            at,
            package,
            version,
            note=f"{package} gives {what} to every build{fits}.",
            comment=f"{tool.name} for the build of {self.project}",
        )

    def _refused(self, refusal: Refusal) -> Iterable[Change]:
        """Something is there in a version that the build does not take."""
        entry = option_entry(self.simulation, "no_build_isolation", self.project)
        if entry is not None and builds_isolated(self.simulation, self.build, self.run):
            note = f"{self.project} declares the {refusal.name} that it accepts: isolated, it gets that one."
            cost = f"It is compiled against another {refusal.name} than the one that runs."
            yield Unlist(entry.place.key[:-1], entry.spelled, note, cost)
            return
        if refusal.kind == "cuda" and refusal.name == "nvcc":
            bounds = f"{refusal.against}.*"
        elif refusal.kind == "compiler":
            bounds = f"<{refusal.accepted.rpartition(' ')[2]}"
        else:
            bounds = conda_bounds(refusal.accepted)
        names = _BOUNDED.get(refusal.name) or conda_names(refusal.name)
        yield from self._rebound(names, bounds, f"{self.project} accepts {refusal.name} {refusal.accepted}")

    def _removed(self, removed: Missing) -> Iterable[Change]:
        """An API that is gone: its owner in an older version, which for a project has to be conda's."""
        owner, gone = removed.late.partition(" ")[0], gone_since(self.build, removed)
        if not gone:
            return
        if owner != "python" and self.build.isolated:
            note = (
                f"{self.project} is built without isolation, so that it gets a {owner} that still has {removed.name}."
            )
            comment = f"{self.project} uses {removed.name}, gone from {owner} {gone}"
            yield Enlist(self.home.option("no-build-isolation"), self.project, note, comment)
        names = (owner,) if owner == "python" else conda_names(owner)
        yield from self._rebound(names, f"<{gone}", f"{self.project} uses {removed.name}, gone from {owner} {gone}")

    def _rebound(self, names: Sequence[str], bounds: str, why: str) -> Iterable[Change]:
        """Bound a conda package that the manifest asks for, or ask for it with this bound."""
        spec = next((s for n in names if (s := conda_spec(self.simulation, n))), None)
        if spec is None and names:
            yield from conda_dependency(
                self.bench, self.simulation, self.home, names[0], bounds, note=f"{why}.", comment=why, firm="yes"
            )
        elif spec is not None:
            cost = f"{spec.spelled} is no longer {spec.version}." if spec.version not in {"", "*"} else ""
            yield Put(self.bench.version_key(spec.place.key), bounds, f"{why}.", why, cost, firm=True)

    def _working_directory(self) -> Put:
        """Hooks run in the source's own folder: "." on the module path makes what lies there importable."""
        name = next(m.name for m in self.run.missing if m.in_tree)
        return Put(
            (*self.home.root, "activation", "env", "PYTHONPATH"),
            ".",
            f"The build of {self.project} imports {name}, which lies beside its setup.py: its backend does not look "
            "there, PYTHONPATH does.",
            f"lets the build of {self.project} import {name}",
            "With it every Python of this environment imports from the folder that it is started in.",
        )

    def _variable(self) -> Iterable[Change]:
        """The script's own switch, where it hangs on one whether what is missing is needed."""
        missing = sorted({m.name for m in self.run.missing})
        for knob, value in deciding_knobs(self.build, self.run):
            if self.simulation.environment.variables.get(knob.variable):
                continue
            note = (
                f"{knob.variable} is the build script's own switch ({knob.evidence[0]}); [activation.env] reaches it."
            )
            cost = knob_cost(self.build, knob, value)
            comment = f"{self.project} builds without {and_list(missing)} then"
            key, without = (*self.home.root, "activation", "env", knob.variable), left_out(self.build, knob)
            yield Put(key, value, note, comment, cost, leaves_out=without)

    @property
    def _builds_on_another_platform(self) -> bool:
        """A lock for another platform builds on this machine, with this machine's conda packages (pixi.md P4)."""
        return (
            self.run.phase == "lock" and self.simulation.environment.platform.subdir != self.simulation.resolution.host
        )

    def _version(self, project: str) -> str:
        """The version that the environment has from PyPI, where the user asked for a certain one; else any."""
        asked = any(s.name == project and s.specifier for s in self.simulation.environment.pypi)
        chosen = self.simulation.resolution.distribution(project)
        return f"{chosen.version.split('+')[0]}.*" if asked and chosen else "*"


def _name_them(bench: Workbench, simulation: Simulation) -> Iterable[Change]:
    """Name those projects that need the environment, instead of all: an isolated build of them would fail."""
    need = [b for b in simulation.builds if b.phases and not builds_isolated(simulation, b, b.phases[-1])]
    note = "Only what needs it is built without isolation, so that the rest is installed before."
    comment = "these import what they do not declare" if len(need) > 1 else "it imports what it does not declare"
    place = simulation.environment.options.places["no-build-isolation"]
    if need:
        yield Put(place.key, tuple(b.project for b in need), note, comment, firm=True)
    else:
        yield Drop(place.key, "Everything here declares what its build needs: isolated, it builds.", firm=True)
    for build in need:
        yield from _backend(bench, simulation, build)


def _backend(bench: Workbench, simulation: Simulation, build: Build) -> Iterable[Change]:
    """A non-isolated build needs its backend in the environment: written down, even where another project brings it."""
    needs = build.subject.needs
    backend = next((n for n in needs.imports if n.order == 0), None) if needs else None
    provided = {project for p in simulation.resolution.conda for project, _ in p.projects}
    if backend is None or any(p in provided for p in backend.projects):
        return
    names = next((n for p in backend.projects if (n := conda_names(p))), ())
    if names:
        yield from conda_dependency(
            bench,
            simulation,
            home(bench, simulation, build.project),
            names[0],
            _declared_bounds(build, backend.projects),
            note=f"{names[0]} is the build backend of {build.project}; it is written down so that the build does not "
            "depend on another project bringing it.",
            comment=f"{build.project} is built without isolation",
            firm="yes",
        )


def _declared_bounds(build: Build, projects: Sequence[str]) -> str:
    """The upper bound that a build is known to need of its backend; nobody checks lower ones against conda's newest."""
    needs = build.subject.needs
    for pin in needs.pins if needs else ():
        try:
            requirement = Requirement(pin.requirement)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) in projects and requirement.specifier:
            return conda_bounds(str(requirement.specifier))
    return "*"

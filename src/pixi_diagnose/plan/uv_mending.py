"""What failures under uv call for: what an isolated build gets beside what it declares, and where isolation is off.

uv reads settings for that (uv.md U1, U5): `extra-build-dependencies`, matched with the resolution where its metadata is
static and repeated as a literal pin where it is dynamic; `extra-build-variables`; `build-constraint-dependencies`;
`dependency-metadata`, so that locking builds nothing; and `no-build-isolation-package`, whose members are installed
after everything else (U3). pip reads none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum

from packaging.specifiers import SpecifierSet

from ..evidence import Place
from ..frontends.extra_requirements import RefusedMatch, refused_at_install, refused_at_lock
from ..frontends.model import BUILD_FORBIDDEN, Build, BuildPhase, Missing, Refusal, Simulation
from ..frontends.visibility import exact_version, requirement_names
from ..index.model import Distribution
from ..manifest.installer import ExtraBuildRequirement
from ..prose import and_list
from ..rules.iso105_build_runtime_mismatch import mismatches
from .changes import AddTable, Change, Drop, Enlist, Put, Unlist, Why
from .failed_builds import (
    FailedBuild,
    bounded,
    builds_isolated,
    deciding_knobs,
    knob_cost,
    last_python_with,
    last_with,
    left_out,
)
from .naming import named_lines, settings_of
from .native_stack import compiled_against
from .placing import option_entry
from .requirement_entries import RequirementEntries
from .resolution_mending import from_repository
from .uv_settings import setting
from .workbench import Mend, Workbench, failing, failing_run

__all__ = ["UvRoute", "isolation_is_given", "uv_mending"]


class UvRoute(StrEnum):
    """How a build gets what it misses.

    ISOLATED: in its own environment. STATED: the same, with its metadata stated, so that it is not built while locking.
    TOGETHER: without isolation, from the environment that is filled. VARIABLE: not at all, by its own variable.
    """

    ISOLATED = "isolated"
    STATED = "stated"
    TOGETHER = "together"
    VARIABLE = "variable"


def uv_mending(bench: Workbench, route: UvRoute) -> Mend:
    """What the failures of simulations call for by one route: settings that uv refuses first, then builds."""

    def mend(simulations: Sequence[Simulation]) -> Iterable[Change]:
        for simulation in simulations:
            yield from _refused_entries(bench, simulation)
            failure = simulation.resolution.failure
            for project in failure.projects if failure is not None else ():
                yield from _allowed(bench, simulation, project)
            yield from from_repository(simulation, RequirementEntries(bench))
            for build in failing(simulation):
                run = failing_run(build)
                if run is not None:
                    changes = tuple(_Mending(bench, simulation, build, run, route).changes())
                    yield from changes
                    asked = build.asked_for
                    yield from named_lines(bench, simulation, asked, settings_of(changes, asked))

    return mend


def isolation_is_given(simulation: Simulation) -> bool:
    """Whether isolation is switched off by something that is in no file: the command line, or a variable."""
    options = simulation.environment.options
    if isinstance(options.no_build_isolation, tuple):
        return any(not entry.place.key for entry in options.no_build_isolation)
    place = options.places.get("no-build-isolation")
    return options.no_build_isolation is True and (place is None or not place.key)


def _refused_entries(bench: Workbench, simulation: Simulation) -> Iterator[Change]:
    """Entries with match-runtime at which uv stops before it installs anything (U3)."""
    if simulation.environment.installer is None or simulation.resolution.failure is not None:
        return
    for refused in refused_at_install(simulation.environment.installer, simulation.resolution):
        yield from _rematched(bench, simulation, refused)


def _rematched(bench: Workbench, simulation: Simulation, refused: RefusedMatch) -> Iterator[Change]:
    """The entry as uv takes it: matched without a version of its own, or not matched."""
    spec, chosen = refused.entry.spec, simulation.resolution.distribution(refused.entry.spec.name)
    place = _item_place(refused.entry)
    if place.file not in bench.documents:
        return
    value: object = f"{spec.spelled}{spec.specifier}"
    why = f"{refused.project} {refused.reason}"
    version = exact_version(chosen.version) if chosen is not None else None
    if refused.kind == "dynamic":
        locked = _locked(simulation, spec.name)
        value = f"{spec.spelled}=={locked.version}" if locked is not None else spec.spelled
        comment = "its metadata is dynamic: it is built before anything is resolved"
        cost = _repeated(refused.project, spec.name) if locked is not None else ""
        yield Put(place.key, value, f"{why}: the version is repeated.", comment, cost, file=place.file)
    elif refused.kind == "specifier" and version is not None and version in SpecifierSet(spec.specifier):
        value = {"requirement": spec.spelled, "match-runtime": True}
        yield Put(place.key, value, f"{why}: the bound goes, uv matches the version.", file=place.file)
    else:
        yield Put(place.key, value, f"{why}: it is asked for without match-runtime.", file=place.file)


def _item_place(entry: ExtraBuildRequirement) -> Place:
    """Where an entry of a list stands as a whole, a table included."""
    place = entry.spec.place
    return Place(place.file, place.key[:-1]) if place.key and place.key[-1] == "requirement" else place


def _allowed(bench: Workbench, simulation: Simulation, project: str) -> Iterator[Change]:
    """Take away what forbids the only file that a project has."""
    failure, options = simulation.resolution.failure, simulation.environment.options
    forbidden = {p.reason for b in simulation.builds if b.project == project for p in b.phases}
    said = failure.message if failure is not None else ""
    kind = failure.kind if failure is not None else ""
    ways = [("no_build", "no-build", "built")] if kind == "no-build" or BUILD_FORBIDDEN in forbidden else []
    ways += [("no_binary", "no-binary", "installed from a wheel")] if kind != "no-build" and "no-binary" in said else []
    for option, name, what in ways:
        cost = f"{name} forbade it on purpose, perhaps."
        note = f"{project} has nothing else to offer: it may be {what}."
        entry = option_entry(simulation, option, project)
        place = entry.place if entry is not None else options.places.get(name)
        if place is None or place.file not in bench.documents or not place.key:
            continue
        if isinstance(place.key[0], int):
            yield Drop(place.key, note, cost, file=place.file)
        elif entry is not None:
            yield Unlist(place.key[:-1], entry.spelled, note, cost, file=place.file)
        elif getattr(options, option) is True:
            yield Drop(place.key, note, cost, file=place.file)


def _locked(simulation: Simulation, project: str) -> Distribution | None:
    """The release of a project that is installed, or is locked for elsewhere."""
    universal = simulation.resolution.universal
    found = simulation.resolution.distribution(project)
    others = universal.distributions if universal is not None else ()
    return found or next((d for d in others if d.project == project), None)


def _repeated(project: str, pinned: str) -> str:
    return f"The version of {pinned} that {project} is built with has to be changed together with the project's own."


class _Mending(FailedBuild):
    """The mending of one failing run of one build."""

    def __init__(self, bench: Workbench, simulation: Simulation, build: Build, run: BuildPhase, route: UvRoute) -> None:
        super().__init__(bench, simulation, build, run)
        self.route = route
        self.entries = RequirementEntries(bench)

    def changes(self) -> Iterable[Change]:
        installer = self.simulation.environment.installer
        if self.run.reason == BUILD_FORBIDDEN:
            yield from _allowed(self.bench, self.simulation, self.project)
            return
        refused = refused_at_lock(installer, self.project) if self.run.phase == "lock" else None
        if refused is not None and self.run.reason == refused.reason:
            if self.route is UvRoute.STATED:
                yield from self._stated()
            else:
                yield from _rematched(self.bench, self.simulation, refused)
            return
        if self.build.needed_for:
            yield from self._not_needed()
            return
        if self.run.visible is None:  # an entry of match-runtime stops it, which is mended as such
            return
        variable = list(self._variable()) if self.route is UvRoute.VARIABLE else []
        if variable:
            yield from variable
        elif self.build.isolated:
            yield from self._isolated()
        else:
            yield from self._not_isolated()

    # In an environment of its own

    def _isolated(self) -> Iterator[Change]:
        missing = self.run.missing
        absent = [m for m in missing if m.kind == "requirement"]
        if absent:
            yield from self._without_what_is_absent(absent)
            return
        if any(m.kind == "tool" for m in missing) or self.run.stop is not None:
            yield from self._variable()
            for project, _, runs in mismatches(self.simulation, self.build):
                note = f"{self.project} is built with the {project} {runs} that runs it."
                comment = f"{self.project} is built for one {project}"
                yield replace(self._given(project, note, comment), firm=True)
        for removed in (m for m in missing if m.kind == "removed"):
            yield from self._removed(removed)
        for refusal in self.run.refused:
            yield from self._refused(refusal)
        beside = next((m for m in missing if m.in_tree), None)
        if beside is not None:
            yield self._beside(beside)
        imported = [m for m in missing if m.kind == "import" and m.projects and not m.in_tree]
        if imported and self.route is UvRoute.TOGETHER:
            yield from self._without_isolation(f"so that it sees {and_list(m.name for m in imported)}")
            return
        if imported and self.route is UvRoute.STATED and self.run.phase == "lock":
            yield from self._stated()
            return
        comment = f"{self.project} imports {and_list(dict.fromkeys(m.name for m in imported))} while it is built"
        for wanted in imported:
            project = wanted.projects[0]
            note = f"{self.project} imports {wanted.name} and does not declare it: its build gets {project}."
            yield self._given(project, note, comment)

    def _given(self, project: str, note: str, comment: str) -> Enlist:
        """What it imports, as an extra build requirement: with the version that will run if it is compiled on it."""
        at = setting(self.bench, self.simulation, "extra-build-dependencies", self.project)
        chosen = _locked(self.simulation, project)
        metadata = self.build.subject.distribution.metadata  # a lock may stand for it today
        dynamic = self.build.phase("lock") is not None or (metadata is not None and not metadata.is_static_for("uv"))
        if chosen is None or not compiled_against(project):
            return Enlist(at.key, project, note, comment, file=at.file)
        if dynamic or self.simulation.resolution.distribution(project) is None:
            note = (
                f"{self.project} is built with {project} {chosen.version}, as the project has it. Its metadata is "
                "dynamic, so that uv cannot match the version itself."
                if dynamic
                else note
            )
            cost = _repeated(self.project, project)
            return Enlist(at.key, f"{project}=={chosen.version}", note, comment, cost, file=at.file)
        item = {"requirement": project, "match-runtime": True}
        note = f"{self.project} is built with the {project} that the environment gets: match-runtime keeps them equal."
        return Enlist(at.key, item, note, comment, file=at.file)

    def _without_what_is_absent(self, absent: Sequence[Missing]) -> Iterator[Change]:
        """Its build requirements cannot be resolved: what the user adds or bounds goes, else nobody asks for them."""
        installer = self.simulation.environment.installer
        needs, names = self.build.subject.needs, {p for m in absent for p in m.projects}
        declared = requirement_names(needs.build_system.requires) if needs else set()
        building = installer.building if installer is not None else None
        note = f"{self.project} declares what it is built with, and that cannot be had together with this."
        own = building.extra_requirements.get(self.project, ()) if building is not None else ()
        for entry in own:
            place = _item_place(entry)
            if entry.spec.name in declared | names and place.file in self.bench.documents:
                item = self.bench.document_of(place.file).value_at(place.key)
                yield Unlist(place.key[:-1], item, note, file=place.file)
                return
        for spec in building.constraints if building is not None else ():
            if spec.name in names | declared and spec.place.file in self.bench.documents:
                item = self.bench.document_of(spec.place.file).value_at(spec.place.key)
                yield Unlist(spec.place.key[:-1], item, note, "It bounded all builds.", file=spec.place.file)
                return
        if self.route is UvRoute.TOGETHER:
            asked = and_list(sorted(names))
            yield from self._without_isolation(f"where nobody looks for its build requirement {asked}")

    def _removed(self, removed: Missing) -> Iterator[Change]:
        """An API that is gone: its owner in an older version for all builds, which is what a constraint does."""
        python = last_python_with(self.build, removed)
        if python:
            why = f"{self.project} uses {removed.name}, which {removed.late} no longer has"
            cost = f"Everything runs on Python {python}, which is older."
            yield from self.entries.for_python(self.simulation, python, Why(f"{why}.", why, cost))
        bound = last_with(self.build, removed)
        if not bound:
            return
        owner = removed.late.partition(" ")[0]
        at = setting(self.bench, self.simulation, "build-constraint-dependencies")
        note = f"{self.project} uses {removed.name}, which {removed.late} no longer has: {owner} is bounded for builds."
        comment = f"{self.project} uses {removed.name} while it is built"
        cost = f"No build gets a newer {owner} any more."
        yield Enlist(at.key, bound, note, comment, cost, file=at.file)

    def _refused(self, refusal: Refusal) -> Iterator[Change]:
        """Its script accepts a version only: that one, in place of what the user gives."""
        if refusal.kind != "version":
            return
        at = setting(self.bench, self.simulation, "extra-build-dependencies", self.project)
        installer = self.simulation.environment.installer
        for entry in installer.building.extra_requirements.get(self.project, ()) if installer is not None else ():
            place = _item_place(entry)
            if entry.spec.name == refusal.name and place.file in self.bench.documents:
                item = self.bench.document_of(place.file).value_at(place.key)
                yield Unlist(place.key[:-1], item, file=place.file)
        why = f"{self.project} accepts {refusal.name} {refusal.accepted}"
        yield Enlist(at.key, f"{refusal.name}{refusal.accepted}", f"{why}.", why, file=at.file)

    def _beside(self, beside: Missing) -> Change:
        """Hooks run in the source's own folder: "." on the module path makes what lies there importable."""
        at = setting(self.bench, self.simulation, "extra-build-variables", self.project)
        note = (
            f"The build of {self.project} imports {beside.name}, which lies beside its setup.py: its backend does not "
            "look there, PYTHONPATH does."
        )
        comment = f"lets the build of {self.project} import {beside.name}"
        return Put((*at.key, "PYTHONPATH"), ".", note, comment, file=at.file, inline=True)

    def _variable(self) -> Iterator[Change]:
        """The script's own switch, where it hangs on one whether what is missing is needed (U5)."""
        at = setting(self.bench, self.simulation, "extra-build-variables", self.project)
        installer = self.simulation.environment.installer
        given = installer.building.extra_variables.get(self.project, {}) if installer is not None else {}
        kinds = {"tool"} if self.route is not UvRoute.VARIABLE else {m.kind for m in self.run.missing}
        missing = and_list(sorted({m.name for m in self.run.missing if m.kind in kinds})) or "it"
        for knob, value in deciding_knobs(self.build, self.run):
            if knob.variable not in given:
                note = f"{knob.variable} is the build script's own switch ({knob.evidence[0]})."
                cost = knob_cost(self.build, knob, value)
                comment = f"{self.project} builds without {missing} then"
                without = left_out(self.build, knob)
                key = (*at.key, knob.variable)
                yield Put(key, value, note, comment, cost, file=at.file, inline=True, leaves_out=without)

    def _stated(self) -> Iterator[Change]:
        """Say its metadata in its place, so that uv need not build it to lock."""
        distribution = self.build.subject.distribution
        metadata = distribution.metadata
        if metadata is None or metadata.unknowns:
            return
        at = setting(self.bench, self.simulation, "dependency-metadata")
        value: dict[str, object] = {"name": self.project, "version": distribution.version}
        value["requires-dist"] = list(metadata.requires)
        if metadata.requires_python:
            value["requires-python"] = metadata.requires_python
        if metadata.provides_extra:
            value["provides-extra"] = list(metadata.provides_extra)
        note = f"The metadata of {self.project} {distribution.version} is stated: uv locks it without building it."
        source = metadata.source if metadata.requires else "its sdist, which names none"
        cost = f"What {self.project} {distribution.version} requires is stated as in {source}, for this release."
        yield AddTable(at.key, value, note, "so that locking does not build it", cost, file=at.file)

    # In the environment that is filled

    def _without_isolation(self, why: str) -> Iterator[Change]:
        at = setting(self.bench, self.simulation, "no-build-isolation-package")
        note = f"{self.project} is built without isolation, {why}: uv installs it after all others."
        comment = f"{self.project} is built last, in the environment"
        cost = f"Nobody checks the declared build requirements of {self.project} any more."
        yield Enlist(at.key, self.project, note, comment, cost, file=at.file)
        if self.build.phase("lock") is not None:
            yield from self._stated()

    def _not_needed(self) -> Iterator[Change]:
        """A build requirement does not build: what asks for it is built without isolation, where nobody builds it."""
        asking = self.simulation.build(self.build.asked_for)
        run = failing_run(asking) if asking is not None else None
        if asking is not None and run is not None and self.route is UvRoute.TOGETHER:
            mending = _Mending(self.bench, self.simulation, asking, run, self.route)
            yield from mending._without_isolation(f"where nobody builds its build requirement {self.project}")

    def _not_isolated(self) -> Iterator[Change]:
        options = self.simulation.environment.options
        entry = option_entry(self.simulation, "no_build_isolation", self.project)
        alone = builds_isolated(self.simulation, self.build, self.run)
        if options.no_build_isolation is True:
            place = options.places.get("no-build-isolation")
            if place is not None and place.key and place.file in self.bench.documents:
                note = "With isolation off for all, uv builds everything before it installs anything."
                yield Drop(place.key, note, firm=True, file=place.file)
            return
        if entry is None or entry.place.file not in self.bench.documents:
            return
        unlisted = Unlist(entry.place.key[:-1], entry.spelled, file=entry.place.file)
        if alone:
            yield replace(unlisted, note=f"{self.project} declares all that its build needs: isolated, it builds.")
        elif self.run.phase == "install" and (self.route is UvRoute.TOGETHER or self._can_come_before):
            yield from self._installed_before()
        elif self.route is UvRoute.TOGETHER and self.run.phase == "lock":
            yield from self._stated()
        else:
            note = f"{self.project} gets what it needs in an isolated build: without isolation it sees nothing in time."
            yield replace(unlisted, note=note)

    @property
    def _can_come_before(self) -> bool:
        """Whether what it misses may stand among the dependencies: build tools, or what is only listed by mistake."""
        projects = [m.projects[0] for m in self.run.missing if m.kind == "import" and m.projects and not m.in_tree]
        listed = {p for p in projects if option_entry(self.simulation, "no_build_isolation", p)}
        return len(projects) == len(self.run.missing) and not any(compiled_against(p) for p in {*projects} - listed)

    def _installed_before(self) -> Iterator[Change]:
        """Have in the environment what it imports: uv installs it in the stage before (U3)."""
        for wanted in self.run.missing:
            project = wanted.projects[0] if wanted.projects else ""
            listed = option_entry(self.simulation, "no_build_isolation", project)
            if wanted.kind == "removed":
                project, requirement = wanted.late.partition(" ")[0], last_with(self.build, wanted)
            else:
                requirement = bounded(self.build, project)
            if not requirement or wanted.in_tree:
                continue
            if listed is not None and listed.place.file in self.bench.documents:
                note = f"{project} is installed before {self.project} once it is not listed."
                yield Unlist(listed.place.key[:-1], listed.spelled, note, file=listed.place.file)
                continue
            note = f"{project} is installed before {self.project}, which is built without isolation."
            comment = f"{self.project} is built with {project}, without isolation"
            yield from self.entries.added(self.simulation, requirement, self.project, Why(note, comment))

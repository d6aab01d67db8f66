"""Plans: candidate edits of the user's manifest, each simulated before it is offered.

Tier 1, declare: the least edit that shows each build what it needs, where pixi will see it in time: conda
`[dependencies]` and `no-build-isolation` in the right order (pixi.md P4 to P6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .document import Document, Edit, unified_diff
from .errors import PixiDiagnoseError
from .evidence import KeyPath, Place
from .finding import Plan
from .frontends.model import Build, BuildPhase, Missing, Outcome, Simulation, Visible
from .frontends.visibility import judge, own_requirements
from .names import conda_names

__all__ = ["plan_tiers"]

ROUNDS = 6
"""How often the edited manifest is simulated and mended further: each round shows what the one before uncovered."""

Simulate = Callable[[str], Sequence[Simulation]]


def plan_tiers(document: Document, simulations: Sequence[Simulation], simulate: Simulate) -> tuple[Plan, ...]:
    """The tiers for a workspace of which some environment fails; empty where nothing does.

    `simulate` simulates an edited text of the manifest for the same environments and platforms.
    """
    if all(o in {Outcome.OK, Outcome.UNKNOWN} for s in simulations for o in s.outcomes.values()):
        return ()
    return (_Declare(document, simulations, simulate).plan(),)


# The changes that a declare plan is composed of. `keep` marks what is written down although a simulation passes
# without it.


@dataclass(frozen=True, slots=True)
class _Unlist:
    """Take a project off a no-build-isolation list."""

    place: Place
    project: str
    note: str


@dataclass(frozen=True, slots=True)
class _List:
    """Add a project to the no-build-isolation list of a scope."""

    scope: KeyPath
    project: str
    note: str


@dataclass(frozen=True, slots=True)
class _NameThem:
    """Replace `no-build-isolation = true` by the list of those that need it."""

    place: Place
    projects: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class _Depend:
    """Add a conda dependency to a table."""

    table: KeyPath
    name: str
    version: str
    note: str
    comment: str
    keep: bool = False


_Change = _Unlist | _List | _NameThem | _Depend


class _Declare:
    """Composes tier 1 for the whole workspace: mend, simulate, mend what that uncovered, drop what was not needed."""

    def __init__(self, document: Document, simulations: Sequence[Simulation], simulate: Simulate) -> None:
        self._document = document
        self._before = tuple(simulations)
        self._simulate = simulate

    def plan(self) -> Plan:
        """The plan, passing or with the reason why it does not."""
        changes: tuple[_Change, ...] = ()
        simulations: Sequence[Simulation] = self._before
        reason = ""
        for _ in range(ROUNDS):
            if self._passes(simulations):
                break
            more = tuple(c for c in dict.fromkeys(_mend(simulations)) if c not in changes)
            if not more:
                reason = _why_not(simulations)
                break
            changes += more
            tried = self._try(changes)
            if isinstance(tried, str):
                reason = tried
                break
            simulations = tried
        else:
            reason = _why_not(simulations)
        passes = not reason and self._passes(simulations)
        if passes:
            changes = self._without_the_needless(changes)
        return self._offer(changes, passes=passes, reason=reason)

    def _passes(self, simulations: Sequence[Simulation]) -> bool:
        """Whether every environment locks and installs; what was unknown before may stay unknown."""
        unknown = {_id(s): {k for k, o in s.outcomes.items() if o is Outcome.UNKNOWN} for s in self._before}
        return bool(simulations) and all(
            outcome is Outcome.OK or (outcome is Outcome.UNKNOWN and name in unknown.get(_id(s), set()))
            for s in simulations
            for name, outcome in s.outcomes.items()
        )

    def _try(self, changes: Sequence[_Change]) -> Sequence[Simulation] | str:
        """The simulations of the edited manifest, or why it cannot be simulated."""
        try:
            return self._simulate(self._document.apply(_edits(self._document, changes)))
        except PixiDiagnoseError as error:
            return error.message

    def _without_the_needless(self, changes: tuple[_Change, ...]) -> tuple[_Change, ...]:
        """The fewest changes that still pass: later ones may have made earlier ones needless.

        An entry that was a mistake goes in any case: what declares all that it needs is better built isolated.
        """
        for change in changes:
            if isinstance(change, _Unlist | _NameThem) or (isinstance(change, _Depend) and change.keep):
                continue
            fewer = tuple(c for c in changes if c != change)
            tried = self._try(fewer) if fewer else ""
            if not isinstance(tried, str) and self._passes(tried):
                changes = fewer
        return changes

    def _offer(self, changes: Sequence[_Change], *, passes: bool, reason: str) -> Plan:
        edits = _edits(self._document, changes)
        text = self._document.apply(edits) if edits else self._document.text
        return Plan(
            tier=1,
            name="declare",
            recommended=passes,
            passes=passes,
            edits=edits,
            text=text,
            diff=unified_diff(self._document.text, text, self._document.path),
            notes=tuple(dict.fromkeys(c.note for c in changes if c.note)),
            trade_offs=_trade_offs(changes),
            unchecked=_unchecked(self._before),
            reason=reason,
        )


def _mend(simulations: Sequence[Simulation]) -> Iterable[_Change]:
    """The changes that the failing builds of all simulations call for."""
    for simulation in simulations:
        if simulation.environment.options.no_build_isolation is True and _failing(simulation):
            yield from _name_them(simulation)
            continue
        for build in _failing(simulation):
            yield from _mend_build(simulation, build)


def _failing(simulation: Simulation) -> list[Build]:
    return [b for b in simulation.builds if any(p.outcome in {Outcome.FAILS, Outcome.AT_RISK} for p in b.phases)]


def _mend_build(simulation: Simulation, build: Build) -> Iterable[_Change]:
    run = next(p for p in build.phases if p.outcome in {Outcome.FAILS, Outcome.AT_RISK})
    scope, table = _scope(simulation, build.project)
    for tool in (m for m in run.missing if m.kind == "tool"):
        yield _depend_on_tool(table, tool, build)
    missing = tuple(m for m in run.missing if m.kind == "import" and not m.in_tree)
    if not missing:
        return
    entry = _entry(simulation, build.project)
    if build.isolated:
        yield _List(
            scope, build.project, f"{build.project} is built without isolation, so that it sees {_names(missing)}."
        )
        yield from _backend(simulation, build, table)
    elif entry is not None and _builds_isolated(build, run):
        note = f"{build.project} declares all that its build needs: isolated, it builds."
        yield _Unlist(entry, build.project, note)
    else:
        for wanted in missing:
            yield from _provide(simulation, build, run, wanted, table)


def _provide(
    simulation: Simulation, build: Build, run: BuildPhase, wanted: Missing, table: KeyPath
) -> Iterable[_Change]:
    """Make one missing import visible to a non-isolated build in time."""
    listed = next((p for p in wanted.projects if _entry(simulation, p) is not None), None)
    if run.phase == "install" and listed is not None:
        entry = _entry(simulation, listed)
        other = simulation.build(listed)
        if entry is not None and (other is None or _builds_isolated(other, other.phases[-1])):
            yield _Unlist(entry, listed, f"{listed} is installed before {build.project} once it is not listed.")
            return
    for project in wanted.projects:
        names = conda_names(project)
        if names:
            yield _Depend(
                table,
                names[0],
                _conda_version(simulation, project),
                f"{names[0]} comes from conda, so that it is there when {build.project} is built.",
                f"{build.project} is built without isolation",
                keep=wanted.backend,
            )
            return


def _backend(simulation: Simulation, build: Build, table: KeyPath) -> Iterable[_Change]:
    """A non-isolated build has to find its backend: written down even where another project happens to bring it."""
    needs = build.subject.needs
    backend = next((n for n in needs.imports if n.order == 0), None) if needs else None
    if backend is None or any(p in _conda_projects(simulation) for p in backend.projects):
        return
    names = next((n for p in backend.projects if (n := conda_names(p))), ())
    if names:
        note = (
            f"{names[0]} is the build backend of {build.project}; it is written down so that the build does not depend "
            "on another project bringing it."
        )
        yield _Depend(table, names[0], "*", note, f"{build.project} is built without isolation", keep=True)


def _depend_on_tool(table: KeyPath, tool: Missing, build: Build) -> _Depend:
    package = {"nvcc": "cuda-nvcc"}.get(tool.name, tool.name)
    return _Depend(
        table, package, "*", f"{package} gives {tool.name} to every build.", f"{build.project} needs {tool.name}"
    )


def _name_them(simulation: Simulation) -> Iterable[_Change]:
    """Name those projects that need the environment: an isolated build of them would fail."""
    need = [b for b in simulation.builds if b.phases and not _builds_isolated(b, b.phases[-1])]
    note = "Only what needs it is built without isolation, so that the rest is installed before."
    place = simulation.environment.options.places["no-build-isolation"]
    yield _NameThem(place, tuple(b.project for b in need), note)
    for build in need:
        yield from _backend(simulation, build, _scope(simulation, build.project)[1])


def _builds_isolated(build: Build, run: BuildPhase) -> bool:
    """Whether the build would pass with isolation, seeing its own requirements and the same executables."""
    own, later = own_requirements(build.subject.needs, build.subject.build_environment)
    visible = Visible(own, run.visible.tools if run.visible else {}, later=later)
    return judge("install", build.subject, visible, isolated=True).outcome is Outcome.OK


def _conda_projects(simulation: Simulation) -> set[str]:
    return {project for p in simulation.resolution.conda for project, _ in p.projects}


def _conda_version(simulation: Simulation, project: str) -> str:
    """The version that the environment already has from PyPI, where the user asked for a certain one; else any."""
    asked = next((s for s in simulation.environment.pypi if s.name == project and s.specifier), None)
    chosen = simulation.resolution.distribution(project)
    return f"{chosen.version.split('+')[0]}.*" if asked and chosen else "*"


def _entry(simulation: Simulation, project: str) -> Place | None:
    value = simulation.environment.options.no_build_isolation
    return next((e.place for e in value if e.name == project), None) if isinstance(value, tuple) else None


def _scope(simulation: Simulation, project: str) -> tuple[KeyPath, KeyPath]:
    """Where a project's settings belong: the root of its feature (for options), and its table of conda dependencies.

    A project that another one brings in belongs where that one is declared.
    """
    parents = {d.project: d.required_by for d in simulation.resolution.distributions}
    declared = {s.name: s.place.key for s in simulation.environment.pypi}
    todo, seen = [project], {project}
    while todo:
        name = todo.pop(0)
        if name in declared:
            key = declared[name]
            at = key.index("pypi-dependencies") if "pypi-dependencies" in key else 0
            base = key[:at]
            root = base[: base.index("target")] if "target" in base else base
            return root, (*base, "dependencies")
        fresh = [p for p in parents.get(name, ()) if p and p not in seen]
        seen.update(fresh)
        todo += fresh
    return (), ("dependencies",)


def _edits(document: Document, changes: Sequence[_Change]) -> tuple[Edit, ...]:
    """The changes as edits: one for each list that changes, one for each dependency that is added."""
    lists: dict[KeyPath, list[str] | None] = {}

    def current(key: KeyPath) -> list[str]:
        if lists.get(key) is None:
            value = document.value_at(key)
            lists[key] = list(value) if isinstance(value, list) else []
        return lists[key] or []

    for change in changes:
        if isinstance(change, _NameThem):
            lists[change.place.key] = list(change.projects)
        elif isinstance(change, _Unlist):
            key = change.place.key[:-1]
            spelled = document.value_at(change.place.key)
            lists[key] = [name for name in current(key) if name != spelled]
        elif isinstance(change, _List):
            key = (*change.scope, "pypi-options", "no-build-isolation")
            if change.project not in current(key):
                lists[key] = [*current(key), change.project]
    edits = [Edit.add_key((*c.table, c.name), c.version, comment=c.comment) for c in changes if isinstance(c, _Depend)]
    edits += [Edit.set(key, names) if names else Edit.remove(key) for key, names in lists.items()]
    return tuple(edits)


def _trade_offs(changes: Sequence[_Change]) -> tuple[str, ...]:
    listed = [c.project for c in changes if isinstance(c, _List)]
    if not listed:
        return ()
    who = " and ".join(listed)
    return (
        f"Nobody checks the declared build requirements of {who} any more.",
        f"{who} has to be built again whenever what it is compiled against changes.",
    )


def _unchecked(simulations: Sequence[Simulation]) -> tuple[str, ...]:
    if any(s.resolution.source == "partial" for s in simulations):
        return ("The channels could not be reached, so versions of conda packages were not solved.",)
    return ()


def _why_not(simulations: Sequence[Simulation]) -> str:
    """What still fails, in a sentence."""
    for simulation in simulations:
        for name, outcome in simulation.outcomes.items():
            if outcome in {Outcome.FAILS, Outcome.AT_RISK}:
                failing = next((b for b in _failing(simulation)), None)
                if name in simulation.reasons:
                    return simulation.reasons[name]
                if failing is not None:
                    run = next(p for p in failing.phases if p.outcome in {Outcome.FAILS, Outcome.AT_RISK})
                    return f"{failing.project}: {run.reason}"
    return "what it would need is not known"


def _id(simulation: Simulation) -> tuple[str, str]:
    return simulation.environment.name, simulation.environment.platform.name


def _names(missing: Sequence[Missing]) -> str:
    return " and ".join(m.name for m in missing)

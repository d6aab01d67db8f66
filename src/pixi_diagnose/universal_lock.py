"""What `uv lock` covers: all requirements of a project for any platform, extra and group (uv.md U3).

The questions that are asked for it, and what their answers mean for an environment. Nothing is read or asked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .index.model import Distribution, PypiFailure, PypiResolution
from .index.universal_tags import lowest_python
from .lazy_dataclass import dataclass
from .manifest.installer import Conflict, Installer, ProjectLayout, Scope
from .manifest.markers import all_of, any_of
from .manifest.model import PathSource, PypiSpec

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

__all__ = ["PythonRange", "Side", "UniversalLock", "narrowed", "one_source_each", "python_range", "sides", "united"]


@dataclass(frozen=True, slots=True)
class UniversalLock:
    """The distributions that a universal lock holds, each with the marker under which it is chosen; or the failure.

    `constraints` leave an environment exactly the locked versions. `refused` says why nothing of it can be installed
    with the chosen extras and groups. `tried` are source releases that the resolver takes up and gives up again.
    """

    distributions: tuple[Distribution, ...]
    failure: PypiFailure | None = None
    constraints: tuple[str, ...] = ()
    refused: PypiFailure | None = None
    tried: tuple[Distribution, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """Requirements that are resolved together, and the scopes that are not among them as they conflict with these."""

    specs: tuple[PypiSpec, ...]
    left_out: frozenset[Scope] = frozenset()


@dataclass(frozen=True, slots=True)
class PythonRange:
    """The Pythons that a lock is for: `requires` is PEP 440, `lowest` the first of them ("3.11", "3.11.4")."""

    requires: str
    lowest: str

    @property
    def marker(self) -> str:
        """The same as a marker."""
        return all_of(f"python_full_version {s.operator} '{s.version}'" for s in sorted(self._specifiers, key=str))

    @property
    def _specifiers(self) -> SpecifierSet:
        from packaging.specifiers import SpecifierSet

        return SpecifierSet(self.requires)


def python_range(installer: Installer, python: str) -> PythonRange | None:
    """What all projects of the workspace allow; uv takes `>=` the environment's Python where none says anything.

    None where they exclude each other.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    members = installer.project.members
    given = dict.fromkeys([installer.resolution.requires_python, *(m.requires_python for m in members)])
    requires = ",".join(filter(None, given))
    try:
        requires = str(SpecifierSet(requires))
    except InvalidSpecifier:
        requires = ""
    if not requires:
        requires = f">={'.'.join(python.split('.')[:2])}"
    lowest = lowest_python(requires)
    return None if lowest is None else PythonRange(requires, lowest)


def sides(layout: ProjectLayout) -> tuple[Side, ...]:
    """One side with all requirements, or, with `[tool.uv] conflicts`, as many as it takes to have each scope in one."""
    members = [
        PypiSpec(m.name, m.name, "", m.place, source=PathSource(m.path, editable=True))
        for m in layout.members
        if m.packaged and m.place is not None
    ]
    conflicting = {s for c in layout.conflicts for s in c.scopes}
    found = []
    for scopes in _compatible_scopes(layout.conflicts):
        left_out = frozenset(conflicting - scopes)
        declared = (d.spec for d in layout.declared if d.scope not in left_out)
        found.append(Side(tuple(dict.fromkeys([*members, *declared])), left_out))
    return tuple(found)


def narrowed(specs: Iterable[PypiSpec], installer: Installer, pythons: PythonRange) -> tuple[PypiSpec, ...]:
    """The requirements where the lock holds at all: within `[tool.uv] environments` and requires-python (U3)."""
    limits = (any_of(installer.resolution.lock_environments), pythons.marker)
    return tuple(replace(s, marker=all_of((s.marker, *limits))) for s in specs)


def one_source_each(specs: Sequence[PypiSpec], markers: Mapping[str, str]) -> tuple[PypiSpec, ...]:
    """The requirements without those whose source or index is another one elsewhere than in this marker environment.

    A project that comes from several places has one of them here, and only that one is looked at.
    """
    places: dict[str, set[object]] = {}
    for spec in specs:
        places.setdefault(spec.name, set()).add((spec.source, spec.index))
    return tuple(s for s in specs if len(places[s.name]) == 1 or not s.marker or _holds(s.marker, markers))


def united(layout: ProjectLayout, answers: Sequence[tuple[Side, PypiResolution]]) -> UniversalLock:
    """The lock that the answers for all sides make: each distribution once, or the first failure."""
    failure = next((answer.failure for _, answer in answers if answer.failure is not None), None)
    tried = tuple({(d.project, d.version): d for _, answer in answers for d in answer.tried}.values())
    if failure is not None:
        return UniversalLock((), failure, tried=tried)
    distributions = {(d.project, d.version): d for _, answer in answers for d in answer.distributions}
    chosen = {Scope(layout.name, extra=e) for e in layout.extras} | {Scope(layout.name, group=g) for g in layout.groups}
    fitting = next((answer for side, answer in answers if not side.left_out & chosen), None)
    if fitting is None:
        names = " and ".join(sorted(s.extra or s.group for s in chosen if any(s in c.scopes for c in layout.conflicts)))
        refused = PypiFailure("conflict", f"{names} are declared as conflicting, and cannot be installed together")
        return UniversalLock(tuple(distributions.values()), refused=refused, tried=tried)
    return UniversalLock(
        tuple(distributions[key] for key in sorted(distributions)),
        constraints=tuple(
            f"{d.project}=={d.version}" + (f" ; {d.marker}" if d.marker else "") for d in fitting.distributions
        ),
        tried=tried,
    )


def _compatible_scopes(conflicts: Sequence[Conflict]) -> tuple[frozenset[Scope], ...]:
    """Sets of scopes that may stand together, so that each conflicting scope is in one of them."""
    scopes = list(dict.fromkeys(s for c in conflicts for s in c.scopes))
    found: dict[frozenset[Scope], None] = {}
    for first in scopes:
        together = [first]
        for scope in scopes:
            against = {s for c in conflicts if scope in c.scopes for s in c.scopes if s != scope}
            if scope not in together and against.isdisjoint(together):
                together.append(scope)
        found[frozenset(together)] = None
    return tuple(found) or (frozenset(),)


def _holds(marker: str, environment: Mapping[str, str]) -> bool:
    from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    try:
        return Marker(marker).evaluate({**environment, "extra": ""})
    except (InvalidMarker, UndefinedEnvironmentName, ValueError):
        return False

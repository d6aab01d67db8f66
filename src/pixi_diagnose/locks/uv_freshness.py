"""Is a uv.lock still good? As uv 0.13 judges it: it was made of the same declarations (uv.md U3, U6).

Imitates `ValidatedLock::validate` and `Lock::satisfies` of uv's source (August 2026) as far as they are static: what
the lock says of its workspace's requirements, settings and members is compared with the manifest. Folders outside the
workspace, whose metadata uv reads again, are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..conda.cutoffs import moment
from ..manifest.installer import Installer, Member, Scope
from ..manifest.model import GitSource, PathSource, PypiOptions, PypiSpec, UrlSource
from ..pep508 import canonicalize_name
from .marker_probes import probes
from .model import Staleness
from .origins import same_index
from .uv_lock import UvLock, UvRequirement

__all__ = ["uv_staleness"]

Holds = tuple[tuple[str, tuple[bool, ...]], ...]
Facts = frozenset[tuple[str, tuple[str, ...], frozenset[str], str, Holds]]
"""Requirements as what they mean: name, extras, specifiers, kind of source, and where the marker holds."""

_KINDS = {"git": "git", "url": "url"} | dict.fromkeys(("path", "directory", "editable", "virtual"), "path")
_EXTRA = re.compile(r"extra == ['\"]([^'\"]+)['\"]")


def uv_staleness(
    lock: UvLock, installer: Installer, options: PypiOptions, exclude_newer: str | None = None
) -> Staleness | None:
    """Why uv would write another lock, None where it would keep this one."""
    checks = (
        _settings(lock, installer, options, exclude_newer),
        _members(lock, installer),
        _requirements(lock, installer),
        _limits(lock, installer, options),
        _indexes(lock, options),
    )
    return next((reason for check in checks for reason in check), None)


def _settings(
    lock: UvLock, installer: Installer, options: PypiOptions, exclude_newer: str | None
) -> Iterable[Staleness]:
    resolution = installer.resolution
    places = installer.places
    was, now = lock.options.get("resolution-mode", "highest"), resolution.strategy
    if was != now:
        yield Staleness(f"the resolution mode was {was} and is {now}", places.get("resolution"))
    was, now = (
        lock.options.get("prerelease-mode", "if-necessary-or-explicit"),
        options.prerelease_mode or "if-necessary-or-explicit",
    )
    if was != now:
        yield Staleness(f"the pre-release mode was {was} and is {now}", places.get("prerelease"))
    if _moved(lock, exclude_newer):
        yield Staleness(f"exclude-newer is now {exclude_newer or 'not set'}", places.get("exclude-newer"))
    declared = [r for r in (resolution.requires_python, *(m.requires_python for m in installer.project.members)) if r]
    # without any, uv takes the interpreter at hand, which is not known here
    if declared and _pythons(declared) != _pythons([lock.requires_python]):
        yield Staleness(f"requires-python was {lock.requires_python} and is {', '.join(dict.fromkeys(declared))}")
    for was_markers, now_markers, what in (
        (lock.supported, resolution.lock_environments, "environments"),
        (lock.required, resolution.required_environments, "required-environments"),
    ):
        pythons = lock.requires_python
        if {_holds(m, pythons) for m in was_markers} != {_holds(m, pythons) for m in now_markers}:
            yield Staleness(f"the setting {what} has changed", places.get(what))
    conflicts = {frozenset(map(_conflicting, c.scopes)) for c in installer.project.conflicts}
    if conflicts != set(lock.conflicts):
        yield Staleness("the conflicting extras or groups have changed", places.get("conflicts"))


def _moved(lock: UvLock, exclude_newer: str | None) -> bool:
    """Whether the cut-off has changed; one that is relative to today moves without making a lock stale."""
    recorded = lock.options.get("exclude-newer")
    if (recorded is None and "exclude-newer-span" not in lock.options) != (exclude_newer is None):
        return True
    if recorded is None or exclude_newer is None or "exclude-newer-span" in lock.options:
        return False
    now = datetime.now(UTC)
    return moment(recorded, now) != moment(exclude_newer, now)


def _members(lock: UvLock, installer: Installer) -> Iterable[Staleness]:
    members = installer.project.members
    names = {m.name for m in members}
    # a workspace of one project does not list it
    expected = names if len(names) > 1 or not installer.project.name else set()
    if expected != set(lock.members):
        changed = sorted(expected ^ set(lock.members))
        yield Staleness(f"the members of the workspace have changed: {', '.join(changed)}")
    for member in members:
        locked = lock.package(member.name)
        if locked is None:
            yield Staleness(f"{member.name} is not in the lock file", member.place)
        elif (locked.kind != "virtual") != member.packaged and not _is_required(installer, member):
            now = "a package" if member.packaged else "virtual"
            yield Staleness(f"{member.name} is now {now}, and was not", member.place)
        elif member.name == installer.project.name:
            for was, now_there, what in (
                (locked.provides_extras, installer.project.all_extras, "extras"),
                (locked.requires_dev, installer.project.all_groups, "groups"),
            ):
                if set(was) != set(now_there):
                    yield Staleness(f"the {what} of {member.name} have changed", member.place)


def _is_required(installer: Installer, member: Member) -> bool:
    """Whether another member asks for it: uv then installs it even without a build system."""
    return any(d.spec.name == member.name for d in installer.project.declared)


def _requirements(lock: UvLock, installer: Installer) -> Iterable[Staleness]:
    by_scope: dict[tuple[str, str], list[tuple[PypiSpec, Scope]]] = {}
    for declared in installer.project.declared:
        scope = declared.scope
        by_scope.setdefault((scope.project, scope.group), []).append((declared.spec, scope))
    locked: dict[tuple[str, str], Sequence[UvRequirement]] = {("", ""): lock.requirements}
    locked |= {("", group): requirements for group, requirements in lock.groups.items()}
    for member in installer.project.members:
        package = lock.package(member.name)
        if package is not None:
            locked[member.name, ""] = package.requires_dist
            locked |= {(member.name, group): requirements for group, requirements in package.requires_dev.items()}
    for key in dict.fromkeys((*by_scope, *locked)):
        now = _declared(by_scope.get(key, ()), lock.requires_python)
        was = _locked(locked.get(key, ()), lock.requires_python)
        if now != was:
            changed = next(iter(sorted(f[0] for f in now ^ was)))
            place = next((s.place for s, _ in by_scope.get(key, ()) if s.name == changed), None)
            where = f" of the group {key[1]}" if key[1] else ""
            yield Staleness(f"the requirements{where} have changed: {changed}", place)


def _limits(lock: UvLock, installer: Installer, options: PypiOptions) -> Iterable[Staleness]:
    for was, now, what in (
        (lock.constraints, installer.resolution.constraints, "constraint-dependencies"),
        (lock.overrides, options.dependency_overrides or (), "override-dependencies"),
        (lock.build_constraints, installer.building.constraints, "build-constraint-dependencies"),
    ):
        declared = _declared(((spec, Scope()) for spec in now), lock.requires_python)
        if _locked(was, lock.requires_python) != declared:
            yield Staleness(f"the setting {what} has changed", installer.places.get(what))
    entries = {(m.name, m.version or "", tuple(sorted(m.requires))) for m in installer.building.metadata}
    if lock.dependency_metadata != entries:
        what = "dependency-metadata"
        yield Staleness(f"the setting {what} has changed", installer.places.get(what))


def _indexes(lock: UvLock, options: PypiOptions) -> Iterable[Staleness]:
    """Only where indexes are configured: without any, uv keeps the ones of the lock."""
    configured = [u for u in (options.index_url, *(options.extra_index_urls or ())) if u]
    configured += [link.url or link.path or "" for link in options.find_links or ()]
    if options.index_url is None:
        return  # the default index is among them, and the lock may be from there
    for package in lock.packages:
        known = package.kind != "registry" or any(same_index(url, package.location) for url in configured)
        if not known:
            yield Staleness(f"{package.name} is locked from {package.location}, which is not among the indexes")


def _declared(specs: Iterable[tuple[PypiSpec, Scope]], pythons: str) -> Facts:
    found = set()
    for spec, scope in specs:
        condition = f"extra == '{scope.extra}'" if scope.extra else ""
        own = f"({spec.marker})" if condition and spec.marker else spec.marker
        marker = " and ".join(filter(None, (own, condition)))
        specifier = "" if spec.source is not None else spec.specifier
        extras = tuple(sorted(spec.extras))
        found.add((spec.name, extras, _specifiers(specifier), _source(spec), _holds(marker, pythons)))
    return frozenset(found)


def _locked(requirements: Iterable[UvRequirement], pythons: str) -> Facts:
    return frozenset(
        (
            r.name,
            r.extras,
            _specifiers(r.specifier),
            _KINDS.get(r.source.partition(" ")[0], ""),
            _holds(r.marker, pythons),
        )
        for r in requirements
    )


def _source(spec: PypiSpec) -> str:
    """The kind of place that a requirement comes from, in the lock's words; "" for an index."""
    if isinstance(spec.source, GitSource):
        return "git"
    if isinstance(spec.source, UrlSource):
        return "url"
    if isinstance(spec.source, PathSource):
        return "path"
    return ""


@lru_cache(maxsize=4096)
def _holds(marker: str, pythons: str) -> Holds:
    """Where a marker holds: for each extra that it names, and for none, the probes in which it does.

    A universal lock leaves out what holds for all its Pythons, so only these count.
    """
    if not marker:
        return ()
    extras = sorted({"", *(canonicalize_name(e) for e in _EXTRA.findall(marker))})
    found = tuple((e, tuple(p.holds(marker, (e,) if e else ()) for p in probes(pythons))) for e in extras)
    return () if all(all(held) for _, held in found) else found


def _specifiers(text: str) -> frozenset[str]:
    try:
        return frozenset(map(str, SpecifierSet(text)))
    except InvalidSpecifier:
        return frozenset((text,))


def _pythons(requires: Iterable[str]) -> tuple[bool, ...]:
    """The releases that all of these allow: a lock holds the range, not the spelling."""
    try:
        allowed = SpecifierSet(",".join(filter(None, requires)))
    except InvalidSpecifier:
        return ()
    known = [f"3.{minor}.{patch}" for minor in range(6, 21) for patch in range(20)]
    return tuple(allowed.contains(version) for version in (*known, "4.0"))


def _conflicting(scope: Scope) -> tuple[str, str, str]:
    return scope.project, scope.extra, scope.group

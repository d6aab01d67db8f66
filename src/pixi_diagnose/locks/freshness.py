"""Is a pixi.lock still good? As pixi 0.77 judges it: the lock has to satisfy what is asked (pixi.md P9).

Imitates `OutdatedEnvironments` and `verify_environment_satisfiability` of pixi's source at 0.77.0. Environments are
judged one by one, as pixi resolves anew only those that are out of date, with their solve groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

from ..environment import Environment
from ..lazy_dataclass import dataclass
from ..manifest.model import FindLinks, PathSource, Platform
from ..manifest.platforms import bare_platform
from .model import LockedEnvironment, LockedPackages, LockedPlatform, PixiLock, PypiRecord, Staleness
from .origins import same_index
from .satisfaction import Satisfied, UnsatisfiedError, satisfy

__all__ = ["Judgement", "judge"]

INDEXES_SINCE = 5
"""The first version of the format that says which indexes were used."""
STRATEGIES = {"highest": "highest", "lowest": "lowest-version", "lowest-direct": "lowest-version-direct"}

Key = tuple[str, str]
"""An environment's name and a platform's."""


@dataclass(slots=True)
class Judgement:
    """What a lock is worth, by environment and platform: `good` what it answers, `stale` why it does not.

    `removed` says what else in the lock pixi would rewrite without resolving anything (environments that are gone).
    """

    good: dict[Key, tuple[LockedPackages, Satisfied]] = field(default_factory=dict)
    stale: dict[Key, Staleness] = field(default_factory=dict)
    removed: Staleness | None = None


def judge(
    lock: PixiLock,
    environments: Sequence[Environment],
    channel_url: Callable[[str], str],
    is_default_index: Callable[[str], bool],
) -> Judgement:
    """Judge every environment of a manifest; never raises for what the lock holds.

    `channel_url` turns a channel that is a path into a URL, `is_default_index` knows the index that pixi takes where
    the manifest names none.
    """
    judgement = Judgement()
    names = _aligned([e.platform for e in environments], lock.platforms.values())
    by_name: dict[str, list[Environment]] = {}
    groups: dict[str, list[Environment]] = {}
    for environment in environments:
        by_name.setdefault(environment.name, []).append(environment)
        if environment.solve_group:
            groups.setdefault(environment.solve_group, []).append(environment)
    for name, own in by_name.items():
        group = groups.get(own[0].solve_group or "", own)
        locked = lock.environments.get(name)
        reason: Staleness | None
        if locked is None:
            reason = Staleness(f"the environment '{name}' does not exist in the lock file")
        else:
            check = _EnvironmentCheck(lock, locked, own, group, names, channel_url, is_default_index)
            reason = check.mismatch()
        for environment in own:
            key = (name, environment.platform.name)
            if reason is not None or locked is None:
                judgement.stale[key] = reason or Staleness("")
                continue
            packages = _packages(lock, locked, environment.platform, names)
            if packages is None:
                if environment.conda or environment.pypi:
                    said = f"the environment '{name}' is not locked for the platform '{environment.platform.name}'"
                    judgement.stale[key] = Staleness(said)
                    continue
                packages = LockedPackages()
            try:
                indexes = (*(locked.indexes or ()), *(link for link in locked.find_links if "://" in link))
                judgement.good[key] = packages, satisfy(environment, packages, indexes, is_default_index)
            except UnsatisfiedError as error:
                judgement.stale[key] = error.staleness
    _check_groups(judgement, groups, by_name)
    gone = [name for name in lock.environments if name not in by_name]
    if gone:
        judgement.removed = Staleness(f"it has environments that no longer exist: {', '.join(gone)}")
    return judgement


# --- platforms --------------------------------------------------------------------------------------------------------


def _aligned(platforms: Iterable[Platform], locked: Iterable[LockedPlatform]) -> dict[str, str]:
    """The lock's names of platforms → the manifest's, where subdir and virtual packages tell that they are the same."""
    ours = {p.name: p for p in platforms}
    theirs = {p.name: p for p in locked}
    renamed = {}
    for name, platform in theirs.items():
        same = [p for p in ours.values() if p.subdir == platform.subdir and _own(p) == _customised(platform)]
        if len(same) == 1 and name not in ours and same[0].name not in theirs:
            renamed[name] = same[0].name
    return {name: renamed.get(name, name) for name in theirs}


def _own(platform: Platform) -> set[tuple[str, str, str]]:
    """The virtual packages that are not the subdir's defaults."""
    return {(v.name, v.version, v.build or "0") for v in platform.virtual_packages} - _defaults(platform.subdir)


def _customised(platform: LockedPlatform) -> set[tuple[str, str, str]]:
    found = set()
    for text in platform.virtual_packages:
        name, _, rest = text.partition("=")
        version, _, build = rest.partition("=")
        found.add((name, version, build or "0"))
    return found - _defaults(platform.subdir)


def _defaults(subdir: str) -> set[tuple[str, str, str]]:
    return {(v.name, v.version, v.build or "0") for v in bare_platform(subdir).virtual_packages}


def _packages(
    lock: PixiLock, locked: LockedEnvironment, platform: Platform, names: Mapping[str, str]
) -> LockedPackages | None:
    """The row of a platform: by its name, else by its subdir where the virtual packages cover what is declared."""
    for row, packages in locked.packages.items():
        if names.get(row, row) == platform.name:
            return packages
    candidate = lock.platforms.get(platform.subdir)
    if candidate is None or any(names.get(row, row) == platform.name for row in lock.platforms):
        return None
    declared = {(v.name, v.version, v.build or "0") for v in platform.virtual_packages}
    recorded = _customised(candidate) | _defaults(candidate.subdir)
    covered = not candidate.virtual_packages or declared <= recorded
    return locked.packages.get(platform.subdir) if covered else None


# --- environments -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _EnvironmentCheck:
    """One environment on all its platforms (`own`), and its solve group on all of theirs."""

    lock: PixiLock
    locked: LockedEnvironment
    own: Sequence[Environment]
    group: Sequence[Environment]
    names: Mapping[str, str]
    channel_url: Callable[[str], str]
    is_default_index: Callable[[str], bool]

    def mismatch(self) -> Staleness | None:
        """The first difference in what was asked for, None for none."""
        checks = (self._channels, self._platforms, self._projects, self._options, self._cutoff)
        return next((Staleness(said) for check in checks if (said := check())), None)

    def _channels(self) -> str:
        ours = [self.channel_url(c) for c in dict.fromkeys(c for e in self.group for c in e.channels)]
        theirs = list(self.locked.channels)
        same = [_same_channel(a, b) for a, b in zip(ours, theirs, strict=False)]
        if not all(same) or len(ours) < len(theirs):
            return "the channels in the lock file do not match the environment's channels"
        if len(ours) > len(theirs):
            return "channels were extended with additional lower-priority channels"
        return ""

    def _platforms(self) -> str:
        ours = {e.platform.name: e.platform for e in self.own}
        subdirs = {p.subdir for p in ours.values()}
        rows = [self.lock.platforms[row] for row in self.locked.packages if row in self.lock.platforms]
        gone = [r.name for r in rows if self.names.get(r.name, r.name) not in ours and r.subdir not in subdirs]
        if gone:
            return f"platform(s) '{', '.join(gone)}' present in the lock file but not in the environment"
        for row in rows:
            platform = ours.get(self.names.get(row.name, row.name))
            if platform is None:
                continue
            if platform.subdir != row.subdir:
                return (
                    f"the workspace platform '{platform.name}' uses subdir '{platform.subdir}' but the lock-file was "
                    f"solved with subdir '{row.subdir}'"
                )
            declared, solved = _own(platform), _customised(row)
            if declared != solved:
                return (
                    f"the workspace platform '{platform.name}' declares virtual packages [{_listed(declared)}] but the "
                    f"lock-file was solved with [{_listed(solved)}]"
                )
        return ""

    def _projects(self) -> str:
        if not any(e.pypi for e in self.own):
            return ""
        return self._indexes() or self._no_build() or self._tags()

    def _indexes(self) -> str:
        options = [e.options for e in self.group]
        first = next((o.index_url for o in options if o.index_url), None)
        extra = list(dict.fromkeys(u for o in options for u in o.extra_index_urls or ()))
        links = [_link(link) for link in dict.fromkeys(link for o in options for link in o.find_links or ())]
        if self.locked.indexes is None:
            has_projects = any(p.pypi for p in self.locked.packages.values())
            missing = self.lock.version >= INDEXES_SINCE and has_projects
            return "the indexes used to previously solve to lock file are missing" if missing else ""
        main, *others = self.locked.indexes or ("",)
        fits = _same_url(main, first) if first else self.is_default_index(main)
        if fits and len(others) == len(extra) and all(map(_same_url, others, extra)):
            if list(self.locked.find_links) == links:
                return ""
            return f"its find-links were [{', '.join(self.locked.find_links)}] and are [{', '.join(links)}]"
        return "the indexes used to previously solve to lock file do not match the environment's indexes"

    def _no_build(self) -> str:
        values = [e.options.no_build for e in self.group]
        everything = any(v is True for v in values)
        names = {e.name for v in values if isinstance(v, tuple) for e in v}
        if not everything and not names:
            return ""
        editable = {s.name for e in self.own for s in e.pypi if isinstance(s.source, PathSource) and s.source.editable}
        for record in self._records():
            built = not record.location.partition("#")[0].endswith(".whl")
            if built and record.name not in editable and (everything or record.name in names):
                return (
                    f"the lock file contains non-binary package: '{record.name}', but the pypi-option `no-build` is set"
                )
        return ""

    def _tags(self) -> str:
        from ..index.tags import Target

        for row, packages in self.locked.packages.items():
            platform = next(
                (e.platform for e in self.own if e.platform.name == self.names.get(row, row)),
                next((e.platform for e in self.own if e.platform.subdir == self.lock.platforms[row].subdir), None),
            )
            python = next((c.version for c in packages.conda if c.name == "python"), "")
            if platform is None or not python[:1].isdecimal():
                continue
            target = None
            for record in packages.pypi:
                tag = _wheel_tag(record.location)
                if not tag or tag in {"py3-none-any", "py2.py3-none-any"}:
                    continue
                target = target or Target.of(platform, python)
                if target.rank(tag) is None:
                    return (
                        "the lock file was solved with system requirements incompatible with the tags on wheel "
                        f"({record.name})"
                    )
        return ""

    def _options(self) -> str:
        first = self.own[0]
        strategy = STRATEGIES.get(first.solve_strategy or "highest", "highest")
        if self.locked.strategy != strategy:
            return f"the lock file was solved with a different strategy ({self.locked.strategy}) than {strategy}"
        priority = first.channel_priority or "strict"
        if self.locked.channel_priority != priority:
            return (
                f"the lock file was solved with a different channel priority ({self.locked.channel_priority}) than "
                f"{priority}"
            )
        modes = [e.options.prerelease_mode for e in self.group if e.options.prerelease_mode]
        mode = modes[0] if modes else "if-necessary-or-explicit"
        if self.locked.prerelease_mode != mode:
            return (
                f"the lock file was solved with a different PyPI prerelease mode ({self.locked.prerelease_mode}) than "
                f"{mode}"
            )
        return ""

    def _cutoff(self) -> str:
        first = self.own[0]
        if not (first.exclude_newer or first.exclude_newer_packages or first.exclude_newer_channels):
            return ""
        from ..conda.cutoffs import moment

        now = datetime.now(UTC)
        by_channel = {self.channel_url(c): text for c, text in first.exclude_newer_channels.items()}
        for record in (c for packages in self.locked.packages.values() for c in packages.conda):
            general = next((t for c, t in by_channel.items() if _same_channel(c, record.channel)), first.exclude_newer)
            text = first.exclude_newer_packages.get(record.name, general)
            limit = moment(text, now) if text else None
            if limit is not None and record.timestamp is not None and record.timestamp / 1000 > limit.timestamp():
                made = datetime.fromtimestamp(record.timestamp / 1000, UTC)
                return (
                    f"the locked package '{record.name}' has timestamp {made:%Y-%m-%dT%H:%M:%SZ}, which is newer than "
                    f"the environment's exclude-newer cutoff {limit:%Y-%m-%dT%H:%M:%SZ}"
                )
        return ""

    def _records(self) -> Iterable[PypiRecord]:
        return (record for packages in self.locked.packages.values() for record in packages.pypi)


def _same_channel(spelled: str, locked: str) -> bool:
    """A channel's name is the path of its URL, below whatever address the user's settings give to names."""
    if "://" in spelled:
        return _same_url(spelled, locked)
    return unquote(urlsplit(locked).path).strip("/") == spelled.strip("/")


def _same_url(one: str, other: str | None) -> bool:
    return other is not None and same_index(one, other)


def _link(link: FindLinks) -> str:
    return link.url or link.path or ""


def _listed(packages: Iterable[tuple[str, str, str]]) -> str:
    return ", ".join(
        f"{name}={version}" + (f"={build}" if build != "0" else "") for name, version, build in sorted(packages)
    )


def _wheel_tag(location: str) -> str:
    name = unquote(location.partition("#")[0].rpartition("/")[2])
    return "-".join(name.removesuffix(".whl").rsplit("-", 3)[1:]) if name.endswith(".whl") else ""


# --- solve groups -----------------------------------------------------------------------------------------------------


def _check_groups(
    judgement: Judgement, groups: Mapping[str, Sequence[Environment]], by_name: Mapping[str, Sequence[Environment]]
) -> None:
    """A stale environment takes its solve group along; a group's environments have to agree on every package."""
    alone = [[e] for own in by_name.values() for e in own if not e.solve_group]
    together = [
        [e for e in members if e.platform.name == platform]
        for members in groups.values()
        for platform in dict.fromkeys(e.platform.name for e in members)
    ]
    for members in (*alone, *together):
        keys = [(e.name, e.platform.name) for e in members]
        reason = next((judgement.stale[k] for k in keys if k in judgement.stale), None)
        reason = reason or _group_mismatch([judgement.good[k] for k in keys])
        if reason is not None:
            for key in keys:
                judgement.good.pop(key, None)
                judgement.stale.setdefault(key, reason)


def _group_mismatch(members: Sequence[tuple[LockedPackages, Satisfied]]) -> Staleness | None:
    expected = {name for _, found in members for name in found.conda_expected}
    for_pypi = {name for _, found in members for name in found.conda_for_pypi}
    surplus = sorted(for_pypi - expected)
    if surplus:
        return Staleness(f"'{surplus[0]}' is locked as a conda package but only requested by pypi dependencies")
    locations: dict[tuple[str, str], str] = {}
    for packages, _ in members:
        rows = [("conda", c.name, c.location) for c in packages.conda]
        rows += [("pypi", p.name, p.location) for p in packages.pypi]
        for kind, name, location in rows:
            if locations.setdefault((kind, name), location) != location:
                return Staleness(f"the environments of its solve group are locked with different packages of '{name}'")
    return None

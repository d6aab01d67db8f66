"""uv.lock (version 1) → UvLock, and what it installs for one Python, platform, and choice of extras and groups.

The format as uv 0.13.8 writes it (revision 5); additions of later revisions are ignored, as uv ignores them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from functools import lru_cache
from typing import TypeVar
from urllib.parse import unquote

from ..errors import LockError
from ..index.model import Distribution
from ..index.tags import Target
from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name
from .model import of_nothing
from .pypi_matching import MarkerReader
from .toml_fields import Fields, parse_toml

__all__ = ["Selection", "UvLock", "UvPackage", "UvRequirement", "locked_distributions", "read_uv_lock"]

VERSION = 1

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class UvFile:
    """An archive of a locked package."""

    filename: str
    url: str
    sha256: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class UvDependency:
    """An edge of the lock; `version` and `source` tell packages of one name apart, "" where there is only one."""

    name: str
    version: str = ""
    source: str = ""
    extras: tuple[str, ...] = ()
    marker: str = ""


@dataclass(frozen=True, slots=True)
class UvRequirement:
    """A requirement as it was declared when the lock was made; `source` is "" for an index, else kind and place."""

    name: str
    extras: tuple[str, ...] = ()
    specifier: str = ""
    marker: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class UvPackage:
    """A package: `kind` is "registry", "git", "url", "path", "directory", "editable" or "virtual", at `location`."""

    name: str
    version: str
    kind: str
    location: str
    dependencies: tuple[UvDependency, ...] = ()
    optional: Mapping[str, tuple[UvDependency, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[UvDependency, ...]] = field(default_factory=dict)
    sdist: UvFile | None = None
    wheels: tuple[UvFile, ...] = ()
    requires_dist: tuple[UvRequirement, ...] = ()
    requires_dev: Mapping[str, tuple[UvRequirement, ...]] = field(default_factory=dict)
    provides_extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UvLock:
    """A whole uv.lock. The requirements that belong to no package stand in `requirements` and `groups`.

    `dependency_metadata` are entries of that setting as (name, version, requirements).
    `options` are resolution-mode, prerelease-mode, fork-strategy and exclude-newer as spelled; `conflicts` the scopes
    that exclude each other, as (package, extra, group).
    """

    requires_python: str
    packages: tuple[UvPackage, ...]
    members: tuple[str, ...] = ()
    requirements: tuple[UvRequirement, ...] = ()
    groups: Mapping[str, tuple[UvRequirement, ...]] = field(default_factory=dict)
    constraints: tuple[UvRequirement, ...] = ()
    overrides: tuple[UvRequirement, ...] = ()
    build_constraints: tuple[UvRequirement, ...] = ()
    dependency_metadata: frozenset[tuple[str, str, tuple[str, ...]]] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict)
    supported: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    conflicts: tuple[frozenset[tuple[str, str, str]], ...] = ()

    def package(self, name: str) -> UvPackage | None:
        """The first package of a canonical name."""
        return next((p for p in self.packages if p.name == name), None)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is installed of a lock: the root projects with these extras and groups, on one platform and Python.

    `target` accepts wheels and gives markers; `forbids_build` and `forbids_wheel` say of a canonical name what the
    settings rule out.
    """

    roots: tuple[str, ...]
    target: Target
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    forbids_build: Callable[[str], bool] = of_nothing
    forbids_wheel: Callable[[str], bool] = of_nothing


# --- reading ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def read_uv_lock(text: str, path: str) -> UvLock:
    """The lock's content. Raises LockError naming the part that cannot be read, or the version that is not known."""
    top = parse_toml(text, path)
    version = top.number("version")
    if version != VERSION:
        raise LockError(f"its format, version {version}, is unknown to uv 0.13", path=path, version=version)
    manifest = top.table("manifest")
    options = top.table("options")
    return UvLock(
        requires_python=top.text("requires-python", ""),
        packages=tuple(_package(p) for p in top.tables("package")),
        members=tuple(map(canonicalize_name, manifest.texts("members"))),
        requirements=tuple(map(_requirement, manifest.tables("requirements"))),
        groups=_by_name(manifest.table("dependency-groups"), _requirement),
        constraints=tuple(map(_requirement, manifest.tables("constraints"))),
        overrides=tuple(_requirement(r) for r in manifest.tables("overrides") if "package" not in r),
        build_constraints=tuple(map(_requirement, manifest.tables("build-constraints"))),
        dependency_metadata=frozenset(
            (canonicalize_name(m.text("name")), m.text("version", ""), tuple(sorted(m.texts("requires-dist"))))
            for m in manifest.tables("dependency-metadata")
        ),
        options={key: options.text(key) for key in options.names if key in _OPTIONS},
        supported=top.texts("supported-markers"),
        required=top.texts("required-markers"),
        conflicts=tuple(_conflict(c) for c in _conflict_sets(top)),
    )


_OPTIONS = frozenset({"resolution-mode", "prerelease-mode", "fork-strategy", "exclude-newer", "exclude-newer-span"})


def _package(fields: Fields) -> UvPackage:
    source = fields.table("source")
    kind = next((k for k in ("registry", "git", "url", "path", "directory", "editable", "virtual") if k in source), "")
    if not kind:
        raise fields.error("its source is of no known kind")
    metadata = fields.table("metadata")
    return UvPackage(
        name=canonicalize_name(fields.text("name")),
        version=fields.text("version", ""),
        kind=kind,
        location=source.text(kind),
        dependencies=tuple(map(_dependency, fields.tables("dependencies"))),
        optional=_by_name(fields.table("optional-dependencies"), _dependency),
        groups=_by_name(fields.table("dev-dependencies"), _dependency),
        sdist=_file(fields.table("sdist"), fields) if "sdist" in fields else None,
        wheels=tuple(_wheel(w, fields) for w in fields.tables("wheels")),
        requires_dist=tuple(map(_requirement, metadata.tables("requires-dist"))),
        requires_dev=_by_name(metadata.table("requires-dev"), _requirement),
        provides_extras=tuple(map(canonicalize_name, metadata.texts("provides-extras"))),
    )


def _by_name(fields: Fields, read: Callable[[Fields], Item]) -> dict[str, tuple[Item, ...]]:
    return {canonicalize_name(key): tuple(map(read, fields.tables(key))) for key in fields.names}


def _file(fields: Fields, package: Fields) -> UvFile:
    """An archive by URL, by path, or by name where the package's own URL says where it is."""
    url = fields.text("url", "") or fields.text("path", "")
    name = fields.text("filename", "") or unquote(url.partition("#")[0].rpartition("/")[2])
    if not url:
        source = package.table("source")
        url = source.text("url", "") or source.text("path", "")
        name = name or unquote(url.partition("#")[0].rpartition("/")[2])
    return UvFile(name, url, fields.text("hash", "").removeprefix("sha256:"), fields.number("size"))


def _wheel(fields: Fields, package: Fields) -> UvFile:
    found = _file(fields, package)
    if _tag(found.filename).count("-") != 2:
        raise fields.error(f"'{found.filename}' is no name of a wheel")
    return found


def _dependency(fields: Fields) -> UvDependency:
    source = fields.table("source")
    return UvDependency(
        name=canonicalize_name(fields.text("name")),
        version=fields.text("version", ""),
        source="".join(source.text(key) for key in source.names[:1]),
        extras=tuple(map(canonicalize_name, fields.texts("extra"))),
        marker=fields.text("marker", ""),
    )


def _requirement(fields: Fields) -> UvRequirement:
    kind = next((k for k in ("git", "url", "path", "directory", "editable", "virtual") if k in fields), "")
    return UvRequirement(
        name=canonicalize_name(fields.text("name")),
        extras=tuple(sorted(map(canonicalize_name, fields.texts("extras")))),
        specifier=fields.text("specifier", ""),
        marker=fields.text("marker", ""),
        source=f"{kind} {fields.text(kind)}" if kind else "",
    )


def _conflict_sets(top: Fields) -> Iterator[list[Fields]]:
    for number, members in enumerate(top.lists("conflicts")):
        yield Fields({"members": members}, top.path, f"conflicts[{number}]").tables("members")


def _conflict(members: Iterable[Fields]) -> frozenset[tuple[str, str, str]]:
    return frozenset((m.text("package", ""), m.text("extra", ""), m.text("group", "")) for m in members)


# --- choosing ---------------------------------------------------------------------------------------------------------


def locked_distributions(lock: UvLock, selection: Selection) -> tuple[Distribution, ...]:
    """The distributions that a sync of the selection installs, sorted by project; members included, virtual ones not.

    Roots that the lock does not have give nothing. A build that the settings forbid is among them: it is uv's own error
    when it is about to start. Raises LockError where the lock has nothing of a package that may be installed.
    """
    return _Walk(lock, selection).run()


_EXTRA = re.compile(r"extra (==|!=) '([^']*)'")


class _Walk:
    def __init__(self, lock: UvLock, selection: Selection) -> None:
        self.selection = selection
        self.markers = MarkerReader(selection.target.markers())
        self.by_name: dict[str, list[UvPackage]] = {}
        for package in lock.packages:
            self.by_name.setdefault(package.name, []).append(package)
        self.lock = lock
        # uv tells the forks of conflicting extras and groups by markers such as extra == 'extra-4-demo-cpu'
        self.active = {f"{kind}-{len(r)}-{r}-{n}" for r in selection.roots for kind, n in self._scopes()}
        self.required_by: dict[int, dict[str, None]] = {}
        self.packages: dict[int, UvPackage] = {}

    def _scopes(self) -> Iterator[tuple[str, str]]:
        yield from (("extra", e) for e in self.selection.extras)
        yield from (("group", g) for g in self.selection.groups)

    def run(self) -> tuple[Distribution, ...]:
        todo: list[tuple[UvPackage, str, str]] = []
        for name in self.selection.roots:
            for package in self.by_name.get(name, ()):
                todo += [(package, extra, "") for extra in ("", *self.selection.extras)]
                for group in self.selection.groups:
                    todo += self._followed(package.groups.get(group, ()), package.name)
        direct = [*self.lock.requirements, *(r for g in self.selection.groups for r in self.lock.groups.get(g, ()))]
        for r in direct:
            todo += self._followed([UvDependency(r.name, extras=r.extras, marker=r.marker)], "")
        seen: set[tuple[int, str]] = set()
        while todo:
            package, extra, by = todo.pop()
            self.packages[id(package)] = package
            self.required_by.setdefault(id(package), {})[by] = None
            if (id(package), extra) in seen:
                continue
            seen.add((id(package), extra))
            edges = package.optional.get(extra, ()) if extra else package.dependencies
            todo += self._followed(edges, package.name)
        found = [self._distribution(p) for p in self.packages.values() if p.kind != "virtual"]
        return tuple(sorted(found, key=lambda d: d.project))

    def _followed(self, edges: Iterable[UvDependency], by: str) -> Iterator[tuple[UvPackage, str, str]]:
        for edge in edges:
            if not self._holds(edge.marker):
                continue
            for package in self.by_name.get(edge.name, ()):
                if edge.version in {"", package.version} and edge.source in {"", package.location}:
                    yield from ((package, extra, by) for extra in ("", *edge.extras))

    def _holds(self, marker: str) -> bool:
        def decided(match: re.Match[str]) -> str:
            return f"python_version {'>=' if (match[2] in self.active) == (match[1] == '==') else '<'} '0'"

        return self.markers.holds(_EXTRA.sub(decided, marker))

    def _distribution(self, package: UvPackage) -> Distribution:
        required_by = tuple(sorted(self.required_by[id(package)]))
        file, kind, why = self._file(package)
        return Distribution(
            project=package.name,
            version=package.version,
            kind=kind,
            filename=file.filename if file else "",
            url=file.url if file else package.location,
            sha256=file.sha256 if file else "",
            index=package.location if package.kind == "registry" else "",
            size=file.size if file else None,
            requires=tuple(r.name for r in package.dependencies),
            required_by=required_by,
            why_built=why,
        )

    def _file(self, package: UvPackage) -> tuple[UvFile | None, str, str]:
        """The archive that is installed, what it is, and why it has to be built."""
        if package.kind in {"directory", "editable"}:
            return None, "directory", "it is a source tree"
        if package.kind == "git":
            return None, "git", "it is a source tree"
        refused = self.selection.forbids_wheel(package.name)
        target = self.selection.target
        ranked = [(rank, w) for w in package.wheels if (rank := target.rank(_tag(w.filename))) is not None]
        if ranked and not refused:
            return min(ranked, key=lambda r: r[0])[1], "wheel", ""
        if package.sdist is None or (refused and self.selection.forbids_build(package.name)):
            message = f"{package.name} {package.version} cannot be installed: {_why_not(package, refused)}"
            raise LockError(message, path="uv.lock")
        why = "no-binary is set for it" if refused and ranked else "uv.lock has no wheel for it that fits"
        return package.sdist, "sdist", why


def _why_not(package: UvPackage, refused: bool) -> str:
    """Why uv 0.13 takes nothing of what a lock has of a package."""
    if not refused:
        return "uv.lock has neither a wheel that fits this platform nor its source"
    return "no-binary forbids its wheels, and " + (
        "uv.lock has no source of it" if package.sdist is None else "no-build forbids building it"
    )


def _tag(filename: str) -> str:
    return "-".join(filename.removesuffix(".whl").rsplit("-", 3)[1:])

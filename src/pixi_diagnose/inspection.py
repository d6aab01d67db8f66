"""One source tree on its own: an sdist, a folder or a requirement in, what its build needs out.

What was found in an archive is kept under its sha256, and for a folder under a digest of what was read of it: a kept
answer is given without importing what makes one.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .build_needs import facts
from .build_needs.model import BuildNeeds, BuildTarget, ImportNeed, Phase, RemovedApi, Strength
from .core_metadata import StaticMetadata
from .errors import UsageError
from .evidence import Unknown
from .index.session import DERIVED, IndexSession
from .kept_values import from_bytes, to_bytes
from .lazy_dataclass import dataclass
from .outcome import Outcome

if TYPE_CHECKING:
    from .source_tree import SourceTree

__all__ = ["Inspection", "Source", "inspect_source"]

ADDRESS = re.compile(r"(?:git\+[a-z]+|https?|file):")


@dataclass(frozen=True, slots=True)
class Source:
    """What was read: `kind` is "sdist", "directory" or "git", `sha256` the archive's (empty for the others)."""

    kind: str
    location: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was read, what it says of itself, and what its build needs on one target.

    `import_givers` and `tool_givers` stand beside `needs.imports` and `needs.tools`: who gives each to a standard
    isolated build ("declared", "hook", "setuptools", "brought"), None for nobody. `undeclared` are the imports that
    nobody gives and that count, each project once.
    """

    source: Source
    target: BuildTarget
    metadata: StaticMetadata
    needs: BuildNeeds
    import_givers: tuple[str | None, ...]
    tool_givers: tuple[str | None, ...]
    undeclared: tuple[ImportNeed, ...]
    unknowns: tuple[Unknown, ...]

    @classmethod
    def of(
        cls,
        source: Source,
        target: BuildTarget,
        metadata: StaticMetadata,
        needs: BuildNeeds,
        unknowns: Iterable[Unknown] = (),
    ) -> Self:
        """An analysis, with who gives the build what it needs; `unknowns` are the tree's own."""
        from .build_needs.providers import applicable_projects, provider, undeclared

        declared = applicable_projects(needs.build_system.requires, target)
        asked_for = applicable_projects(needs.hook_requirements, target)
        return cls(
            source,
            target,
            metadata,
            needs,
            tuple(provider(need, needs, target=target) for need in needs.imports),
            tuple("declared" if t.name in declared else "hook" if t.name in asked_for else None for t in needs.tools),
            undeclared(needs, target=target),
            tuple(dict.fromkeys((*unknowns, *metadata.unknowns, *needs.build_system.unknowns, *needs.unknowns))),
        )

    @property
    def missing(self) -> tuple[ImportNeed, ...]:
        """The undeclared imports without which an isolated build fails."""
        return tuple(n for n in self.undeclared if n.strength is Strength.HARD)

    @property
    def gone(self) -> tuple[RemovedApi, ...]:
        """What the build surely uses and the target's Python no longer has, beyond what stops the script already."""
        stopped = {line for stop in self.needs.stops for line in stop.evidence}
        return tuple(
            api
            for api in self.needs.removed
            if api.strength is Strength.HARD
            and api.name.partition(".")[0] != "distutils"  # setuptools brings its own copy
            and stopped.isdisjoint(api.evidence)
            and any(o == "python" and self.target.python >= _numbers(since) for o, since in api.removed_in)
        )

    def outcome(self, phase: Phase) -> Outcome:
        """How a standard isolated build ends, as far as its declaration decides: of the metadata, or the whole."""
        phases = {Phase.METADATA, phase}
        needs = self.needs
        ends = {n.phase for n in self.missing} | {p.phase for p in needs.pins} | {s.phase for s in needs.stops}
        ends |= {api.phase for api in self.gone}
        if ends & phases:
            return Outcome.FAILS
        if any(n.strength is Strength.CONDITIONAL and n.phase in phases for n in self.undeclared):
            return Outcome.AT_RISK
        return Outcome.UNKNOWN if needs.unknowns else Outcome.OK


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def inspect_source(what: str, target: BuildTarget, session: IndexSession) -> Inspection:
    """Read and analyse an sdist, a folder, an address, or the newest sdist on the index that a requirement allows.

    Raises UsageError where `what` names nothing that can be built, ArchiveError and IndexAccessError where it cannot be
    read.
    """
    path = Path(what)
    if path.is_dir():
        return _folder(path, what, target, session)
    if path.is_file():
        return _archive(path, what, target, session)
    if ADDRESS.match(what):
        return _address("", what, target, session)
    return _release(what, target, session)


# --- the kinds of sources ---------------------------------------------------------------------------------------------


def _folder(path: Path, what: str, target: BuildTarget, session: IndexSession) -> Inspection:
    from .source_tree import read_directory

    tree = read_directory(path)
    if not {"pyproject.toml", "setup.py"} & tree.names.keys():
        hint = "`pixi-diagnose check` reads a workspace's manifest" if (path / "pixi.toml").is_file() else ""
        raise UsageError(f"{what} is no Python project: it has neither a pyproject.toml nor a setup.py", hint=hint)
    key = _key("folder", _digest(tree), target)
    return _kept(key, session) or _keep(key, _read(tree, *_named(tree, path), target), session)


def _of_filename(filename: str) -> tuple[str, str] | None:
    from packaging.utils import InvalidSdistFilename, parse_sdist_filename

    try:
        project, version = parse_sdist_filename(filename)
    except InvalidSdistFilename:
        return None
    return project, str(version)


def _named(tree: SourceTree, path: Path) -> tuple[str, str]:
    """What a tree calls itself; a folder whose setup.py would have to be run to say it goes by its own name."""
    from packaging.utils import canonicalize_name

    from .metadata import own_name

    project, version = own_name(tree)
    return project or canonicalize_name(path.resolve().name), version


def _digest(tree: SourceTree) -> str:
    """What tells one state of a folder from another: its path, the files that were read, the names and sizes of all."""
    digest = hashlib.sha256(repr((tree.location, tree.complete, sorted(tree.names.items()), tree.unknowns)).encode())
    digest.update(repr(tree.native).encode())
    for name, data in sorted(tree.files.items()):
        digest.update(f"{name} {len(data)} ".encode() + data)
    return digest.hexdigest()


def _archive(path: Path, what: str, target: BuildTarget, session: IndexSession) -> Inspection:
    try:
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{what} cannot be read: {error.strerror}") from None
    key = _key(path.name, sha256, target)
    found = _kept(key, session)
    if found is None:
        from .source_tree import read_archive

        with path.open("rb") as stream:
            tree = read_archive(stream, path.name, location=what)
        found = _keep(key, _read(tree, *(_of_filename(path.name) or _named(tree, path)), target), session)
    return replace(found, source=replace(found.source, location=what))


def _address(project: str, url: str, target: BuildTarget, session: IndexSession) -> Inspection:
    """What lies at an address: a git repository (`git+…@rev#subdirectory=…`) or an sdist. `project` may be unknown."""
    from .sources.reading import read_requirement_url, short_name

    read = read_requirement_url(url, session)
    if read.wheel_metadata is not None:
        raise UsageError(f"{read.filename} is a wheel: installing it builds nothing")
    named, version = _of_filename(read.filename) or _named(read.tree, Path(read.filename or short_name(url)))
    key = _key(read.kind, _digest(read.tree), target)
    return _kept(key, session) or _keep(key, _read(read.tree, project or named, version, target), session)


def _release(what: str, target: BuildTarget, session: IndexSession) -> Inspection:
    """Of which archive a requirement's newest release is made is kept for as long as the page that says so."""
    index = session.client.register(session.default_index())
    asked = f"{DERIVED} {index} {what} {facts.key('', target)}"
    kept = session.cache.get("inspected", asked, max_age=session.max_age)
    found = _kept(kept.decode(), session) if kept is not None else None
    return found or _read_release(what, asked, index, target, session)


def _read_release(what: str, asked: str, index: str, target: BuildTarget, session: IndexSession) -> Inspection:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name
    from packaging.version import Version

    from .index.model import Distribution
    from .index.releases import Selection
    from .index.tags import Target
    from .manifest.model import Platform

    try:
        requirement = Requirement(what)
    except InvalidRequirement:
        raise UsageError(
            f"there is no file or folder {what}, and it is no requirement",
            hint="write a requirement as flash-attn or flash-attn==2.7.4.post1",
        ) from None
    if requirement.url:
        return _address(canonicalize_name(requirement.name), requirement.url, target, session)
    project = canonicalize_name(requirement.name)
    fits = Target.of(Platform(target.subdir, target.subdir, ()), ".".join(map(str, target.python)))
    selection = Selection(fits, no_binary=True)
    offers = session.offers(index, project, selection)
    if offers is None:
        raise UsageError(f"the index has no project {project}")
    sdists = {Version(offer.version): offer for offer in offers if offer.kind == "sdist"}
    allowed = list(requirement.specifier.filter(sorted(sdists)))
    if not allowed:
        hint = f"releases with an sdist: {', '.join(map(str, sorted(sdists)[-5:])) or 'none'}"
        raise UsageError(f"the index has no sdist for {requirement}", hint=hint)
    offer = sdists[allowed[-1]]
    key = _key(f"{project} {offer.version} {offer.wheel_url}", offer.sha256, target)
    found = _kept(key, session)
    if found is None:
        distribution = Distribution(project, offer.version, "sdist", offer.filename, offer.url, offer.sha256, index)
        tree = session.source_tree(distribution)
        metadata, final = session.metadata(project, offer)
        found = _read(tree, project, offer.version, target, metadata)
        if not (final and offer.sha256):  # an answer that another day may better, or an archive that may change
            return found
        _keep(key, found, session)
    session.cache.put("inspected", asked, key.encode(), written=session.offered_at(index, project, selection))
    return found


# --- reading, and what is kept of it ----------------------------------------------------------------------------------


def _read(
    tree: SourceTree, project: str, version: str, target: BuildTarget, metadata: StaticMetadata | None = None
) -> Inspection:
    """Analyse a tree; `metadata` is what is known of the release already, read from the tree where it is None."""
    from .build_needs.analysis import analyse_build
    from .metadata import static_metadata

    needs = analyse_build(tree, target, project=project, version=version)
    metadata = metadata or static_metadata(tree, project, version)
    return Inspection.of(Source(tree.kind, tree.location, tree.sha256), target, metadata, needs, tree.unknowns)


def _key(name: str, digest: str, target: BuildTarget) -> str:
    return f"{DERIVED} {name} {facts.key(digest, target)}"


def _kept(key: str, session: IndexSession) -> Inspection | None:
    kept = session.cache.get("inspection", key)
    with contextlib.suppress(ValueError, TypeError):  # kept in the form of another version
        return from_bytes(Inspection, kept) if kept is not None else None
    return None


def _keep(key: str, inspection: Inspection, session: IndexSession) -> Inspection:
    session.cache.put("inspection", key, to_bytes(inspection))
    return inspection

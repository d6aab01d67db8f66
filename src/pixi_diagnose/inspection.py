"""One source tree on its own: an sdist, a folder or a requirement in, what its build needs out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from packaging.version import Version

from .build_needs import analyse_build
from .build_needs.model import BuildNeeds, BuildTarget
from .errors import UsageError
from .index import IndexSession
from .index.model import Distribution
from .index.releases import Selection
from .index.tags import Target
from .index.uv import default_index
from .manifest.model import Platform
from .metadata import StaticMetadata, static_metadata
from .source_tree import SourceTree, read_archive, read_directory

__all__ = ["Inspection", "inspect_source"]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was read, what it says of itself, and what its build needs."""

    tree: SourceTree
    metadata: StaticMetadata
    needs: BuildNeeds


def inspect_source(what: str, target: BuildTarget, session: IndexSession) -> Inspection:
    """Read and analyse an sdist file, a folder, or the newest sdist on the default index that a requirement allows.

    Raises UsageError where `what` names nothing, ArchiveError and IndexAccessError where it cannot be read.
    """
    path = Path(what)
    if path.is_dir():
        return _analysed(read_directory(path), "", "", target)
    if path.is_file():
        with path.open("rb") as stream:
            tree = read_archive(stream, path.name, location=what)
        try:
            project, version = parse_sdist_filename(path.name)
        except InvalidSdistFilename:
            return _analysed(tree, "", "", target)
        return _analysed(tree, project, str(version), target)
    try:
        requirement = Requirement(what)
    except InvalidRequirement:
        raise UsageError(
            f"there is no file or folder {what}, and it is no requirement",
            hint="write a requirement as flash-attn or flash-attn==2.7.4.post1",
        ) from None
    if requirement.url:
        raise UsageError(f"{what} names an address", hint="download it, and inspect the file")
    return _released(requirement, target, session)


def _analysed(tree: SourceTree, project: str, version: str, target: BuildTarget) -> Inspection:
    needs = analyse_build(tree, target, project=project, version=version)
    metadata = static_metadata(tree, needs.project or project or tree.location, needs.version)
    return Inspection(tree, metadata, needs)


def _released(requirement: Requirement, target: BuildTarget, session: IndexSession) -> Inspection:
    project = canonicalize_name(requirement.name)
    index = default_index()
    fits = Target.of(Platform(target.subdir, target.subdir, ()), ".".join(map(str, target.python)))
    offers = session.offers(index, project, Selection(fits, no_binary=True))
    if offers is None:
        raise UsageError(f"the index has no project {project}")
    sdists = {Version(offer.version): offer for offer in offers if offer.kind == "sdist"}
    allowed = list(requirement.specifier.filter(sorted(sdists)))
    if not allowed:
        hint = f"releases with an sdist: {', '.join(map(str, sorted(sdists)[-5:])) or 'none'}"
        raise UsageError(f"the index has no sdist for {requirement}", hint=hint)
    offer = sdists[allowed[-1]]
    distribution = Distribution(project, offer.version, "sdist", offer.filename, offer.url, offer.sha256, index)
    tree = session.source_tree(distribution)
    needs = analyse_build(tree, target, project=project, version=offer.version)
    return Inspection(tree, session.metadata(project, offer)[0], needs)

"""One path, git or URL source → what is there: its build files and where they lie, or a wheel's metadata."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from ..errors import SourceError
from ..lazy_dataclass import dataclass
from ..manifest.direct_references import direct_source
from ..manifest.model import GitSource, PathSource, UrlSource
from ..source_tree import SourceTree, read_directory
from .archives import read_archive_at
from .checkouts import read_checkout
from .git import Remote
from .project_files import FolderFiles, ProjectFiles, RepositoryFiles

if TYPE_CHECKING:
    from ..index.session import IndexSession

__all__ = [
    "ReadSource",
    "location_of",
    "read_requirement_url",
    "read_source",
    "resource_of",
    "short_name",
    "version_in_name",
]


@dataclass(frozen=True, slots=True)
class ReadSource:
    """What a source led to.

    `resource` is equal for sources that are the same place (uv 0.13 refuses two different ones for one project). `kind`
    is "directory", "git", "sdist" or "wheel"; a wheel has `wheel_metadata` and an empty `tree`. `filename` is an
    archive's. `files` are a folder's or checkout's surroundings.
    """

    resource: str
    kind: str
    tree: SourceTree
    files: ProjectFiles | None = None
    filename: str = ""
    wheel_metadata: bytes | None = None


def read_source(source: PathSource | GitSource | UrlSource, root: str, session: IndexSession) -> ReadSource:
    """Read a source; relative paths start from `root`.

    Raises SourceError for what the tool itself would refuse (nothing at that path, no such branch, nothing to build),
    IndexAccessError and ArchiveError where it could not be read.
    """
    if isinstance(source, GitSource):
        checkout = read_checkout(source, session)
        pinned = replace(source, branch=None, tag=None, rev=checkout.commit, subdirectory=None)
        files = RepositoryFiles(pinned, checkout.subdirectory, checkout.pyprojects)
        read = ReadSource(resource_of(source, root, checkout.commit), "git", checkout.tree, files)
    elif isinstance(source, UrlSource):
        return _archive(source, resource_of(source, root), session)
    else:
        path = Path(root, source.path)
        if not path.exists():
            raise SourceError(f"there is nothing at {source.path}", hint="a path is relative to the manifest's folder")
        if path.is_file():
            return _archive(UrlSource(path.absolute().as_uri()), resource_of(source, root), session, called=source.path)
        tree = read_directory(path, location=_shown(path, source.path, root))
        read = ReadSource(resource_of(source, root), "directory", tree, FolderFiles(str(path.resolve())))
    if not {"pyproject.toml", "setup.py"} & read.tree.names.keys():
        # uv 0.13, and so pixi 0.77: "does not appear to be a Python project"
        raise SourceError(f"{read.tree.location} is no Python project: it has neither pyproject.toml nor setup.py")
    return read


def read_requirement_url(url: str, session: IndexSession) -> ReadSource:
    """Read what a direct reference (`git+https://…@rev#subdirectory=…`, `https://…/a-1.0.tar.gz`) names.

    Raises SourceError, IndexAccessError or ArchiveError.
    """
    return read_source(direct_source(url), ".", session)


def location_of(source: PathSource | GitSource | UrlSource) -> str:
    """How a source that was not read is called, without credentials."""
    from ..index.client import without_credentials
    from .checkouts import git_location

    if isinstance(source, GitSource):
        return git_location(source)
    return without_credentials(source.url) if isinstance(source, UrlSource) else source.path


def resource_of(source: PathSource | GitSource | UrlSource, root: str, commit: str = "") -> str:
    """A name that is equal for equal places: as uv 0.13 compares the URLs of a project (`same_resource`)."""
    if isinstance(source, PathSource):
        return f"path {Path(root, source.path).resolve()}"
    url = Remote.of(source.url).url
    subdirectory = os.path.normpath(source.subdirectory) if source.subdirectory else "."
    if isinstance(source, GitSource):
        parts = urlsplit(url)
        repository = f"{parts.netloc.rpartition('@')[2].lower()}{parts.path.rstrip('/').removesuffix('.git')}"
        return f"git {repository} {commit or source} {subdirectory}"
    return f"url {url} {subdirectory}"


def _archive(source: UrlSource, resource: str, session: IndexSession, called: str = "") -> ReadSource:
    if "#" in source.url:  # in a manifest's table the hash is a part of the URL
        given = direct_source(source.url)
        if isinstance(given, UrlSource):
            source = UrlSource(given.url, source.subdirectory or given.subdirectory, given.sha256)
        else:
            source = replace(source, url=source.url.partition("#")[0])
    archive = read_archive_at(source, session)
    tree = replace(archive.tree, location=called) if called else archive.tree
    return ReadSource(resource, tree.kind, tree, None, archive.filename, archive.wheel_metadata)


def _shown(path: Path, written: str, root: str) -> str:
    """A folder as its user wrote it; relative to the manifest's where other projects led to it, if that is possible."""
    if not Path(written).is_absolute():
        return written
    try:
        return Path(os.path.relpath(path, root)).as_posix()
    except ValueError:  # on another drive
        return written


def version_in_name(filename: str, project: str) -> str:
    """The version that an archive's file name says for this project, "" where it says none."""
    try:
        if filename.endswith(".whl"):
            name, version = parse_wheel_filename(filename)[:2]
        else:
            name, version = parse_sdist_filename(filename)
    except (InvalidSdistFilename, InvalidWheelFilename):
        return ""
    return str(version) if canonicalize_name(name) == canonicalize_name(project) else ""


def short_name(url: str) -> str:
    """What a direct reference may be called where nothing in it says: its subdirectory, else its repository or file."""
    source = direct_source(url)
    path = source.path if isinstance(source, PathSource) else source.subdirectory or urlsplit(source.url).path
    return unquote(path).rstrip("/").rpartition("/")[2].removesuffix(".git")

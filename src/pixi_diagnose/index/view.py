"""One request's picture of the indexes: what the overlay shows to the resolver, and what stands behind it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from packaging.version import InvalidVersion, Version

from ..errors import ArchiveError, IndexAccessError
from ..evidence import Place, Unknown
from ..manifest.installer import ScopedChange
from ..manifest.model import FindLinks
from ..metadata import MetadataSource, StaticMetadata
from ..pep508 import canonicalize_name
from .asked_indexes import AskedIndexes
from .model import Distribution, LocalProject, ProvidedProject, PypiRequest
from .overlay import Shown
from .pages import ListedFile
from .releases import Offer, OfferList, Selection, cutoff, offer_conda, offer_index_versions, offer_local, select
from .scoped import scoped_requirements
from .session import IndexSession
from .tags import Target
from .universal_tags import UniversalTarget

__all__ = ["RequestView"]

NOWHERE = Place("", ())


class RequestView:
    """What one request sees.

    `indexes` are the URLs (without credentials) in order of priority. `failures` are the pages that could not be had,
    by project; `final` turns False when something was shown that another attempt might show differently. `looked_at` is
    told the sdists whose metadata is asked for, the first one of each project: it is chosen nearly always.
    """

    def __init__(
        self,
        request: PypiRequest,
        asked: AskedIndexes,
        session: IndexSession,
        looked_at: Callable[[Distribution], None] | None = None,
    ) -> None:
        settings = request.indexes
        self._looked_at = looked_at
        self._seen: set[str] = set()
        self._session = session
        self._request = request
        self.target = (
            Target.of(request.platform, request.python_version)
            if request.universal is None
            else UniversalTarget.within(request.universal, request.python_version)
        )
        self.indexes = asked.urls
        self.pinned = asked.pinned
        self._entries = asked.entries
        self.local: dict[str, LocalProject] = {canonicalize_name(p.project): p for p in request.local}
        self.provided: dict[str, ProvidedProject] = {canonicalize_name(p.project): p for p in request.provided}
        self._hashes = dict(settings.hashes)
        self.unknowns: dict[Unknown, None] = {}
        self.failures: dict[str, IndexAccessError] = {}
        self.final = True
        self._lock = threading.Lock()
        self._before = self._limit(settings.exclude_newer)
        self._limits: dict[str, datetime | None] = {
            name: self._limit(text) if text else None for name, text in settings.exclude_newer_projects
        }
        self._flat_files: dict[str, tuple[ListedFile, ...]] = {}
        self._shown: dict[tuple[int, str], OfferList | None] = {}

    @property
    def id(self) -> str:
        """A host label that is the same for every request with these indexes, options and target.

        What conda or the user's disk provides is not part of it: it is never kept by the resolver (`volatile`). A
        secret of the cache is, so that no other user of this machine can ask for private packages by guessing.
        """
        settings = self._request.indexes
        parts: list[object] = [
            self._session.secret,
            self.target.key,
            self.indexes,
            settings.no_build,
            settings.no_binary,
            (settings.wheels_first, settings.built_too),
        ]
        parts += [
            settings.prerelease_mode == "disallow",
            str(self._before),
            settings.root,
            [str(f) for f in settings.find_links],
            sorted(self.pinned.items()),
            [settings.exclude_newer_projects, str(self._request.stated), settings.hashes, settings.index_strategy],
            [(url, entry.format, entry.exclude_newer) for url, entry in self._entries.items()],
            [str(_scoped(c)) for c in (*self._request.scoped_overrides, *self._request.scoped_excludes)],
        ]
        return hashlib.sha256(json.dumps(parts, default=list).encode()).hexdigest()[:24]

    @property
    def volatile(self) -> tuple[str, ...]:
        """The projects that the resolver must ask for anew each time."""
        return tuple(sorted({*self.local, *self.provided}))

    def index_of(self, number: int, project: str) -> str:
        """The URL of the index behind a number."""
        return self.pinned.get(project, self.indexes[number])

    def show(self, index: int, project: str) -> Shown:
        """See `overlay.View`."""
        offers = self.offers(index, project)
        volatile = project in self.local or project in self.provided
        return Shown(None if offers is None else offers.page, lasting=not volatile)

    def show_metadata(self, index: int, project: str, filename: str) -> tuple[StaticMetadata, bool] | None:
        """See `overlay.View`."""
        offers = self.offers(index, project)
        offer = offers.find(filename) if offers else None
        if offer is None:
            return None
        if offer.kind == "sdist" and self._looked_at is not None and project not in self._seen:
            self._seen.add(project)
            where = self.index_of(index, project)
            found = Distribution(project, offer.version, "sdist", offer.filename, offer.url, offer.sha256, where)
            self._looked_at(found)
        metadata, final = self.metadata(project, offer)
        if not final:
            self.final = False
        return metadata, final and offer.kind in {"wheel", "sdist"} and project not in self.local

    def offers(self, index: int, project: str) -> OfferList | None:
        """The releases of a project on an index; what is provided or pinned is on the first index alone."""
        key = (index, project)
        if key not in self._shown:
            try:
                self._shown[key] = self._offers(index, project)
            except (IndexAccessError, ArchiveError) as error:
                with self._lock:
                    if isinstance(error, IndexAccessError):
                        self.failures.setdefault(project, error)
                raise
        return self._shown[key]

    def known(self, index: int, project: str) -> OfferList | None:
        """The same without an error, for explanations: None where it could not be had."""
        try:
            return self.offers(index, project)
        except (IndexAccessError, ArchiveError):
            return None

    def is_seen(self, project: str) -> bool:
        """Whether some index knows the project."""
        return any(self.known(number, project) is not None for number in range(len(self.indexes)))

    def metadata(self, project: str, offer: Offer) -> tuple[StaticMetadata, bool]:
        """The metadata behind an offer, and whether it is final."""
        found, final = self._unchanged_metadata(project, offer)
        requires = scoped_requirements(
            found, offer.version, self._request.scoped_overrides, self._request.scoped_excludes
        )
        return (found if requires == found.requires else replace(found, requires=requires)), final

    def _unchanged_metadata(self, project: str, offer: Offer) -> tuple[StaticMetadata, bool]:
        stated = self._stated(project, offer.version)
        if stated is not None:
            return stated, True
        local = self.local.get(project)
        if local is not None:
            return local.metadata, True
        if offer.kind == "conda":
            frontends = (("pixi", True), ("uv", True), ("pip", True))
            return StaticMetadata(project, offer.version, (), None, (), MetadataSource.NONE, frontends), True
        return self._session.metadata(project, offer)

    def _stated(self, project: str, version: str) -> StaticMetadata | None:
        """What the user says of a release in place of its own metadata (uv.md U2): uv builds nothing to know it."""
        entries = [m for m in self._request.stated if m.name == project and m.version in {version, None}]
        if not entries:
            return None
        entry = max(entries, key=lambda m: m.version is not None)
        frontends = (("pixi", False), ("uv", True), ("pip", False))
        source = MetadataSource.STATED
        return StaticMetadata(project, version, entry.requires, entry.requires_python, entry.extras, source, frontends)

    def _offers(self, index: int, project: str) -> OfferList | None:
        first = index == 0
        if project in self.local:
            local = self.local[project]
            return offer_local(project, local.version, local.kind) if first else None
        if project in self.provided:
            return self._conda(self.provided[project], project) if first else None
        settings = self._request.indexes
        if project in self.pinned and not settings.no_index:
            return self._on_index(self.pinned[project], project, ()) if first else None
        links = _of_project(self._links, project)
        if settings.no_index:
            return select(project, links, self._selection(project)) if links else None
        try:
            found = self._on_index(self.indexes[index], project, links)
        except IndexAccessError as error:
            # one index of several that keeps its projects to itself is passed over by the unsafe strategies alone
            if not error.refused or settings.index_strategy == "first-index":
                raise
            found = None
            self._note(Unknown(f"{self.indexes[index]} refuses to say whether it has {project}", (), project))
        if found is None and links and index == len(self.indexes) - 1 and not self._is_known_before(index, project):
            return select(project, links, self._selection(project))
        return found

    def _on_index(self, url: str, project: str, links: tuple[ListedFile, ...]) -> OfferList | None:
        """What one index has; a flat one is all links on one page or in one folder, and the find-links are not added.

        uv 0.13.8 asks flat entries of `[[tool.uv.index]]` in their order among the others.
        """
        entry = self._entries.get(url)
        selection = self._selection(project, url)
        if entry is None or entry.format != "flat":
            return self._session.offers(url, project, selection, links)
        if url not in self._flat_files:
            self._flat_files[url] = self._session.links((FindLinks(url=url),), Path(self._request.indexes.root))
        files = _of_project(self._flat_files[url], project)
        return select(project, files, selection) if files else None

    def _is_known_before(self, index: int, project: str) -> bool:
        return any(self.offers(earlier, project) is not None for earlier in range(index))

    def _conda(self, provided: ProvidedProject, project: str) -> OfferList:
        try:
            return offer_conda(project, str(Version(provided.version)))
        except InvalidVersion:
            if provided.version:  # uv.md U6.11: it cannot be offered as it is
                reason = f"conda's version {provided.version} of {project} is no PyPI version: any is assumed to do"
                self.unknowns[Unknown(reason, (), project)] = None
        files: list[ListedFile] = []
        for url in self.indexes:
            try:
                found = self._session.files(url, project)
            except IndexAccessError:
                continue  # the version is not known anyway; the specifier still says something
            files += found[0] if found else ()
        return offer_index_versions(project, files, provided.specifier)

    def _selection(self, project: str, url: str = "") -> Selection:
        settings = self._request.indexes
        entry = self._entries.get(url)
        general = self._limit(entry.exclude_newer) if entry is not None and entry.exclude_newer else self._before
        no_build, no_binary = _applies(settings.no_build, project), _applies(settings.no_binary, project)
        return Selection(
            self.target,
            # a name is excepted from what the other setting says of all (uv 0.13 and pip 26 alike)
            no_build=no_build and not (settings.no_build is True and no_binary and settings.no_binary is not True),
            no_binary=no_binary and not (settings.no_binary is True and no_build and settings.no_build is not True),
            # "disallow" is done here, so that a conda or local pre-release may still stand for its project
            prereleases=settings.prerelease_mode != "disallow",
            before=self._limits.get(project, general),
            hashes=self._hashes_of(project),
            wheels_first=settings.wheels_first and project not in settings.built_too,
        )

    def _hashes_of(self, project: str) -> frozenset[str]:
        """The sha256 hashes that a project's files may have; empty where any may do, or other kinds are given too."""
        given = [h.partition(":") for h in self._hashes.get(project, ())]
        if any(kind != "sha256" for kind, _, _ in given):
            self._note(Unknown("of the hashes that are given, only sha256 is compared", (), project))
            return frozenset()
        return frozenset(digest.lower() for _, _, digest in given)

    def _note(self, unknown: Unknown) -> None:
        with self._lock:
            self.unknowns[unknown] = None

    @cached_property
    def _links(self) -> tuple[ListedFile, ...]:
        return self._session.links(self._request.indexes.find_links, Path(self._request.indexes.root))

    def _limit(self, text: str | None) -> datetime | None:
        if text is None:
            return None
        limit = cutoff(text, datetime.now(UTC))
        if limit is None:
            self.unknowns[Unknown(f"exclude-newer {text!r} is not understood and was not applied")] = None
        return limit


def _of_project(files: tuple[ListedFile, ...], project: str) -> tuple[ListedFile, ...]:
    stem = project.replace("-", "_")
    return tuple(f for f in files if canonicalize_name(f.filename).replace("-", "_").startswith(stem))


def _scoped(change: ScopedChange) -> ScopedChange:
    """The change wherever it stands."""
    return replace(change, place=None, dependencies=tuple(replace(d, place=NOWHERE) for d in change.dependencies))


def _applies(setting: bool | tuple[str, ...], project: str) -> bool:
    return setting if isinstance(setting, bool) else project in {canonicalize_name(name) for name in setting}

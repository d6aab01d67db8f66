"""The indexes that a request names, as they are asked: without credentials, which the client keeps for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name
from .model import IndexSettings
from .session import IndexSession

if TYPE_CHECKING:
    from ..manifest.installer import NamedIndex

__all__ = ["AskedIndexes"]

NO_INDEX = "find-links"
"""Stands for the index where there is none: it has what the find-links have."""


@dataclass(frozen=True, slots=True)
class AskedIndexes:
    """`urls` in order of priority: pixi 0.77 asks `extra-index-urls` before `index-url` (pixi.md P9).

    `entries` are what is known of single ones, by URL, and `pinned` the index of a canonical project that has its own.
    """

    urls: tuple[str, ...]
    entries: Mapping[str, NamedIndex]
    pinned: Mapping[str, str]

    @classmethod
    def of(cls, settings: IndexSettings, session: IndexSession) -> AskedIndexes:
        """The indexes of these settings; the session's client learns how they are reached, and with what credentials.

        Raises ResolverError or IndexAccessError where the default index is asked for and not known.
        """

        def entered(url: str) -> str:
            """A URL without credentials; a path below the manifest's folder as file://."""
            return session.client.register(url) if "://" in url else Path(settings.root, url).absolute().as_uri()

        session.connect(settings.connections)
        entries: dict[str, NamedIndex] = {}
        for entry in settings.entries:
            url = entered(entry.url)
            session.client.credentials.from_variables(url, entry.name)
            entries[url] = entry
        urls: tuple[str, ...] = (NO_INDEX,)
        if not settings.no_index:
            urls = tuple(map(entered, (*settings.extra_index_urls, settings.index_url or session.default_index())))
        pinned = {canonicalize_name(name): entered(url) for name, url in settings.project_indexes}
        return cls(urls, entries, pinned)

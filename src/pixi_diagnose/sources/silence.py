"""Addresses that did not answer a moment ago: asking them again would cost each run, and each plan, the same wait."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from ..errors import IndexAccessError
from ..index.session import SILENT
from ..manifest.model import UrlSource

if TYPE_CHECKING:
    from ..index.session import IndexSession
    from .model import Source

__all__ = ["note_silence", "silence"]

_KIND = "unreachable"


def silence(source: Source, session: IndexSession) -> IndexAccessError | None:
    """Why an archive on the network could not be had less than a minute ago, None for every other source."""
    if session.offline or not isinstance(source, UrlSource):
        return None
    kept = session.cache.get(_KIND, _key(source.url), max_age=SILENT)
    if kept is None:
        return None
    given = json.loads(kept)
    return IndexAccessError(given.pop("message"), **given)


def note_silence(source: Source, error: IndexAccessError, session: IndexSession) -> None:
    """Keep why an archive could not be had."""
    if session.offline or error.refused or not isinstance(source, UrlSource):
        return  # one that refuses may be asked with credentials the next moment
    given = {"message": error.message, "hint": error.hint, "url": error.url}
    kept = {**given, "refused": error.refused, "absent": error.absent}
    session.cache.put(_KIND, _key(source.url), json.dumps(kept).encode())


def _key(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()  # it may hold credentials, which are not written down

"""PypiRequest → PypiResolution, each asked once and kept: an answer that is kept needs neither resolver nor overlay."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from .asked_indexes import AskedIndexes
from .model import Distribution, IndexSettings, PypiFailure, PypiRequest, PypiResolution
from .session import DERIVED, IndexSession, metadata_from_json, metadata_to_json, unknown_from_json

__all__ = ["resolve_projects"]

KIND = "resolution"
FORM = 3
"""Of kept answers: raised when their form changes."""


def resolve_projects(
    request: PypiRequest, session: IndexSession, looked_at: Callable[[Distribution], None] | None = None
) -> PypiResolution:
    """Resolve a set of requirements for a target without executing any package code.

    While it goes on, `looked_at` is told of the sdists that it looks at, from other threads.

    A resolution without a solution, or with an index that cannot be asked, is a PypiResolution with a failure. What
    could not be read on the way to a solution is in its `unknowns`. Raises ResolverError if uv itself cannot be run,
    IndexAccessError if the default index is not known.
    """
    indexes = AskedIndexes.of(request.indexes, session)
    key = _key(request, indexes)
    kept = session.cache.get(KIND, key, max_age=session.max_age)
    if kept is not None:
        return _decoded(kept)
    from .resolver import ask_resolver

    resolution, final = ask_resolver(request, indexes, session, looked_at)
    if final:
        session.cache.put(KIND, key, json.dumps(_to_json(resolution)).encode())
    session.cache.flush()
    return resolution


def _key(request: PypiRequest, indexes: AskedIndexes) -> str:
    """A key for everything that decides on the answer; a local project counts by its metadata."""
    local = [(p.project, p.version, p.kind, p.tree.location, metadata_to_json(p.metadata)) for p in request.local]
    asked = replace(request, local=(), indexes=replace(request.indexes, index_url=None, extra_index_urls=()))
    parts = [DERIVED, FORM, indexes.urls, _limits(request.indexes), asdict(asked), local]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=list).encode()).hexdigest()


def _limits(settings: IndexSettings) -> list[str]:
    """The moments that the settings' cut-offs name now: an age is another one in the next hour."""
    texts = [settings.exclude_newer, *(t for _, t in settings.exclude_newer_projects)]
    given = [text for text in (*texts, *(e.exclude_newer for e in settings.entries)) if text]
    if not given:
        return []
    from .releases import cutoff

    now = datetime.now(UTC)
    return [str(cutoff(text, now)) for text in given]


def _to_json(resolution: PypiResolution) -> dict[str, object]:
    return {
        "distributions": [_distribution_to_json(d) for d in resolution.distributions],
        "failure": asdict(resolution.failure) if resolution.failure else None,
        "unknowns": [asdict(u) for u in resolution.unknowns],
        "tried": [_distribution_to_json(d) for d in resolution.tried],
    }


def _distribution_to_json(distribution: Distribution) -> dict[str, object]:
    metadata = metadata_to_json(distribution.metadata) if distribution.metadata else None
    return {**asdict(replace(distribution, metadata=None)), "metadata": metadata}


@lru_cache(maxsize=64)  # many environments, and each plan that is tried, ask the same
def _decoded(kept: bytes) -> PypiResolution:
    return _from_json(json.loads(kept))


def _from_json(given: dict[str, object]) -> PypiResolution:
    distributions = tuple(_distribution_from_json(fields) for fields in _objects(given["distributions"]))
    tried = tuple(_distribution_from_json(fields) for fields in _objects(given["tried"]))
    failure = given["failure"]
    found = None
    if isinstance(failure, dict):
        found = PypiFailure(failure["kind"], failure["message"], tuple(failure["projects"]))
    unknowns = tuple(unknown_from_json(u) for u in _objects(given["unknowns"]))
    return PypiResolution(distributions, found, unknowns, tried)


def _distribution_from_json(fields: dict[str, Any]) -> Distribution:
    metadata = fields.pop("metadata")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    read = metadata_from_json(metadata) if isinstance(metadata, dict) else None
    return Distribution(**values, metadata=read)


def _objects(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []

"""What older versions of uv do not know of a manifest: settings that came later do nothing there (uv.md U1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..pep508 import is_at_least
from .model import Manifest, UnreadTable

if TYPE_CHECKING:
    from .installer import ExtraBuildRequirement

    _Entries = tuple[ExtraBuildRequirement, ...]

__all__ = ["as_of"]

SETTING = "extra-build-dependencies"
EXTRA_REQUIREMENTS = "0.8.4"
MATCH_RUNTIME = "0.8.5"


def as_of(manifest: Manifest, version: str) -> Manifest:
    """The manifest as this version of uv reads it: later settings are gone, and named as unread."""
    installer = manifest.installer
    if installer is None or is_at_least(version, MATCH_RUNTIME):
        return manifest
    kept: dict[str, _Entries] = {}
    unread: list[UnreadTable] = []
    for name, entries in installer.building.extra_requirements.items():
        known = tuple(e for e in entries if is_at_least(version, EXTRA_REQUIREMENTS) and not e.match_runtime)
        unread += _unread([e for e in entries if e not in known], version)
        kept |= {name: known} if known else {}
    building = replace(installer.building, extra_requirements=kept)
    return replace(manifest, installer=replace(installer, building=building), unread=(*manifest.unread, *unread))


def _unread(entries: Iterable[ExtraBuildRequirement], version: str) -> list[UnreadTable]:
    none_known = not is_at_least(version, EXTRA_REQUIREMENTS)
    since = EXTRA_REQUIREMENTS if none_known else MATCH_RUNTIME
    what = SETTING if none_known else "match-runtime"
    reason = f"uv {version} does not know `{what}`, which came with uv {since}"
    return [UnreadTable(e.spec.place, f"the entry of {SETTING} for {e.spec.spelled}", reason) for e in entries]

"""What an older pixi would refuse: a workspace that asks for a newer one, keys that it does not know yet (P3, P8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from ..data import read_table
from ..evidence import KeyPath, Place
from ..lazy_dataclass import dataclass
from ..pep508 import is_at_least
from .model import ManifestProblem

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

__all__ = ["imitated_version", "unsupported"]

_TABLES = ("workspace", "project", "feature", "environments")
_MINORS = range(200, 0, -1)


def imitated_version(newest: str, given: str, requires: str | None) -> str:
    """The pixi to imitate: the one given, else the newest that is imitated, or an older one that the workspace needs.

    `given` is the user's word or the installed version ("" for neither), at most `newest`; `requires` is
    `requires-pixi`, which counts where nothing is given and it has an upper bound.
    """
    if given:
        return newest if is_at_least(given, newest) else given
    spec = _specifier(requires)
    if spec is None or f"{newest}.999" in spec or f"{newest}.0" in spec:
        return newest
    older = (f"0.{minor}" for minor in _MINORS if not is_at_least(f"0.{minor}", newest))
    return next((v for v in older if f"{v}.0" in spec or f"{v}.999" in spec), newest)


def unsupported(data: Mapping[str, object], path: str, version: str) -> tuple[ManifestProblem, ...]:
    """What pixi `version` would refuse in a manifest that a newer one takes; `data` is the parsed file at `path`.

    `requires-pixi` is compared first, and alone: pixi reads it before all else.
    """
    base: KeyPath = ("tool", "pixi") if PurePath(path).name == "pyproject.toml" else ()
    tables: object = data
    for part in base:
        tables = tables.get(part) if isinstance(tables, dict) else None
    if not isinstance(tables, dict):
        return ()
    workspace = tables.get("workspace")
    requires = workspace.get("requires-pixi") if isinstance(workspace, dict) else None
    spec = _specifier(requires if isinstance(requires, str) else None)
    # "0.50" stands for any 0.50.x
    if spec is not None and not any(v in spec for v in (version, f"{version}.0", f"{version}.999")):
        message = f"the workspace requires pixi {requires}, and this is pixi {version}"
        return (ManifestProblem("unsupported", message, Place(path, (*base, "workspace", "requires-pixi"))),)
    return tuple(
        ManifestProblem(
            "unsupported",
            f"pixi {version} does not know {_spelled(newer)}: it came with pixi {newer.since}",
            Place(path, (*base, *key)),
            at="key",
        )
        for key, newer in _newer(tables, version)
    )


@dataclass(frozen=True, slots=True)
class _Newer:
    since: str
    key: tuple[str, ...]
    form: str = ""


def _newer(tables: Mapping[str, object], version: str) -> Iterator[tuple[KeyPath, _Newer]]:
    """The keys that are too new, each once: the entry with the highest version decides."""
    from packaging.version import Version

    candidates = [n for n in _table() if Version(n.since) > Version(version)]
    for key, value in _keys(tables, ()):
        found = [n for n in candidates if _matches(key, n.key) and _has_form(value, n.form)]
        if found:
            yield key, max(found, key=lambda n: Version(n.since))


def _keys(table: Mapping[str, object], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    """The keys of the tables that hold settings: the root, the workspace, features, environments, `pypi-options`."""
    for name, value in table.items():
        key = (*above, name)
        yield key, value
        nested = not above or above[-1] in {"feature", "environments"} or name == "pypi-options"
        if isinstance(value, dict) and nested and (above or name in {*_TABLES, "pypi-options"}):
            yield from _keys(value, key)


def _matches(key: tuple[str, ...], end: tuple[str, ...]) -> bool:
    """Whether a key is this one of a scope; a single name means the root's or a feature's table of that name."""
    if len(end) == 1:
        scope = key[:-1]
        return key[-1] == end[0] and (not scope or (len(scope) == 2 and scope[0] == "feature"))
    return key[-len(end) :] == end or (end[0] == "workspace" and key == ("project", *end[1:]))


def _has_form(value: object, form: str) -> bool:
    if form == "bool":
        return isinstance(value, bool)
    if form == "tables":
        return isinstance(value, list) and any(isinstance(item, dict) for item in value)
    return True


def _spelled(newer: _Newer) -> str:
    name = newer.key[-1]
    if newer.form == "bool":
        return f"`{name} = true` for everything"
    return f"tables in `{name}`" if newer.form == "tables" else f"`{name}`"


def _specifier(spec: str | None) -> SpecifierSet | None:
    """A conda version spec as far as PEP 440 says the same; None for none, or for alternatives."""
    if not spec:
        return None
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    parts = (part.strip() for part in spec.split(","))
    written = (f"=={p.lstrip('=')}" if p[:1] == "=" or p[:1].isdigit() else p for p in parts if p not in {"", "*"})
    try:
        return SpecifierSet(",".join(written), prereleases=True)
    except InvalidSpecifier:
        return None


@cache
def _table() -> tuple[_Newer, ...]:
    return tuple(
        _Newer(e["since"], tuple(e["key"].split(".")), e.get("form", "")) for e in read_table("pixi_versions")["key"]
    )

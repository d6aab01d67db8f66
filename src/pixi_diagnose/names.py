"""Names: which project provides a module, and which conda package provides a project.

The tables are data (`data/import_names.toml`, `data/conda_names.toml`); names without an entry follow the rule that a
project, its module and its conda package are called the same.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from .data import read_table
from .evidence import Unknown
from .pep508 import canonicalize_name

if TYPE_CHECKING:
    from .manifest.model import NameMap

__all__ = ["candidates", "conda_names", "is_conda_forge", "load_name_maps", "pypi_names"]

_PROJECT = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"


def candidates(import_name: str) -> tuple[str, ...]:
    """The projects that may provide the module `import_name`, most likely first, in canonical spelling.

    A dotted name takes the entry of its longest known prefix (`google.protobuf.message` → protobuf); without one, the
    project is called as the top-level package is.
    """
    table = _import_table()
    prefix = import_name
    while prefix:
        if prefix in table:
            return table[prefix]
        prefix = prefix.rpartition(".")[0]
    return (canonicalize_name(import_name.partition(".")[0]),)


def pypi_names(
    conda_name: str,
    channel: str,
    maps: Mapping[str, NameMap] | None = None,
    purls: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """The projects that a conda package provides to pixi's PyPI resolver, canonical; empty for none (pixi.md P7).

    `channel` is a name or URL, `maps` the manifest's `conda-pypi-map` with its locations loaded (`load_name_maps`), and
    `purls` the record's own, None where there is no record or it has none. Order: the manifest's map, the purls, our
    table, and for conda-forge the same name. An entry of the manifest's map is final, "none" included.
    """
    name = conda_name.lower()
    forge = is_conda_forge(channel)
    own = _map_for(channel, maps)
    same_name = forge
    if own is not None:
        if own.disabled:
            return ()
        if name in own.mapping:
            return tuple(canonicalize_name(project) for project in own.mapping[name])
        same_name = forge if own.same_name is None else own.same_name
    if own is None or not own.replace:
        if purls is not None:
            return _purl_names(purls)
        known = _default_names(name, channel, forge=forge)
        if known is not None:
            return known
    return (canonicalize_name(name),) if same_name and re.fullmatch(_PROJECT, canonicalize_name(name)) else ()


def conda_names(project: str) -> tuple[str, ...]:
    """The conda-forge packages that provide `project`, most likely first; empty where the one of its name does not.

    An answer without a table entry is a guess by the same name: a conda solve has to confirm that the package exists.
    """
    name = canonicalize_name(project)
    table = _conda_tables()["conda-forge"]
    listed = tuple(conda for conda, projects in table.items() if name in projects)
    if listed or table.get(name) == ():
        return tuple(sorted(listed, key=lambda conda: conda != name))
    return (name,)


def is_conda_forge(channel: str) -> bool:
    """Whether a channel's name or URL is conda-forge's, wherever it is mirrored (pixi looks at the path only)."""
    path = urlsplit(channel).path if "://" in channel else "/" + channel
    return path.startswith("/conda-forge")


def load_name_maps(
    maps: Mapping[str, NameMap] | None, read: Callable[[str], str]
) -> tuple[dict[str, NameMap] | None, tuple[Unknown, ...]]:
    """Merge the documents that `conda-pypi-map` points to into its inline entries, which win.

    `read` takes a location as written (a URL, or a path relative to the manifest's folder) and returns its text; an
    OSError of it, or a document that is no mapping, becomes an Unknown, and that channel keeps its inline entries.
    """
    if maps is None:
        return None, ()
    loaded: dict[str, NameMap] = {}
    unknowns: list[Unknown] = []
    for channel, entry in maps.items():
        loaded[channel] = entry
        if entry.location is None:
            continue
        try:
            document = _parse_map(read(entry.location))
        except (OSError, ValueError) as error:
            reason = f"the conda-pypi-map at {entry.location} cannot be read: {error}"
            unknowns.append(Unknown(reason, subject=channel))
        else:
            loaded[channel] = dataclasses.replace(entry, mapping=document | dict(entry.mapping), location=None)
    return loaded, tuple(unknowns)


def _parse_map(text: str) -> dict[str, tuple[str, ...]]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - bad content, told like bad syntax
    names: dict[str, tuple[str, ...]] = {}
    for conda, projects in document.items():
        listed = [projects] if isinstance(projects, str) else projects or []
        if not isinstance(listed, list) or not all(isinstance(project, str) for project in listed):
            raise ValueError(f"{conda}: neither a name, a list of names, nor null")
        names[conda.lower()] = tuple(listed)
    return names


def _map_for(channel: str, maps: Mapping[str, NameMap] | None) -> NameMap | None:
    """The entry for a channel: by its spelling, or by name where one side has a URL and the other a name."""
    if not maps:
        return None
    if "*" in maps:
        return maps["*"]
    wanted = channel.rstrip("/")
    for spelled, entry in maps.items():
        if spelled.rstrip("/") == wanted:
            return entry
    for spelled, entry in maps.items():
        if ("://" in spelled) != ("://" in wanted) and _channel_path(spelled) == _channel_path(wanted):
            return entry
    return None


def _channel_path(channel: str) -> str:
    return urlsplit(channel).path.strip("/") if "://" in channel else channel.strip("/")


def _purl_names(purls: Sequence[str]) -> tuple[str, ...]:
    prefix = "pkg:pypi/"
    names = (
        unquote(purl[len(prefix) :].partition("?")[0].partition("@")[0]) for purl in purls if purl.startswith(prefix)
    )
    return tuple(dict.fromkeys(canonicalize_name(name) for name in names))


def _default_names(name: str, channel: str, *, forge: bool) -> tuple[str, ...] | None:
    """What pixi's own mapping data would say, as far as our table knows it; None where it does not."""
    tables = _conda_tables()
    table = tables["conda-forge"] if forge else tables.get(_channel_path(channel), {})
    if name in table:
        return table[name]
    return () if forge and name.startswith(_nameless_prefixes()) else None


@cache
def _import_table() -> dict[str, tuple[str, ...]]:
    groups = _read("import_names")
    return {name: tuple(projects) for group in groups.values() for name, projects in group.items()}


@cache
def _conda_tables() -> dict[str, dict[str, tuple[str, ...]]]:
    return {
        channel: {name: tuple(projects) for name, projects in table.items()}
        for channel, table in _read("conda_names").items()
        if channel != "prefixes"
    }


@cache
def _nameless_prefixes() -> tuple[str, ...]:
    return tuple(_read("conda_names")["prefixes"]["without-project"])


@cache
def _read(name: str) -> dict[str, dict[str, list[str]]]:
    return read_table(name)

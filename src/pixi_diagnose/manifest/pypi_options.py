"""`[pypi-options]` (pixi.md P3): reading one table, and merging the tables of an environment."""

from __future__ import annotations

from typing import TypeVar

from ..pep508 import canonicalize_name
from .addresses import check_project_name, check_url
from .fields import Node, Problems, Table
from .model import FindLinks, IsolationEntry, PypiOptions, PypiSpec
from .pypi_specs import read_pypi_table

__all__ = ["OptionsConflictError", "overlay", "read_pypi_options", "union"]

T = TypeVar("T")
_Names = bool | tuple[IsolationEntry, ...]

_INDEX_STRATEGIES = ("first-index", "unsafe-first-match", "unsafe-best-match")
_PRERELEASE_MODES = ("disallow", "allow", "if-necessary", "explicit", "if-necessary-or-explicit")

_OF_UV = {
    "extra-build-dependencies": "pixi has no such option; use conda packages in [dependencies] and no-build-isolation",
    "extra-build-variables": "pixi has no such option; [activation.env] reaches every build",
    "config-settings": "pixi has no such option",
    "dependency-metadata": "pixi has no such option",
    "no-index": "pixi has no such option",
    "no-build-isolation-package": "pixi's no-build-isolation takes the list of names itself",
    "no-build-package": "pixi's no-build takes the list of names itself",
    "no-binary-package": "pixi's no-binary takes the list of names itself",
    "override-dependencies": "pixi calls it dependency-overrides",
    "exclude-newer": "it belongs into [workspace]",
}


class OptionsConflictError(ValueError):
    """Two features of one environment set different values where there can be only one."""


def read_pypi_options(problems: Problems, node: Node) -> PypiOptions:
    """One table of options; what pixi refuses is noted and left out."""
    table = Table(problems, node)
    options = {
        "index_url": table.parsed("index-url", check_url),
        "extra_index_urls": table.read(
            "extra-index-urls", lambda n: problems.array(n, lambda e: problems.parsed(e, check_url))
        ),
        "find_links": table.read("find-links", lambda n: problems.array(n, lambda e: _find_links(problems, e))),
        "no_build_isolation": table.read("no-build-isolation", lambda n: _names(problems, n)),
        "index_strategy": table.choice("index-strategy", _INDEX_STRATEGIES),
        "prerelease_mode": table.choice("prerelease-mode", _PRERELEASE_MODES),
        "no_build": table.read("no-build", lambda n: _names(problems, n)),
        "dependency_overrides": table.read("dependency-overrides", lambda n: read_pypi_table(problems, n)),
        "no_binary": table.read("no-binary", lambda n: _names(problems, n)),
        "skip_wheel_filename_check": table.boolean("skip-wheel-filename-check"),
    }
    table.finish(lambda key: _OF_UV.get(key, ""))
    places = {name: problems.place(value.key) for name, value in node.items()}
    return PypiOptions(**options, places=places)  # type: ignore[arg-type]


def union(first: PypiOptions, second: PypiOptions) -> PypiOptions:
    """The options of two features of one environment, `first` listed before `second` (P3).

    Lists are joined without duplicates, `true` wins over names, and single values have to agree: OptionsConflictError.
    """
    for name in ("index_url", "index_strategy", "prerelease_mode", "skip_wheel_filename_check"):
        one, other = getattr(first, name), getattr(second, name)
        if one is not None and other is not None and one != other:
            raise OptionsConflictError(f"two features set {name.replace('_', '-')}: {one} and {other}")
    return _merged(first, second, preferred=first)


def overlay(base: PypiOptions, features: PypiOptions) -> PypiOptions:
    """The workspace's options below those of an environment's features: lists base first, single values overridden."""
    return _merged(base, features, preferred=features)


def _merged(first: PypiOptions, second: PypiOptions, *, preferred: PypiOptions) -> PypiOptions:
    """Lists in the order of the arguments; single values and overrides of `preferred` win."""
    other = second if preferred is first else first

    def either(one: T | None, another: T | None) -> T | None:
        return another if one is None else one

    return PypiOptions(
        index_url=either(preferred.index_url, other.index_url),
        extra_index_urls=_joined(first.extra_index_urls, second.extra_index_urls),
        find_links=_joined(first.find_links, second.find_links),
        no_build_isolation=_all_or_names(first.no_build_isolation, second.no_build_isolation),
        no_build=_all_or_names(first.no_build, second.no_build),
        no_binary=_all_or_names(first.no_binary, second.no_binary),
        index_strategy=either(preferred.index_strategy, other.index_strategy),
        prerelease_mode=either(preferred.prerelease_mode, other.prerelease_mode),
        dependency_overrides=_overridden(other.dependency_overrides, preferred.dependency_overrides),
        skip_wheel_filename_check=either(preferred.skip_wheel_filename_check, other.skip_wheel_filename_check),
        places={**other.places, **preferred.places},
    )


def _joined(first: tuple[T, ...] | None, second: tuple[T, ...] | None) -> tuple[T, ...] | None:
    if first is None or second is None:
        return second if first is None else first
    return tuple(dict.fromkeys((*first, *second)))


def _all_or_names(first: _Names | None, second: _Names | None) -> _Names | None:
    """`true` wins; names of both sides are joined, each once; `false` adds nothing."""
    if first is True or second is True:
        return True
    if first is None or second is None:
        return second if first is None else first
    names = {entry.name: entry for side in (second, first) if not isinstance(side, bool) for entry in side}
    ordered = dict.fromkeys(entry.name for side in (first, second) if not isinstance(side, bool) for entry in side)
    return tuple(names[name] for name in ordered) if names or first is not False or second is not False else False


def _overridden(
    base: tuple[PypiSpec, ...] | None, stronger: tuple[PypiSpec, ...] | None
) -> tuple[PypiSpec, ...] | None:
    if base is None or stronger is None:
        return stronger if base is None else base
    return tuple({spec.name: spec for spec in (*base, *stronger)}.values())


def _names(problems: Problems, node: Node) -> _Names | None:
    """`true`, `false` or a list of project names, each name once."""
    if isinstance(node.value, bool):
        return node.value
    if not isinstance(node.value, list):
        problems.wanted(node, 'a boolean or an array of packages, such as ["foo", "bar"]')
        return None
    entries: dict[str, IsolationEntry] = {}
    for element in node.elements():
        spelled = problems.parsed(element, check_project_name)
        if spelled is None:
            return None
        name = canonicalize_name(spelled)
        entries.setdefault(name, IsolationEntry(name, spelled, problems.place(element.key)))
    return tuple(entries.values())


def _find_links(problems: Problems, node: Node) -> FindLinks | None:
    if not isinstance(node.value, dict):
        problems.wanted(node, 'a table, { path = "…" } or { url = "…" }')
        return None
    mark = problems.mark
    table = Table(problems, node)
    both = "path" in table and "url" in table
    if both:
        problems.invalid(node, "cannot define both 'url' and 'path'")
    path, url = table.string("path"), table.parsed("url", check_url)
    if not problems.errors_since(mark) and path is None and url is None:
        problems.invalid(node, "either 'url' or 'path' must be defined")
    return None if problems.errors_since(mark) else FindLinks(path, url)

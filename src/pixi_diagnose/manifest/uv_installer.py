"""uv's settings as the model has them: PypiOptions, and the parts of an Installer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from packaging.utils import canonicalize_name

from ..errors import UsageError
from ..evidence import Place
from .addresses import below, check_project_name
from .installer import BuildSettings, NamedIndex
from .invocation import Invocation
from .model import FindLinks, IsolationEntry, PypiOptions, PypiSpec
from .surroundings import Surroundings
from .uv_options import UvOptions

__all__ = ["build_settings", "indexes_of", "isolation_from", "pypi_options"]

_TRUE = {"1", "true", "yes", "on", "y", "t"}
_INDEX_NAME = re.compile(r"^[A-Za-z0-9._-]+=")
COMMAND_LINE = "command line"
"""Where settings stand that are in no file."""

_Names = bool | tuple[IsolationEntry, ...] | None


def pypi_options(
    options: UvOptions, folder: str, invocation: Invocation, surroundings: Surroundings, overrides: tuple[PypiSpec, ...]
) -> PypiOptions:
    """The options in the words that all dialects share; uv's environment variables go before files (uv.md U1)."""
    indexes = indexes_of(options, folder)
    default = next((i for i in indexes if i.default and not i.explicit), None)
    listed = [i for i in indexes if not i.default and not i.explicit]
    flat = tuple(_find_links(i.url) for i in listed if i.format == "flat")
    first = (*_urls(surroundings, "UV_INDEX"), *_urls(surroundings, "UV_EXTRA_INDEX_URL"))
    replaced = _urls(surroundings, "UV_DEFAULT_INDEX") or _urls(surroundings, "UV_INDEX_URL")
    links = tuple(_find_links(below(folder, link)) for link in options.find_links or ())
    no_build, no_binary = options.no_build, options.no_binary
    return PypiOptions(
        index_url=replaced[0] if replaced else None if default is None else default.url,
        extra_index_urls=(*first, *(i.url for i in listed if i.format == "simple")) or None,
        find_links=(*flat, *links) or None,
        no_build_isolation=isolation_from(
            invocation,
            _either(
                _flag(surroundings, "UV_NO_BUILD_ISOLATION") or options.no_build_isolation,
                options.no_build_isolation_package,
            ),
        ),
        no_build=_either(
            _flag(surroundings, "UV_NO_BUILD") or no_build,
            options.only_binary,
            options.no_build_package,
            _listed(surroundings, "UV_NO_BUILD_PACKAGE"),
        ),
        no_binary=_either(
            _flag(surroundings, "UV_NO_BINARY") or no_binary,
            options.no_binary_package,
            _listed(surroundings, "UV_NO_BINARY_PACKAGE"),
        ),
        index_strategy=options.index_strategy,
        prerelease_mode=options.prerelease,
        dependency_overrides=overrides or None,
        places=options.places,
    )


def isolation_from(invocation: Invocation, given: _Names) -> _Names:
    """The isolation setting with what the command line adds. Raises UsageError for a name that is none."""
    place = Place(COMMAND_LINE, ())
    names = tuple(
        _entry(name, place, "--no-build-isolation-package") for name in invocation.no_build_isolation_packages
    )
    return _either(invocation.no_build_isolation or None, given, names or None)


def indexes_of(options: UvOptions, folder: str) -> tuple[NamedIndex, ...]:
    """All indexes in uv's order: `index`, then `extra-index-url`, then `index-url`; paths relative to the manifest."""
    indexes = list(options.index or ())
    indexes += [NamedIndex("", url) for url in options.extra_index_url or ()]
    indexes += [NamedIndex("", options.index_url, default=True)] if options.index_url is not None else []
    return tuple(replace(i, url=below(folder, i.url)) for i in indexes)


def build_settings(options: UvOptions, constraints: tuple[PypiSpec, ...]) -> BuildSettings:
    """What a build is given beside what it declares."""
    return BuildSettings(
        extra_requirements=options.extra_build_dependencies or {},
        extra_variables=options.extra_build_variables or {},
        constraints=constraints,
        metadata=options.dependency_metadata or (),
        config_settings=options.config_settings or {},
        project_config_settings=options.config_settings_package or {},
    )


def _find_links(location: str) -> FindLinks:
    return FindLinks(url=location) if "://" in location else FindLinks(path=location)


def _flag(surroundings: Surroundings, name: str) -> bool | None:
    value = surroundings.variable(name)
    return None if value is None else value.strip().lower() in _TRUE


def _urls(surroundings: Surroundings, name: str) -> tuple[str, ...]:
    """The indexes that a variable names, without the names that UV_INDEX may give them ("name=https://…")."""
    return tuple(_INDEX_NAME.sub("", given) for given in (surroundings.variable(name) or "").split())


def _listed(surroundings: Surroundings, name: str) -> tuple[IsolationEntry, ...] | None:
    names = (surroundings.variable(name) or "").split()
    return tuple(_entry(n, Place(name, ()), name) for n in names) or None


def _entry(spelled: str, place: Place, option: str) -> IsolationEntry:
    try:
        check_project_name(spelled)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    return IsolationEntry(canonicalize_name(spelled), spelled, place)


def _either(*given: _Names) -> _Names:
    """`true` wins, names are joined, `false` counts only where nothing else is said."""
    if any(value is True for value in given):
        return True
    names = _joined(value for value in given if isinstance(value, tuple))
    if names:
        return names
    return False if False in given else None


def _joined(lists: Iterable[tuple[IsolationEntry, ...]]) -> tuple[IsolationEntry, ...]:
    found: dict[str, IsolationEntry] = {}
    for entry in (entry for entries in lists for entry in entries):
        found.setdefault(entry.name, entry)
    return tuple(found.values())

"""uv's settings as the model has them: PypiOptions, and the parts of an Installer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..connections import Connections, proxy_patterns
from ..errors import UsageError
from ..evidence import Place
from ..pep508 import canonicalize_name
from .addresses import check_project_name
from .installer import BuildSettings, NamedIndex
from .invocation import Invocation
from .model import FindLinks, IsolationEntry, PypiOptions, PypiSpec
from .uv_options import UvOptions

__all__ = ["build_settings", "connections_of", "indexes_of", "isolation_from", "pypi_options"]

COMMAND_LINE = "command line"
"""Where settings stand that are in no file."""

_Names = bool | tuple[IsolationEntry, ...] | None


def pypi_options(options: UvOptions, invocation: Invocation, overrides: tuple[PypiSpec, ...]) -> PypiOptions:
    """The options in the words that all dialects share (uv.md U1)."""
    indexes = indexes_of(options)
    default = next((i for i in indexes if i.default and not i.explicit), None)
    listed = [i for i in indexes if not i.default and not i.explicit]
    flat = tuple(_find_links(i.url) for i in listed if i.format == "flat")
    links = tuple(_find_links(link) for link in options.find_links or ())
    isolation = _names_unless(options.no_build_isolation, options.no_build_isolation_package)
    binary = options.no_binary
    return PypiOptions(
        index_url=None if default is None else default.url,
        extra_index_urls=tuple(i.url for i in listed if i.format == "simple") or None,
        find_links=(*flat, *links) or None,
        no_build_isolation=isolation_from(invocation, isolation),
        no_build=_either(options.only_binary, _names_unless(options.no_build, options.no_build_package)),
        no_binary=_either(
            binary if isinstance(binary, tuple) else None,
            _names_unless(None if isinstance(binary, tuple) else binary, options.no_binary_package),
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


def indexes_of(options: UvOptions) -> tuple[NamedIndex, ...]:
    """All indexes in uv's order: `index`, then `extra-index-url`, then `index-url`.

    Of several with one name the first counts, and of several defaults, too.
    """
    indexes = list(options.index or ())
    indexes += [NamedIndex("", url) for url in options.extra_index_url or ()]
    indexes += [NamedIndex("", options.index_url, default=True)] if options.index_url is not None else []
    found: dict[str, NamedIndex] = {}
    for number, index in enumerate(indexes):
        further = index.default and not index.explicit and any(i.default and not i.explicit for i in found.values())
        if not further:
            found.setdefault(index.name or f" {number}", index)
    return tuple(found.values())


def connections_of(options: UvOptions, variable: Callable[[str], str | None]) -> Connections:
    """How indexes are reached. Proxies of the settings go before variables, and then none of these counts (uv 0.13)."""
    return Connections(
        keyring=options.keyring_provider == "subprocess",
        proxies=proxy_patterns(options.http_proxy or "", options.https_proxy or "", options.no_proxy or ()),
        unverified=options.allow_insecure_host or (),
        client_certificate=variable("SSL_CLIENT_CERT") or "",
    )


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


def _names_unless(all_or_none: bool | None, names: tuple[IsolationEntry, ...] | None) -> _Names:
    """A switch, whichever way it stands, leaves nothing to a list of names beside it (uv 0.13)."""
    return names if all_or_none is None else all_or_none


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

"""uv's environment variables: its settings of the nearest level, and the files that they name (uv.md U1; uv 0.13.8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from ..errors import UsageError
from ..evidence import Place, Unknown
from ..pep508 import canonicalize_name
from .addresses import check_project_name
from .installer import NamedIndex
from .model import IsolationEntry
from .target_python import is_version
from .uv_options import INDEX_STRATEGIES, KEYRING_PROVIDERS, PRERELEASE_MODES, RESOLUTIONS, UvOptions

__all__ = ["boolean", "named_files", "not_followed", "options_from_variables"]

Variable = Callable[[str], str | None]

_TRUE = {"y", "yes", "t", "true", "on", "1"}
_FALSE = {"n", "no", "f", "false", "off", "0", ""}
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)=(?P<url>.+)")


def options_from_variables(variable: Variable, *, pip: bool) -> UvOptions:
    """What the variables set, for `uv pip` or for `uv lock` and `uv sync`, which take partly different ones.

    Raises UsageError for a value at which uv would stop.
    """
    default, index = _indexes(variable("UV_DEFAULT_INDEX"), default=True), _indexes(variable("UV_INDEX"))
    index += _indexes(variable("UV_EXTRA_INDEX_URL")) + _indexes(variable("UV_INDEX_URL"), default=True)
    links = tuple(filter(None, (link.strip() for link in (variable("UV_FIND_LINKS") or "").split(","))))
    options = UvOptions(
        index=(*default, *index) or None,
        find_links=links or None,
        index_strategy=_choice(variable, "UV_INDEX_STRATEGY", INDEX_STRATEGIES),
        keyring_provider=_choice(variable, "UV_KEYRING_PROVIDER", KEYRING_PROVIDERS),
        allow_insecure_host=tuple((variable("UV_INSECURE_HOST") or "").split()) or None,
        resolution=_choice(variable, "UV_RESOLUTION", RESOLUTIONS),
        prerelease=_choice(variable, "UV_PRERELEASE", PRERELEASE_MODES),
        no_build_isolation=boolean(variable, "UV_NO_BUILD_ISOLATION") or None,
        exclude_newer=variable("UV_EXCLUDE_NEWER") or None,
        no_sources=boolean(variable, "UV_NO_SOURCES") or None,
        no_sources_package=_names(variable, "UV_NO_SOURCES_PACKAGE"),
    )
    if pip:
        return replace(options, torch_backend=variable("UV_TORCH_BACKEND") or None)
    return replace(
        options,
        no_build=boolean(variable, "UV_NO_BUILD") or None,
        no_build_package=_names(variable, "UV_NO_BUILD_PACKAGE"),
        no_binary=boolean(variable, "UV_NO_BINARY") or None,
        no_binary_package=_names(variable, "UV_NO_BINARY_PACKAGE"),
    )


def named_files(variable: Variable, name: str) -> tuple[str, ...]:
    """The files that UV_CONSTRAINT, UV_OVERRIDE, UV_EXCLUDE or UV_BUILD_CONSTRAINT name."""
    return tuple((variable(name) or "").split())


def not_followed(variable: Variable) -> Iterator[Unknown]:
    """Variables that change what is installed in a way that is not imitated here."""
    python = variable("UV_PYTHON") or ""
    if python and not is_version(python):
        yield Unknown(f"UV_PYTHON names the interpreter {python}, which is not looked at", subject="UV_PYTHON")


def boolean(variable: Variable, name: str) -> bool:
    """A flag, False where it is not set. Raises UsageError for a value that uv refuses."""
    value = (variable(name) or "").strip().lower()
    if value not in _TRUE | _FALSE:
        raise UsageError(f"{name}: '{value}' is neither true nor false, and uv refuses it")
    return value in _TRUE


def _indexes(given: str | None, *, default: bool = False) -> tuple[NamedIndex, ...]:
    """Indexes by address, each with a name before it where it has one (`name=https://…`)."""
    found = []
    for text in (given or "").split():
        named = _NAMED.fullmatch(text)
        found.append(NamedIndex(named["name"], named["url"], default) if named else NamedIndex("", text, default))
    return tuple(found)


def _choice(variable: Variable, name: str, choices: tuple[str, ...]) -> str | None:
    value = variable(name) or None
    if value is not None and value not in choices:
        raise UsageError(f"{name}: '{value}' is none of {', '.join(choices)}, and uv refuses it")
    return value


def _names(variable: Variable, name: str) -> tuple[IsolationEntry, ...] | None:
    entries = []
    for spelled in (variable(name) or "").split():
        try:
            check_project_name(spelled)
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from None
        entries.append(IsolationEntry(canonicalize_name(spelled), spelled, Place(name, ())))
    return tuple(entries) or None

"""The settings of uv: `[tool.uv]` of pyproject.toml and the whole of uv.toml (uv.md U1, as uv 0.13.8 reads them).

uv refuses an unknown or broken setting as a whole: in uv.toml it stops, in pyproject.toml it warns and then goes on
*without any setting* of `[tool.uv]` (seen with uv 0.13.8). Keys that belong to the project (`PROJECT_KEYS`) are read a
second time, by uv_tables.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from packaging.version import InvalidVersion, Version

from ..evidence import Place
from ..lazy_dataclass import dataclass
from ..pep508 import canonicalize_name
from .addresses import check_project_name
from .fields import Node, Problems, Table
from .installer import DependencyMetadata, ExtraBuildRequirement, NamedIndex
from .model import IsolationEntry, PypiSpec
from .pypi_specs import pypi_requirement

__all__ = [
    "INDEX_STRATEGIES",
    "KEYRING_PROVIDERS",
    "ONLY_IN_PYPROJECT",
    "PRERELEASE_MODES",
    "PROJECT_KEYS",
    "RESOLUTIONS",
    "UvOptions",
    "read_indexes",
    "read_options",
    "read_requirements",
]

PROJECT_KEYS = (
    *("sources", "index", "workspace", "managed", "package", "default-groups", "dependency-groups"),
    *("dev-dependencies", "override-dependencies", "exclude-dependencies", "constraint-dependencies"),
    *("build-constraint-dependencies", "environments", "required-environments", "conflicts", "build-backend"),
)
"""What uv reads of pyproject.toml as part of the project, whatever becomes of its settings."""
ONLY_IN_PYPROJECT = (
    *("conflicts", "workspace", "sources", "dev-dependencies", "default-groups", "dependency-groups"),
    *("managed", "package", "build-backend", "environments", "required-environments"),
)
"""Keys that uv refuses in uv.toml."""

INDEX_STRATEGIES = ("first-index", "unsafe-first-match", "unsafe-best-match")
PRERELEASE_MODES = ("disallow", "allow", "if-necessary", "explicit", "if-necessary-or-explicit")
KEYRING_PROVIDERS = ("disabled", "native", "subprocess")
RESOLUTIONS = ("highest", "lowest", "lowest-direct")
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_INDEX_NAME = re.compile(r"[A-Za-z0-9._-]+")
_TORCH_BACKEND = re.compile(r"auto|cpu|xpu|cu\d{2,3}|rocm[\d.]+")

# Known to uv, and of no consequence for what is resolved and built.
_INDIFFERENT = (
    *("required-version", "system-certs", "native-tls", "offline", "no-cache", "cache-dir", "preview"),
    *("preview-features", "python-preference", "python-downloads", "concurrent-downloads", "concurrent-builds"),
    *(
        "concurrent-installs",
        "prerelease-package",
        "fork-strategy",
        "require-build-hashes",
        "link-mode",
        "compile-bytecode",
    ),
    *("upgrade", "upgrade-package", "reinstall", "reinstall-package"),
    *("python-install-mirror", "pypy-install-mirror", "graalpy-install-mirror", "pyodide-install-mirror"),
    *("python-downloads-json-url", "publish-url", "trusted-publishing", "check-url", "add-bounds", "audit"),
    *("cache-keys", "minimum-libc-version"),
)
_INDIFFERENT_TO_PIP = (
    *("python", "system", "break-system-packages", "target", "prefix", "strict", "extra"),
    *("all-extras", "no-extra", "group", "allow-empty-requirements", "fork-strategy", "output-file"),
    *("no-strip-extras", "no-strip-markers", "no-annotate", "no-header", "custom-compile-command"),
    *("generate-hashes", "python-version", "python-platform", "universal", "no-emit-package", "emit-index-url"),
    *("emit-find-links", "emit-build-options", "emit-marker-expression", "emit-index-annotation"),
    *("annotation-style", "link-mode", "compile-bytecode", "require-hashes", "verify-hashes"),
    *("upgrade", "upgrade-package", "reinstall", "reinstall-package"),
)

_Names = tuple[IsolationEntry, ...]


@dataclass(frozen=True, slots=True)
class UvOptions:
    """One level of uv's settings, as it stands; None means not given. `pip` are those for `uv pip` alone.

    `no_binary` and `only_binary` of `pip` may be True (`:all:`) or names; elsewhere names have keys of their own.
    """

    index: tuple[NamedIndex, ...] | None = None
    index_url: str | None = None
    extra_index_url: tuple[str, ...] | None = None
    no_index: bool | None = None
    find_links: tuple[str, ...] | None = None
    index_strategy: str | None = None
    resolution: str | None = None
    prerelease: str | None = None
    dependency_metadata: tuple[DependencyMetadata, ...] | None = None
    config_settings: Mapping[str, tuple[str, ...]] | None = None
    config_settings_package: Mapping[str, Mapping[str, tuple[str, ...]]] | None = None
    no_build_isolation: bool | None = None
    no_build_isolation_package: _Names | None = None
    extra_build_dependencies: Mapping[str, tuple[ExtraBuildRequirement, ...]] | None = None
    extra_build_variables: Mapping[str, Mapping[str, str]] | None = None
    exclude_newer: str | None = None
    exclude_newer_package: Mapping[str, str] | None = None
    no_build: bool | None = None
    no_build_package: _Names | None = None
    only_binary: _Names | bool | None = None
    no_binary: _Names | bool | None = None
    no_binary_package: _Names | None = None
    torch_backend: str | None = None
    keyring_provider: str | None = None
    no_deps: bool | None = None
    http_proxy: str | None = None
    https_proxy: str | None = None
    no_proxy: tuple[str, ...] | None = None
    allow_insecure_host: tuple[str, ...] | None = None
    no_sources: bool | None = None
    no_sources_package: _Names | None = None
    constraint_dependencies: tuple[PypiSpec, ...] | None = None
    override_dependencies: tuple[PypiSpec, ...] | None = None
    build_constraint_dependencies: tuple[PypiSpec, ...] | None = None
    exclude_dependencies: _Names | None = None
    pip: UvOptions | None = None
    places: Mapping[str, Place] = field(default_factory=dict)


def read_options(problems: Problems, node: Node, *, uv_toml: bool) -> UvOptions:
    """A table of settings, everything that uv refuses noted as a problem and left out."""
    table = Table(problems, node)
    values = {name.replace("-", "_"): table.read(name, _bound(problems, read)) for name, read in _READERS.items()}
    for name in ("constraint-dependencies", "build-constraint-dependencies"):
        values[name.replace("-", "_")] = table.read(name, _bound(problems, read_requirements))
    values["override_dependencies"] = table.read("override-dependencies", _bound(problems, _overrides))
    values["exclude_dependencies"] = table.read("exclude-dependencies", _bound(problems, _excluded))
    values["pip"] = table.read("pip", _bound(problems, _pip_options))
    for name in _INDIFFERENT:
        table.take(name)
    for name in ONLY_IN_PYPROJECT:
        found = table.take(name)
        if found is not None and uv_toml:
            problems.add("invalid", f"'{name}' is not allowed in uv.toml, only in pyproject.toml", found.key, at="key")
    table.finish()
    places = {name: problems.place(value.key) for name, value in node.items()}
    return UvOptions(**values, places=places)


def _pip_options(problems: Problems, node: Node) -> UvOptions:
    table = Table(problems, node)
    readers = {**{n: read for n, read in _READERS.items() if n not in _NOT_FOR_PIP}, **_READERS_OF_PIP}
    values = {name.replace("-", "_"): table.read(name, _bound(problems, read)) for name, read in readers.items()}
    for name in _INDIFFERENT_TO_PIP:
        table.take(name)
    table.finish()
    places = {name: problems.place(value.key) for name, value in node.items()}
    return UvOptions(**values, places=places)


def read_indexes(problems: Problems, node: Node) -> tuple[NamedIndex, ...] | None:
    """`[[tool.uv.index]]`: names are unique, and at most one is the default."""
    indexes = problems.array(node, lambda element: _index(problems, element))
    for number, index in enumerate(indexes or ()):
        earlier = (indexes or ())[:number]
        if index.name and any(e.name == index.name for e in earlier):
            problems.invalid(node, f"duplicate index name `{index.name}`")
        if index.default and any(e.default for e in earlier):
            problems.invalid(node, "only one index may be marked as default")
    return indexes


def read_requirements(problems: Problems, node: Node) -> tuple[PypiSpec, ...] | None:
    """A list of PEP 508 requirements."""
    return problems.array(node, lambda element: pypi_requirement(problems, element, keep_spelling=True))


def _index(problems: Problems, node: Node) -> NamedIndex | None:
    table = Table(problems, node)
    name = table.parsed("name", _check_index_name)
    url = table.required("url", problems.string)
    explicit, default = table.boolean("explicit"), table.boolean("default")
    kind = table.choice("format", ("simple", "flat"))
    exclude_newer = table.read("exclude-newer", _bound(problems, _cutoff))
    for other in ("publish-url", "authenticate", "ignore-error-codes", "cache-control", "hash-algorithm"):
        table.take(other)
    # uv takes further keys of an index without a word
    if problems.errors_since(table.mark) or url is None:
        return None
    if explicit and name is None:
        problems.invalid(node, "an index with `explicit = true` requires a `name`")
        return None
    place = problems.place(node.key)
    return NamedIndex(name or "", url, bool(default), bool(explicit), kind or "simple", exclude_newer or None, place)


def _check_index_name(text: str) -> str:
    if not _INDEX_NAME.fullmatch(text):
        raise ValueError(f"'{text}' is not a valid index name: letters, digits, '-', '_' and '.'")
    return text


def _overrides(problems: Problems, node: Node) -> tuple[PypiSpec, ...] | None:
    """The overrides that hold for everything; those for one package only are tables (uv_tables.py)."""

    def read(element: Node) -> PypiSpec | None:
        if isinstance(element.value, dict):
            return None
        return pypi_requirement(problems, element, keep_spelling=True)

    return problems.array(node, read)


def _excluded(problems: Problems, node: Node) -> _Names | None:
    """The exclusions that hold for everything; those for one package only are tables (uv_tables.py)."""
    return _names(problems, node, tables=True)


def _names(problems: Problems, node: Node, *, tables: bool = False) -> _Names | None:
    """A list of names, each once; with `tables`, tables among them are passed over."""
    entries: dict[str, IsolationEntry] = {}

    def read(element: Node) -> str | None:
        if tables and isinstance(element.value, dict):
            return None
        spelled = problems.parsed(element, check_project_name)
        if spelled is not None:
            name = canonicalize_name(spelled)
            entries.setdefault(name, IsolationEntry(name, spelled, problems.place(element.key)))
        return spelled

    return None if problems.array(node, read) is None else tuple(entries.values())


def _names_or_all(problems: Problems, node: Node) -> _Names | bool | None:
    """A list of names, in which `:all:` stands for every project and `:none:` for none."""
    signs = [element.value for element in node.elements() if element.value in {":all:", ":none:"}]
    if not signs:
        return _names(problems, node)
    return signs[-1] == ":all:"


def _metadata(problems: Problems, node: Node) -> tuple[DependencyMetadata, ...] | None:
    return problems.array(node, lambda element: _metadata_entry(problems, element))


def _metadata_entry(problems: Problems, node: Node) -> DependencyMetadata | None:
    table = Table(problems, node)
    name = table.required("name", lambda n: problems.parsed(n, check_project_name))
    version = table.parsed("version", _check_version)
    requires = table.read("requires-dist", lambda n: problems.array(n, lambda e: _requirement_text(problems, e)))
    requires_python = table.string("requires-python")
    extras = table.strings("provides-extra") or table.strings("provides-extras")
    table.take("provides-extras")
    table.finish()
    if problems.errors_since(table.mark) or name is None:
        return None
    place = problems.place(node.key)
    return DependencyMetadata(canonicalize_name(name), version, requires or (), requires_python, extras or (), place)


def _requirement_text(problems: Problems, node: Node) -> str | None:
    return None if pypi_requirement(problems, node) is None else str(node.value)


def _check_version(text: str) -> str:
    try:
        return str(Version(text))
    except InvalidVersion:
        raise ValueError(f"'{text}' is not a valid version") from None


def _extra_requirements(problems: Problems, node: Node) -> dict[str, tuple[ExtraBuildRequirement, ...]]:
    read = _by_project(problems, node, lambda n: problems.array(n, lambda e: _extra_requirement(problems, e)))
    return {name: entries for name, entries in read.items() if entries is not None}


def _extra_requirement(problems: Problems, node: Node) -> ExtraBuildRequirement | None:
    if not isinstance(node.value, dict):
        spec = pypi_requirement(problems, node, keep_spelling=True)
        return None if spec is None else ExtraBuildRequirement(spec)
    table = Table(problems, node)
    spec = table.required("requirement", lambda n: pypi_requirement(problems, n, keep_spelling=True))
    match_runtime = table.required("match-runtime", problems.boolean)
    if problems.errors_since(table.mark) or spec is None:
        return None
    return ExtraBuildRequirement(spec, bool(match_runtime))


def _variables(problems: Problems, node: Node) -> dict[str, Mapping[str, str]]:
    return _by_project(problems, node, lambda n: problems.mapping(n, str, problems.string))


def _config_settings(problems: Problems, node: Node) -> dict[str, tuple[str, ...]]:
    def read(value: Node) -> tuple[str, ...] | None:
        if isinstance(value.value, list):
            return problems.array(value, problems.string)
        if isinstance(value.value, bool):  # as uv 0.13 writes it for the backend
            return (str(value.value).lower(),)
        text = problems.string(value)
        return None if text is None else (text,)

    return problems.mapping(node, str, read)


def _config_settings_of_projects(problems: Problems, node: Node) -> dict[str, Mapping[str, tuple[str, ...]]]:
    return _by_project(problems, node, lambda n: _config_settings(problems, n))


def _by_project(problems: Problems, node: Node, read: Callable[[Node], Any]) -> dict[str, Any]:
    """A table by project, under canonical names; two spellings of one name are refused."""
    found: dict[str, Any] = {}
    for spelled, value in problems.mapping(node, check_project_name, lambda n: (n, read(n))).items():
        name = canonicalize_name(spelled)
        if name in found:
            problems.add("invalid", f"duplicate entry for `{name}`", value[0].key, at="key")
        found[name] = value[1]
    return found


def _cutoff(problems: Problems, node: Node) -> str | None:
    """A moment, date or duration; `false` switches a cut-off of another level off."""
    if node.value is False:
        return ""
    if isinstance(node.value, str):
        return node.value
    problems.wanted(node, "a string with a date or a duration, or false")
    return None


def _cutoffs(problems: Problems, node: Node) -> dict[str, str]:
    return _by_project(problems, node, lambda n: _cutoff(problems, n))


def _check_torch_backend(text: str) -> str:
    if not _TORCH_BACKEND.fullmatch(text):
        raise ValueError(f"'{text}' is no torch backend: auto, cpu, xpu, cu126, rocm6.3 and the like")
    return text


def _check_proxy(text: str) -> str:
    scheme = text.partition("://")[0].lower() if "://" in text else "http"
    if scheme not in _PROXY_SCHEMES:
        raise ValueError(f"'{scheme}' is no scheme of a proxy: {', '.join(_PROXY_SCHEMES)}")
    return text


def _bound(problems: Problems, read: Callable[[Problems, Node], Any]) -> Callable[[Node], Any]:
    return lambda node: read(problems, node)


def _string(problems: Problems, node: Node) -> str | None:
    return problems.string(node)


def _strings(problems: Problems, node: Node) -> tuple[str, ...] | None:
    return problems.array(node, problems.string)


def _boolean(problems: Problems, node: Node) -> bool | None:
    return problems.boolean(node)


def _one_of(choices: tuple[str, ...]) -> Callable[[Problems, Node], str | None]:
    def choose(text: str) -> str:
        if text not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text

    return lambda problems, node: problems.parsed(node, choose)


_READERS: Mapping[str, Callable[[Problems, Node], Any]] = {
    "index": read_indexes,
    "index-url": _string,
    "extra-index-url": _strings,
    "no-index": _boolean,
    "find-links": _strings,
    "index-strategy": _one_of(INDEX_STRATEGIES),
    "resolution": _one_of(RESOLUTIONS),
    "prerelease": _one_of(PRERELEASE_MODES),
    "dependency-metadata": _metadata,
    "config-settings": _config_settings,
    "config-settings-package": _config_settings_of_projects,
    "no-build-isolation": _boolean,
    "no-build-isolation-package": _names,
    "extra-build-dependencies": _extra_requirements,
    "extra-build-variables": _variables,
    "exclude-newer": _cutoff,
    "exclude-newer-package": _cutoffs,
    "no-build": _boolean,
    "no-build-package": _names,
    "no-binary": _boolean,
    "no-binary-package": _names,
    "no-sources": _boolean,
    "no-sources-package": _names,
    "keyring-provider": _one_of(KEYRING_PROVIDERS),
    "http-proxy": lambda problems, node: problems.parsed(node, _check_proxy),
    "https-proxy": lambda problems, node: problems.parsed(node, _check_proxy),
    "no-proxy": _strings,
    "allow-insecure-host": _strings,
    "torch-backend": lambda problems, node: problems.parsed(node, _check_torch_backend),
}
_NOT_FOR_PIP = {"index", "no-build-package", "no-binary-package", "http-proxy", "https-proxy", "no-proxy"}
_NOT_FOR_PIP |= {"allow-insecure-host"}
_READERS_OF_PIP: Mapping[str, Callable[[Problems, Node], Any]] = {
    "no-binary": _names_or_all,
    "only-binary": _names_or_all,
    "no-deps": _boolean,
}

"""Conda dependencies in a pixi manifest: version strings, detailed tables, `{ workspace = true }` (pixi.md P2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..lazy_dataclass import dataclass
from .addresses import check_conda_name, check_url
from .fields import Node, Problems, Table
from .model import CondaSpec
from .version_spec import read_version_spec

__all__ = ["CondaEntry", "read_conda_table", "read_location", "resolve_conda_table"]

_ARCHIVES = (".conda", ".tar.bz2")
_OWNED_BY_WORKSPACE = ("version", "path", "git", "url")
_PINS = ("pin-subpackage", "pin-compatible")
_NOT_WITH_ARCHIVE = (
    "version",
    "build",
    "build-number",
    "extras",
    "flags",
    "subdir",
    "license",
    "when",
    "track-features",
)
_SELECTORS = (*_NOT_WITH_ARCHIVE, "file-name", "channel", "license-family", "md5", "sha256")


@dataclass(frozen=True, slots=True)
class CondaEntry:
    """One entry as it stands in its table. `inherits` is the value of its `workspace` key, None without one."""

    spec: CondaSpec
    node: Node
    inherits: Node | None = None

    @property
    def is_source(self) -> bool:
        """Whether pixi would have to build the package: it comes neither from a channel nor as a conda archive."""
        if self.spec.git is not None:
            return True
        location = self.spec.url if self.spec.path is None else self.spec.path
        return location is not None and not _is_archive(location)


def read_conda_table(problems: Problems, node: Node) -> tuple[CondaEntry, ...]:
    """The entries of a table such as `[dependencies]`, names checked, what is refused left out."""
    if not problems.table(node):
        return ()
    entries: dict[str, CondaEntry] = {}
    for spelled, value in node.items():
        name = spelled.lower()
        try:
            check_conda_name(spelled)
            if name in entries:
                raise ValueError(f"'{spelled}' names the same package as '{entries[name].spec.spelled}'")  # noqa: TRY301
        except ValueError as error:
            problems.add("invalid", str(error), value.key, at="key")
        entry = _read_entry(problems, spelled, value)
        if entry is not None:
            entries.setdefault(name, entry)
    return tuple(entries.values())


def resolve_conda_table(
    problems: Problems, entries: tuple[CondaEntry, ...], pool: Mapping[str, CondaEntry], *, sources_allowed: bool
) -> tuple[CondaSpec, ...]:
    """The specs of a table: inherited ones filled from `[workspace.dependencies]`, and sources only with pixi-build."""
    resolved: list[CondaEntry] = []
    for entry in entries:
        if entry.inherits is None:
            resolved.append(entry)
        elif entry.inherits.value is False:
            problems.invalid(entry.inherits, "'workspace' cannot be false", hint="remove it: inheriting is opt-in")
        elif entry.spec.name not in pool:
            problems.invalid(
                entry.inherits,
                f"the workspace does not define '{entry.spec.spelled}' in [workspace.dependencies]",
                hint="add it there, or give the version here",
            )
        else:
            resolved.append(replace(entry, spec=_layered(pool[entry.spec.name].spec, entry.spec)))
    if not sources_allowed:
        source = next((entry for entry in resolved if entry.is_source), None)
        if source is not None:
            problems.invalid(
                source.node,
                "conda source dependencies are not allowed without enabling the 'pixi-build' preview flag",
                hint='add preview = ["pixi-build"] to [workspace]',
            )
    return tuple(entry.spec for entry in resolved)


def read_location(problems: Problems, node: Node) -> str | None:
    """A `[dev]` entry, a location of source code and nothing else: its path, "" for another, None for none."""
    table = Table(problems, node)
    _Location.take(table)
    table.finish()
    path = node.value.get("path") if isinstance(node.value, dict) else None
    return None if problems.errors_since(table.mark) else path if isinstance(path, str) else ""


def _layered(base: CondaSpec, own: CondaSpec) -> CondaSpec:
    return replace(
        base,
        spelled=own.spelled,
        place=own.place,
        build=own.build or base.build,
        channel=own.channel or base.channel,
        subdir=own.subdir or base.subdir,
    )


def _is_archive(location: str) -> bool:
    return location.partition("?")[0].partition("#")[0].endswith(_ARCHIVES)


def _read_entry(problems: Problems, spelled: str, node: Node) -> CondaEntry | None:
    place = problems.place(node.key)
    if isinstance(node.value, str):
        version = problems.parsed(node, lambda text: _version(problems, node, text))
        return None if version is None else CondaEntry(CondaSpec(spelled.lower(), spelled, version, place), node)
    if not isinstance(node.value, dict):
        problems.wanted(node, "a string or a table")
        return None
    mark = problems.mark
    fields = {name: value for name, value in node.value.items() if name != "package"}
    if "workspace" in fields:
        inherits = Node(fields.pop("workspace"), (*node.key, "workspace"))
        if not _check_inheriting(problems, node, inherits, fields):
            return None
        spec = _read_detailed(problems, spelled, Node(fields, node.key), empty_allowed=True)
        return None if problems.errors_since(mark) else CondaEntry(spec, node, inherits)
    pin = next((name for name in _PINS if name in fields), None)
    if pin is not None:
        problems.invalid(node, f"'{pin}' is only supported in the dependency tables of a package")
        return None
    spec = _read_detailed(problems, spelled, Node(fields, node.key), empty_allowed=False)
    return None if problems.errors_since(mark) else CondaEntry(spec, node)


def _check_inheriting(problems: Problems, node: Node, inherits: Node, fields: Mapping[str, object]) -> bool:
    if problems.boolean(inherits) is None:
        return False
    if inherits.value is False and fields:
        problems.invalid(node, "'workspace = false' cannot be combined with other fields")
        return False
    owned = next((name for name in _OWNED_BY_WORKSPACE if name in fields), None)
    if owned is not None:
        problems.add("invalid", f"'{owned}' is mutually exclusive with 'workspace'", (*node.key, owned), at="key")
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Location:
    """Where source code or an archive lies; the fields that git, path and url share between tables."""

    url: str | None
    git: str | None
    path: str | None
    references: tuple[str, ...]

    @staticmethod
    def take(table: Table) -> _Location:
        url = table.parsed("url", check_url)
        git = table.parsed("git", check_url)
        path = table.string("path")
        references = tuple(name for name in ("branch", "rev", "tag") if table.string(name) is not None)
        if table.boolean("lfs") is not None:
            references = (*references, "lfs")
        table.string("subdirectory")
        return _Location(url, git, path, references)

    def check(self, given: Mapping[str, object]) -> None:
        """ValueError for combinations that pixi refuses (its own order)."""
        if self.git is None and self.references:
            raise ValueError("`branch`, `rev`, `tag` and `lfs` are only valid when `git` is specified")
        kinds = [name for name in ("url", "path", "git") if getattr(self, name) is not None]
        if len(kinds) > 1:
            raise ValueError("only one of `url`, `path` or `git` can be specified")
        if kinds:
            self._check_selectors(kinds[0], given)
        if len([name for name in self.references if name != "lfs"]) > 1:
            raise ValueError("only one of `branch`, `rev` or `tag` can be specified")

    def _check_selectors(self, kind: str, given: Mapping[str, object]) -> None:
        forbidden: list[str] = ["channel", "file-name", "license-family"]
        location = self.path if self.url is None else self.url
        if location is not None and _is_archive(location):
            forbidden += _NOT_WITH_ARCHIVE
        if kind != "url":
            forbidden += ["sha256", "md5"]
        clash = next((name for name in forbidden if name in given), None)
        if clash is not None:
            raise ValueError(f"`{clash}` cannot be used with `{kind}`")


def _read_detailed(problems: Problems, spelled: str, node: Node, *, empty_allowed: bool) -> CondaSpec:
    table = Table(problems, node)
    version = table.read("version", lambda field: problems.parsed(field, lambda text: _version(problems, field, text)))
    location = _Location.take(table)
    build = table.string("build")
    build_number = table.string("build-number")
    file_name = table.string("file-name")
    table.strings("extras")
    table.strings("flags")
    channel = table.string("channel")
    subdir = table.string("subdir")
    license_ = table.string("license")
    table.string("license-family")
    table.take("when")
    table.strings("track-features")
    md5 = table.parsed("md5", lambda text: _digest(text, 32))
    sha256 = table.parsed("sha256", lambda text: _digest(text, 64))
    table.finish()
    given: dict[str, object] = node.value if isinstance(node.value, dict) else {}
    if not problems.errors_since(table.mark):
        try:
            location.check(given)
            if not empty_allowed and not any(name in given for name in (*_SELECTORS, "url", "path", "git")):
                raise ValueError("one of `version`, `build`, `channel`, `git`, `url` or `path` must be specified")  # noqa: TRY301
        except ValueError as error:
            problems.invalid(node, str(error))
    return CondaSpec(
        name=spelled.lower(),
        spelled=spelled,
        version=version or "*",
        place=problems.place(node.key),
        build=build,
        channel=channel,
        subdir=subdir,
        url=location.url,
        path=location.path,
        git=location.git,
        selectors=tuple(
            (name, value)
            for name, value in (
                ("build_number", build_number),
                ("fn", file_name),
                ("license", license_),
                ("md5", md5),
                ("sha256", sha256),
            )
            if value is not None
        ),
    )


def _version(problems: Problems, node: Node, text: str) -> str:
    spec, guessed = read_version_spec(text)
    if guessed:
        message = f"ambiguous version '{text}': pixi reads it as '{spec}' and announces that it will become an error"
        problems.add("warning", message, node.key, hint=f"write '{spec}', or '{text}.*' for any release of {text}")
    return spec


def _digest(text: str, length: int) -> str:
    if not re.fullmatch(rf"[0-9A-Fa-f]{{{length}}}", text):
        raise ValueError(f"not a digest of {length} hexadecimal digits")
    return text

"""Core metadata of a release, read statically: what it requires, and where that was read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

import tomli
from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from .core_metadata import MetadataSource, StaticMetadata
from .evidence import Evidence, Unknown
from .lazy_dataclass import dataclass
from .pep508 import canonicalize_name
from .source_tree import SourceTree

__all__ = [
    "MetadataSource",
    "StaticMetadata",
    "metadata_settled",
    "own_name",
    "static_metadata",
    "table_name",
    "unread_metadata",
    "usable_requirement",
    "usable_specifier",
    "wheel_metadata",
]


REQUIREMENT_FIELDS = ("Requires-Dist", "Requires-Python", "Provides-Extra")
DYNAMIC_KEYS = ("dependencies", "optional-dependencies", "requires-python")
BUILT_BY_ALL = (("pixi", False), ("uv", False), ("pip", False))
# uv 0.13.8 and pixi 0.77 read an sdist's own metadata, pip 26.0 builds every sdist (uv.md U2)
STATIC_SDIST = (("pixi", True), ("uv", True), ("pip", False))
STATIC_WHEEL = (("pixi", True), ("uv", True), ("pip", True))


def static_metadata(tree: SourceTree, project: str, version: str = "") -> StaticMetadata:
    """Read the metadata of a source tree in the order of uv.md U2 and U6.3; what cannot be read is in `unknowns`.

    `project` and `version` are what was asked for (`version` empty: whatever the tree says); a tree that says otherwise
    is an unknown. Of a directory or git checkout only pyproject.toml counts as static, as a PKG-INFO there may be
    stale. Where no `version` is given (anything but a release of an index), pyproject.toml must say it, too.
    """
    project = canonicalize_name(project)
    pyproject = _Pyproject.read(tree, sdist=bool(version))
    info = _PkgInfo.read(tree)
    if pyproject is not None and pyproject.static:
        found = _from_pyproject(pyproject, tree, project, version)
    elif info is not None and info.static and tree.kind == "sdist":
        found = _checked(project, version, info, info.requires, MetadataSource.PKG_INFO, STATIC_SDIST)
        found = replace(found, loosely_dynamic=info.loosely_dynamic)
    else:
        found = _dynamic(tree, project, version, pyproject, info)
    says = [("pyproject.toml", pyproject.name, pyproject.version)] if pyproject else []
    says += [(info.path, info.name, info.version)] if info else []
    return replace(found, unknowns=found.unknowns + tuple(_contradictions(says, project, version)))


def own_name(tree: SourceTree) -> tuple[str, str]:
    """The project and version that a tree calls itself in pyproject.toml, else PKG-INFO; "" where it does not."""
    pyproject, info = _Pyproject.read(tree, sdist=True), _PkgInfo.read(tree)
    says = [(p.name, p.version) for p in (pyproject, info) if p is not None and p.name]
    name, version = says[0] if says else ("", "")
    return canonicalize_name(name), version


def table_name(tree: SourceTree) -> str:
    """The project of a tree's `[project]` table, "" where it has none."""
    pyproject = _Pyproject.read(tree, sdist=True)
    return canonicalize_name(pyproject.name) if pyproject is not None else ""


def wheel_metadata(data: bytes, project: str, version: str) -> StaticMetadata:
    """Read a wheel's METADATA file. Never fails: what is not valid is dropped and listed in `unknowns`."""
    info = _PkgInfo.parse("METADATA", data.decode("utf-8-sig", "replace"))
    project = canonicalize_name(project)
    found = _checked(project, version, info, info.requires, MetadataSource.WHEEL, STATIC_WHEEL)
    contradictions = tuple(_contradictions([("METADATA", info.name, info.version)], project, version))
    return replace(found, unknowns=found.unknowns + contradictions)


def unread_metadata(project: str, version: str, unknown: Unknown, *, built: bool) -> StaticMetadata:
    """What stands in for metadata that could not be had: no requirements, and the reason."""
    frontends = BUILT_BY_ALL if built else STATIC_WHEEL
    return StaticMetadata(
        canonicalize_name(project),
        version,
        (),
        None,
        (),
        MetadataSource.NONE,
        frontends,
        approximate=True,
        dynamic_reason="its metadata could not be read",
        unknowns=(unknown,),
    )


def metadata_settled(files: Mapping[str, bytes]) -> bool:
    """Whether the files read so far of an sdist already decide `static_metadata`, so that reading may stop."""
    tree = SourceTree("sdist", "", "", files, {})
    info = _PkgInfo.read(tree)
    if info is not None and info.static:
        return True
    pyproject = _Pyproject.read(tree, sdist=True)
    return pyproject is not None and pyproject.static


# --- pyproject.toml -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pyproject:
    """`[project]` of a pyproject.toml, as far as uv reads it (uv.md U2, step 2)."""

    name: str
    version: str
    requires: tuple[str, ...]
    requires_python: str | None
    extras: tuple[str, ...]
    dynamic: tuple[str, ...]
    has_table: bool
    tool: str = ""

    @property
    def static(self) -> bool:
        return self.has_table and bool(self.name) and not self.dynamic

    @classmethod
    def read(cls, tree: SourceTree, *, sdist: bool) -> _Pyproject | None:
        """None without a readable file. `sdist`: the version is known from the archive's name."""
        text = tree.text("pyproject.toml")
        if text is None:
            return None
        try:
            document = tomli.loads(text)
        except tomli.TOMLDecodeError:
            return None
        tool = document.get("tool")
        old_style = next((t for t in ("poetry", "flit") if isinstance(tool, dict) and t in tool), "")
        table = document.get("project")
        if not isinstance(table, dict):
            return cls("", "", (), None, (), (), has_table=False, tool=old_style)
        dynamic = [d for d in _strings(table.get("dynamic")) if d in DYNAMIC_KEYS]
        version = table.get("version")
        if not sdist and not isinstance(version, str):
            dynamic.append("version")
        if "dependencies" not in table and old_style == "poetry" and "dependencies" not in dynamic:
            dynamic.append("dependencies")  # uv.md U2: left to [tool.poetry.dependencies]
        optional = table.get("optional-dependencies")
        extras = optional if isinstance(optional, dict) else {}
        requires = list(_strings(table.get("dependencies")))
        for extra, wanted in extras.items():
            requires += [_with_marker(line, f"extra == '{canonicalize_name(extra)}'") for line in _strings(wanted)]
        name, python = table.get("name"), table.get("requires-python")
        return cls(
            name if isinstance(name, str) else "",
            version if isinstance(version, str) else "",
            tuple(requires),
            python if isinstance(python, str) else None,
            tuple(canonicalize_name(e) for e in extras),
            tuple(dynamic),
            has_table=True,
            tool=old_style,
        )


def _from_pyproject(pyproject: _Pyproject, tree: SourceTree, project: str, version: str) -> StaticMetadata:
    info = _PkgInfo(
        "pyproject.toml",
        pyproject.name,
        version or pyproject.version,
        requires=pyproject.requires,
        requires_python=pyproject.requires_python,
        extras=pyproject.extras,
    )
    static_for = STATIC_SDIST if tree.kind != "wheel" else STATIC_WHEEL
    return _checked(project, version or pyproject.version, info, info.requires, MetadataSource.PYPROJECT, static_for)


def _dynamic_lines(text: str, keys: Iterable[str]) -> Iterator[Evidence]:
    """The lines on which `[project] dynamic = […]` names these keys."""
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if re.match(r"\s*dynamic\s*=", line)), None)
    if start is None:
        return
    for key in keys:
        for number in range(start, len(lines)):
            if re.search(rf"""['"]{key}['"]""", lines[number]):
                yield Evidence("pyproject.toml", number + 1, lines[number].strip())
                break
            if "]" in lines[number]:
                break


# --- PKG-INFO, METADATA ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _PkgInfo:
    """A file of core metadata; `lines` holds for each field the line of its first appearance."""

    path: str
    name: str
    version: str
    metadata_version: tuple[int, ...] = ()
    requires: tuple[str, ...] = ()
    requires_python: str | None = None
    extras: tuple[str, ...] = ()
    dynamic: tuple[Evidence, ...] = ()
    version_line: Evidence | None = None
    loosely_dynamic: tuple[Evidence, ...] = ()

    @property
    def static(self) -> bool:
        """Metadata 2.2 and later without a Dynamic requirement field (uv.md U2, step 3)."""
        return self.metadata_version >= (2, 2) and not self.dynamic

    @classmethod
    def read(cls, tree: SourceTree) -> _PkgInfo | None:
        text = tree.text("PKG-INFO")
        return None if text is None else cls.parse("PKG-INFO", text)

    @classmethod
    def parse(cls, path: str, text: str) -> _PkgInfo:
        values: dict[str, list[str]] = {}
        dynamic: list[Evidence] = []
        loosely: list[Evidence] = []
        version_line: Evidence | None = None
        for number, field, value in _headers(text):
            values.setdefault(field, []).append(value)
            # uv 0.11.1 to 0.13.8 compare case-sensitively (uv.md U2), and setuptools writes lower case
            if field == "dynamic" and value in REQUIREMENT_FIELDS:
                dynamic.append(Evidence(path, number, f"Dynamic: {value}"))
            elif field == "dynamic" and value.title() in REQUIREMENT_FIELDS:
                loosely.append(Evidence(path, number, f"Dynamic: {value}"))
            elif field == "metadata-version":
                version_line = Evidence(path, number, f"Metadata-Version: {value}")
        return cls(
            path,
            values.get("name", [""])[0],
            values.get("version", [""])[0],
            _numbers(values.get("metadata-version", [""])[0]),
            tuple(values.get("requires-dist", ())),
            values.get("requires-python", [None])[0] or None,
            tuple(canonicalize_name(e) for e in values.get("provides-extra", ()) if e),
            tuple(dynamic),
            version_line,
            tuple(loosely),
        )


def _headers(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, lower-case field, value) of the header block; no field read here has continuation lines."""
    for number, raw in enumerate(text.split("\n\n", 1)[0].split("\n"), 1):
        line = raw.rstrip("\r")
        if not line:
            return
        field, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            yield number, field.lower(), value.strip()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in version.split(".")) if re.fullmatch(r"\d{1,4}(\.\d{1,4})*", version) else ()


# --- what a build would have to confirm -----------------------------------------------------------------------------


def _dynamic(
    tree: SourceTree, project: str, version: str, pyproject: _Pyproject | None, info: _PkgInfo | None
) -> StaticMetadata:
    """The best approximation where the frontends build to know, and why they build."""
    evidence, reason = _why_dynamic(tree, pyproject, info)
    given = info or _PkgInfo("", "", "")
    version = version or (pyproject.version if pyproject else "") or given.version
    egg = min((p for p in tree.files if p.endswith(".egg-info/requires.txt")), key=len, default=None)
    requires: tuple[str, ...] = ()
    if egg is not None:
        requires, extras = _read_requires_txt(tree.text(egg) or "")
        source = MetadataSource.EGG_INFO
        given = replace(given, path=egg, extras=tuple(dict.fromkeys((*extras, *given.extras))))
    elif given.requires or (info is not None and _is_final(tree, pyproject)):
        requires, source = given.requires, MetadataSource.OLD_PKG_INFO
    elif pyproject is not None and pyproject.has_table and "dependencies" not in pyproject.dynamic:
        requires, source = pyproject.requires, MetadataSource.PYPROJECT
        given = replace(
            given, path="pyproject.toml", requires_python=pyproject.requires_python, extras=pyproject.extras
        )
    else:
        source = MetadataSource.NONE
    found = _checked(project, version, given, requires, source, BUILT_BY_ALL)
    unknowns = found.unknowns
    if source is MetadataSource.NONE:
        unknowns += (Unknown("its requirements are only known after a build: " + reason, evidence, project),)
    return replace(found, approximate=True, dynamic_because=evidence, dynamic_reason=reason, unknowns=unknowns)


def _is_final(tree: SourceTree, pyproject: _Pyproject | None) -> bool:
    """Whether a PKG-INFO without Requires-Dist means none: its backend always writes them, or the egg-info has none.

    setuptools before 68 left them out of the sdist's own PKG-INFO; its egg-info then lists what it wrote.
    """
    if any(p.endswith(".egg-info/SOURCES.txt") for p in tree.names):
        return not any(p.endswith(".egg-info/requires.txt") for p in tree.names)
    return pyproject is not None and pyproject.tool in {"poetry", "flit"}


def _why_dynamic(
    tree: SourceTree, pyproject: _Pyproject | None, info: _PkgInfo | None
) -> tuple[tuple[Evidence, ...], str]:
    evidence: list[Evidence] = []
    reasons: list[str] = []
    if pyproject is not None and pyproject.dynamic:
        evidence += _dynamic_lines(tree.text("pyproject.toml") or "", pyproject.dynamic)
        reasons.append(f"its pyproject.toml leaves {' and '.join(pyproject.dynamic)} to the build")
    elif pyproject is None or not pyproject.has_table:
        reasons.append("no [project] table declares its requirements")
    if tree.kind != "sdist":
        pass  # a PKG-INFO found there says nothing
    elif info is None:
        reasons.append("it has no PKG-INFO")
    elif info.dynamic:
        evidence += info.dynamic
        reasons.append("its PKG-INFO says `" + "`, `".join(dict.fromkeys(e.text for e in info.dynamic)) + "`")
    else:
        evidence += [info.version_line] if info.version_line else []
        is_version = ".".join(map(str, info.metadata_version)) or "of no version"
        reasons.append(f"its PKG-INFO, of metadata {is_version}, promises no final requirements (2.2 would)")
    return tuple(dict.fromkeys(evidence)), " and ".join(reasons)


def _read_requires_txt(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The requires.txt of setuptools: sections `[extra]`, `[:marker]` and `[extra:marker]` become markers."""
    requires: list[str] = []
    extras: list[str] = []
    conditions: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            extra, _, marker = line[1:-1].partition(":")
            extra = canonicalize_name(extra.strip())
            conditions = [f"({marker.strip()})"] if marker.strip() else []
            if extra:
                extras.append(extra)
                conditions.append(f"extra == '{extra}'")
            continue
        requires.append(_with_marker(line, " and ".join(conditions)))
    return tuple(requires), tuple(dict.fromkeys(extras))


def _with_marker(requirement: str, condition: str) -> str:
    if not condition:
        return requirement
    # a URL may hold a semicolon, its marker follows a space
    parts = re.split(r"\s;\s*" if "@" in requirement else r"\s*;\s*", requirement, maxsplit=1)
    both = f"({parts[1].strip()}) and {condition}" if len(parts) == 2 else condition
    return f"{parts[0].strip()} ; {both}"


# --- validation -----------------------------------------------------------------------------------------------------


def _checked(
    project: str,
    version: str,
    info: _PkgInfo,
    requires: Iterable[str],
    source: MetadataSource,
    static_for: tuple[tuple[str, bool], ...],
) -> StaticMetadata:
    """Keeps what a resolver accepts; the rest becomes unknowns."""
    kept: list[str] = []
    unknowns: list[Unknown] = []
    for line in requires:
        usable = usable_requirement(line)
        if usable is None:
            unknowns.append(Unknown(f"a requirement in {info.path} is not valid and was left out: {line}", (), project))
        else:
            kept.append(usable)
    python = usable_specifier(info.requires_python) if info.requires_python else None
    if info.requires_python and python is None:
        said = info.requires_python
        unknowns.append(Unknown(f"Requires-Python in {info.path} is not valid and was left out: {said}", (), project))
    return StaticMetadata(
        project, version, tuple(kept), python, info.extras, source, static_for, unknowns=tuple(unknowns)
    )


def _contradictions(says: Iterable[tuple[str, str, str]], project: str, version: str) -> Iterator[Unknown]:
    for path, name, said_version in says:
        if name and canonicalize_name(name) != project:
            yield Unknown(f"{path} is of {name}, not of {project}", (), project)
        elif said_version and version and not _same_version(said_version, version):
            yield Unknown(f"{path} is of version {said_version}, not {version}", (), project)


def _same_version(a: str, b: str) -> bool:
    try:
        return a == b or Version(a) == Version(b)
    except InvalidVersion:
        return False


# What uv repairs rather than rejects in published metadata (uv 0.13, LenientRequirement): the same repairs, so that a
# sloppy line counts here as it counts there.
REPAIRS = (
    (re.compile(r"(\d)\s*([<>=~!]=?=?)"), r"\1,\2"),  # >=1.0<2.0
    (re.compile(r"!=~\s*((?:\d+\.)*\d+)"), r"!=\1.*"),
    (re.compile(r"(<=|>=|<|>)\s*(\d+(?:\.\d+)*)\.\*"), r"\1\2"),  # >=2.7.*
    (re.compile(r"(\d\.\d+)\*"), r"\1.*"),  # ==1.0*
    (re.compile(r",\s*(?=[);]|$)"), ""),
    (re.compile(r"""(?<=[<>=~!])\s*['"]|(?<=[\d*])['"]"""), ""),
    (re.compile(r">\s*\*|(?<=[)\s\w])\(\s*\)"), ""),
)
NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
CLAUSE = r"(?:[<>]=?|[=!]=|~=)\s*\d+(?:\.\d+)*(?:(?:a|b|rc|\.?post|\.?dev)\d+)?"
WILDCARD = r"[=!]=\s*\d+(?:\.\d+)*\.\*"
PLAIN = re.compile(
    rf"{NAME}\s*(?:\[\s*{NAME}(?:\s*,\s*{NAME})*\s*\])?\s*"
    rf"(?P<open>\()?\s*(?:(?:{CLAUSE}|{WILDCARD})(?:\s*,\s*(?:{CLAUSE}|{WILDCARD}))*)?\s*(?(open)\))"
)


@lru_cache(maxsize=8192)
def usable_requirement(line: str) -> str | None:
    """The requirement as a resolver takes it: as it is, repaired as uv repairs it, or None where it cannot be read."""
    head, semicolon, marker = line.partition(";")
    # the common shapes are decided without the full parser, which is ten times slower
    if PLAIN.fullmatch(head.strip()) and "~=" not in head and (not semicolon or _is_marker(marker.strip())):
        return line
    for candidate in (line, _repaired(line)):
        try:
            Requirement(candidate)
        except InvalidRequirement:
            continue
        return candidate
    return None


def _repaired(line: str) -> str:
    head, semicolon, marker = line.partition(";")
    for pattern, replacement in REPAIRS:
        head = pattern.sub(replacement, head)
    return f"{head.strip()} ; {marker.strip()}" if semicolon else head.strip()


@lru_cache(maxsize=4096)
def _is_marker(text: str) -> bool:
    try:
        Marker(text)
    except InvalidMarker:
        return False
    return True


@lru_cache(maxsize=1024)
def usable_specifier(text: str) -> str | None:
    """The version specifier as a resolver takes it, repaired where uv would, None where it cannot be read."""
    repaired = text
    for pattern, replacement in REPAIRS:
        repaired = pattern.sub(replacement, repaired)
    for candidate in (text, repaired.strip()):
        try:
            SpecifierSet(candidate)
        except InvalidSpecifier:
            continue
        return candidate
    return None


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))

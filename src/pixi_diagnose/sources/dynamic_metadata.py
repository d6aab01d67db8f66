"""What a source tree without static metadata would say of itself after a build, as far as its files tell.

A path or git dependency is mostly of this kind, and without its requirements the resolution would miss what it brings
in. What is found here is a prediction: whether a frontend builds to know it stays as `metadata` says (uv.md U2).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import tomli
from packaging.version import InvalidVersion, Version

from ..build_needs.model import BuildTarget
from ..build_needs.setup_metadata import literal_in, setup_metadata
from ..core_metadata import MetadataSource, StaticMetadata
from ..evidence import Evidence, Unknown
from ..metadata import own_name, usable_requirement, usable_specifier
from ..pep508 import canonicalize_name
from ..source_tree import SourceTree
from .model import UNKNOWN_VERSION

__all__ = ["predicted"]


def predicted(metadata: StaticMetadata, tree: SourceTree, target: BuildTarget) -> StaticMetadata:
    """The metadata with its version and requirements filled in, each only where nothing says it yet.

    Its `project` becomes the name that the build configuration gives, where it gives another one.
    """
    document = _pyproject(tree)
    backend = _at(document, "build-system").get("build-backend")
    module = backend.partition(":")[0] if isinstance(backend, str) else "setuptools.build_meta"
    if module.startswith("setuptools"):
        return _from_setuptools(metadata, tree, target)
    version = metadata.version or _version(tree, document, module) or ""
    if module.startswith("poetry"):
        poetry = _at(document, "tool", "poetry")
        if _is_open(metadata, tree) and poetry:
            metadata = _with_requirements(metadata, tuple(_poetry_requirements(poetry)), "pyproject.toml", ())
    elif module.startswith("flit") and _is_open(metadata, tree):
        table = _at(document, "tool", "flit", "metadata")
        requires = [line for line in table.get("requires", []) if isinstance(line, str)]
        metadata = _with_requirements(metadata, tuple(requires), "pyproject.toml", ())
    return _with_version(metadata, version)


def _is_open(metadata: StaticMetadata, tree: SourceTree) -> bool:
    """Whether nothing says the requirements yet: what an earlier build left in a folder or checkout may be stale."""
    left_behind = {MetadataSource.EGG_INFO, MetadataSource.OLD_PKG_INFO}
    return metadata.source is MetadataSource.NONE or (tree.kind != "sdist" and metadata.source in left_behind)


def _from_setuptools(metadata: StaticMetadata, tree: SourceTree, target: BuildTarget) -> StaticMetadata:
    said = setup_metadata(tree, target)
    if said.name and not own_name(tree)[0]:
        metadata = replace(metadata, project=canonicalize_name(said.name))
    if said.requires is not None and _is_open(metadata, tree):
        metadata = _with_requirements(metadata, said.requires, "setup()", said.evidence)
        if not said.certain:
            unknown = Unknown("a part of its requirements is computed by its build", said.evidence, metadata.project)
            metadata = replace(metadata, unknowns=(*metadata.unknowns, unknown))
    if metadata.requires_python is None and said.requires_python:
        metadata = replace(metadata, requires_python=usable_specifier(said.requires_python))
    return _with_version(metadata, metadata.version or said.version or "")


def _with_requirements(
    metadata: StaticMetadata, lines: tuple[str, ...], file: str, evidence: tuple[Evidence, ...]
) -> StaticMetadata:
    """With requirements that were found, in place of the unknown that said that there are none to be had."""
    usable = [(line, usable_requirement(line)) for line in lines]
    unknowns = [u for u in metadata.unknowns if not u.reason.startswith("its requirements are only known")]
    unknowns += [
        Unknown(f"a requirement in {file} is not valid and was left out: {line}", evidence, metadata.project)
        for line, kept in usable
        if kept is None
    ]
    extras = [extra for line in lines for extra in re.findall(r"extra == '([^']*)'", line)]
    return replace(
        metadata,
        requires=tuple(kept for _, kept in usable if kept is not None),
        provides_extra=tuple(dict.fromkeys(map(canonicalize_name, extras))),
        source=MetadataSource.SCRIPT,
        unknowns=tuple(unknowns),
    )


def _with_version(metadata: StaticMetadata, version: str) -> StaticMetadata:
    try:
        return replace(metadata, version=str(Version(version)))
    except InvalidVersion:
        return replace(metadata, version=UNKNOWN_VERSION)


# --- versions that other backends take from the tree ----------------------------------------------------------------


def _version(tree: SourceTree, document: dict[str, Any], module: str) -> str | None:
    """The version by the backend's own rule: hatchling, flit-core, pdm-backend, poetry-core (their documentation)."""
    if module.startswith("hatchling"):
        table = _at(document, "tool", "hatch", "version")
        return _by_pattern(tree, table.get("path"), table.get("pattern"))
    if module.startswith("pdm"):
        table = _at(document, "tool", "pdm", "version")
        return _by_pattern(tree, table.get("path"), None) if table.get("source") == "file" else None
    if module.startswith("poetry"):
        version = _at(document, "tool", "poetry").get("version")
        return version if isinstance(version, str) else None
    if module.startswith("flit"):
        named = _at(document, "tool", "flit", "module").get("name")
        named = named or _at(document, "tool", "flit", "metadata").get("module") or _at(document, "project").get("name")
        name = str(named or "").replace("-", "_")
        paths = (f"{folder}{name}{end}" for folder in ("", "src/") for end in (".py", "/__init__.py"))
        return next((v for path in paths if (v := literal_in(tree, path, "__version__"))), None)
    return None


def _by_pattern(tree: SourceTree, path: Any, pattern: Any) -> str | None:
    """A version that is searched in a file: by hatchling's default pattern, unless another one is given."""
    text = tree.text(posixpath.normpath(path)) if isinstance(path, str) else None
    if text is None or isinstance(pattern, str):  # patterns of a package are not run: they may take for ever
        return None
    match = re.search(r"""(?im)^(?:__version__|VERSION)(?: ?: ?str)? *= *(['"])v?([^'"\n]+)\1""", text)
    return match[2] if match else None


# --- poetry's own table ---------------------------------------------------------------------------------------------


def _poetry_requirements(poetry: dict[str, Any]) -> Iterator[str]:
    """`[tool.poetry.dependencies]` as PEP 508, optional ones under their extras."""
    dependencies = poetry.get("dependencies")
    extras = poetry.get("extras")
    wanted_by: dict[str, list[str]] = {}
    for extra, names in extras.items() if isinstance(extras, dict) else ():
        for name in names if isinstance(names, list) else ():
            wanted_by.setdefault(str(name).lower(), []).append(extra)
    for name, given in dependencies.items() if isinstance(dependencies, dict) else ():
        if name == "python":
            continue
        for table in given if isinstance(given, list) else [given]:
            line = _poetry_requirement(name, {"version": table} if isinstance(table, str) else table)
            if line is None:
                continue
            if isinstance(table, dict) and table.get("optional") is True:
                yield from (_with_extra(line, extra) for extra in wanted_by.get(name.lower(), ()))
            else:
                yield line


def _poetry_requirement(name: str, table: Any) -> str | None:
    if not isinstance(table, dict):
        return None
    extras = table.get("extras")
    listed = f"[{','.join(map(str, extras))}]" if isinstance(extras, list) and extras else ""
    markers = table.get("markers")
    marker = f" ; {markers}" if isinstance(markers, str) else ""
    if isinstance(table.get("git"), str):
        reference = next((table[key] for key in ("rev", "tag", "branch") if isinstance(table.get(key), str)), "")
        folder = table.get("subdirectory")
        url = f"git+{table['git']}" + (f"@{reference}" if reference else "")
        return f"{name}{listed} @ {url}" + (f"#subdirectory={folder}" if isinstance(folder, str) else "") + marker
    if isinstance(table.get("url"), str):
        return f"{name}{listed} @ {table['url']}{marker}"
    version = table.get("version", "*")
    return f"{name}{listed}{_pep440(version)}{marker}" if isinstance(version, str) else None


def _with_extra(line: str, extra: str) -> str:
    bare, semicolon, marker = line.partition(" ; ")
    condition = f"extra == '{extra}'"
    return f"{bare} ; ({marker}) and {condition}" if semicolon else f"{bare} ; {condition}"


def _pep440(constraint: str) -> str:
    """Poetry's constraint as a specifier: `^1.2` and `~1.2` become bounds, a bare version is exact; "" for any."""
    if "|" in constraint:  # alternatives have no form in PEP 440
        return ""
    parts = [re.sub(r"\s+", "", part) for part in constraint.split(",")]
    return ",".join(filter(None, map(_pep440_part, parts)))


def _pep440_part(part: str) -> str:
    if part in {"", "*"}:
        return ""
    match = re.fullmatch(r"(\^|~)v?(\d+(?:\.\d+)*)(.*)", part)
    if match is None or part.startswith("~="):
        return f"=={part}" if part[0].isdigit() else part
    numbers = [int(n) for n in match[2].split(".")]
    first_not_zero = next((i + 1 for i, n in enumerate(numbers) if n), len(numbers))
    keep = min(2, len(numbers)) if match[1] == "~" else first_not_zero
    upper = [*numbers[: keep - 1], numbers[keep - 1] + 1]
    return f">={match[2]}{match[3]},<{'.'.join(map(str, upper))}"


def _pyproject(tree: SourceTree) -> dict[str, Any]:
    try:
        return tomli.loads(tree.text("pyproject.toml") or "")
    except (tomli.TOMLDecodeError, RecursionError):
        return {}


def _at(document: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}

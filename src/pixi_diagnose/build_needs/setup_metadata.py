"""What setuptools would write as a project's metadata, read from its configuration and the arguments of setup().

It is a prediction for projects whose metadata only a build gives: the script is interpreted as `analysis` does it, as
if all that it imports were there. What is computed from things that cannot be known is left out, and said.
"""

from __future__ import annotations

import ast
import configparser
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Any

from ..evidence import Evidence
from ..lazy_dataclass import dataclass
from ..source_tree import SourceTree
from .build_system import pyproject
from .hooks import Entry, run_once
from .interpreter import Surroundings, TreeIndex
from .interpreter.values import Choice, Value
from .model import BuildTarget, Phase

__all__ = ["SetupMetadata", "literal_in", "setup_metadata"]


@dataclass(frozen=True, slots=True)
class SetupMetadata:
    """`name` as it is spelled, `requires` as PEP 508 strings (extras as markers); None means that nothing says it.

    `certain` is False where a part of the requirements could not be known; `evidence` is where they stand.
    """

    name: str | None = None
    version: str | None = None
    requires: tuple[str, ...] | None = None
    requires_python: str | None = None
    certain: bool = True
    evidence: tuple[Evidence, ...] = ()


def setup_metadata(tree: SourceTree, target: BuildTarget) -> SetupMetadata:
    """Read setup.py, setup.cfg and `[tool.setuptools.dynamic]`: the files win over setup()'s arguments."""
    found = _Found(tree)
    if "setup.py" in tree.names:
        _read_script(tree, target, found)
    _read_setup_cfg(tree, found)
    _read_dynamic(tree, found)
    return SetupMetadata(
        found.name,
        found.version,
        None if found.requires is None else (*found.requires, *_optional(found.extras)),
        found.requires_python,
        found.certain,
        tuple(dict.fromkeys(found.evidence)),
    )


def literal_in(tree: SourceTree, path: str, name: str) -> str | None:
    """The string that a module of the tree assigns to a name at its top level, None where it is no literal there."""
    text = tree.text(path)
    if text is None:
        return None
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for statement in body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            value = getattr(statement, "value", None)
            return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    return None


@dataclass(slots=True)
class _Found:
    tree: SourceTree
    name: str | None = None
    version: str | None = None
    requires: list[str] | None = None
    extras: dict[str, list[str]] = field(default_factory=dict)
    requires_python: str | None = None
    certain: bool = True
    evidence: list[Evidence] = field(default_factory=list)


# --- setup.py -------------------------------------------------------------------------------------------------------


def _read_script(tree: SourceTree, target: BuildTarget, found: _Found) -> None:
    around = Surroundings(
        target=target,
        argv=("setup.py", "egg_info"),
        provides=lambda _root: True,
        lacks=lambda _api: False,
        everything=True,
    )
    run = run_once(TreeIndex(tree), around, Entry(), wheel=False, phase=Phase.METADATA)
    calls = [call for call in run.seen.setup_calls if call.path.endswith(".setup")]
    if not calls:  # it was not reached: whatever it would say is not known
        found.certain = False
        return
    call = calls[-1]
    found.evidence.append(call.evidence)
    found.name = _text(call.keywords.get("name"))
    version = _text(call.keywords.get("version"))
    found.version = version.strip() if version else None
    found.requires_python = _text(call.keywords.get("python_requires"))
    found.requires, certain = _strings(call.keywords.get("install_requires"))
    extras = call.keywords.get("extras_require")
    for extra, wanted in extras.items() if isinstance(extras, dict) else ():
        if isinstance(extra, str):
            found.extras[extra], _ = _strings(wanted)
    found.certain = certain and (extras is None or isinstance(extras, dict))


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None


def _strings(value: Value) -> tuple[list[str], bool]:
    """The requirement strings of a value, and whether they are all of them."""
    if value is None:
        return [], True
    if isinstance(value, str):
        return list(_lines(value)), True
    if isinstance(value, Choice):  # every branch may be the one
        options = [_strings(option)[0] for option in value.options]
        return list(dict.fromkeys(line for option in options for line in option)), False
    if isinstance(value, list | tuple | set):
        parts = [_strings(item) for item in value]
        return [line for part, _ in parts for line in part], all(certain for _, certain in parts)
    return [], False


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        bare = re.sub(r"(?:^|\s)#.*", "", line).strip()
        if bare:
            yield bare


# --- configuration files --------------------------------------------------------------------------------------------


def _read_setup_cfg(tree: SourceTree, found: _Found) -> None:
    text = tree.text("setup.cfg")
    if text is None:
        return
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    found.name = parser.get("metadata", "name", fallback="").strip() or found.name
    version = parser.get("metadata", "version", fallback="").strip()
    if version:
        found.version = _directed(found, version)
    python = parser.get("options", "python_requires", fallback="").strip()
    found.requires_python = python or found.requires_python
    if parser.has_option("options", "install_requires"):
        _take_requires(
            found, _listed(found, parser.get("options", "install_requires")), "setup.cfg", "install_requires"
        )
    section = "options.extras_require"
    for extra, wanted in parser.items(section) if parser.has_section(section) else ():
        found.extras[extra] = list(_listed(found, wanted))


def _read_dynamic(tree: SourceTree, found: _Found) -> None:
    document, _problem = pyproject(tree)
    table = _at(document, "tool", "setuptools", "dynamic")
    version = table.get("version")
    if isinstance(version, dict):
        if isinstance(version.get("attr"), str):
            found.version = _attribute(tree, version["attr"])
        elif files := _files(version.get("file")):
            found.version = _joined(found, files).strip() or None
    dependencies = table.get("dependencies")
    if isinstance(dependencies, dict) and (files := _files(dependencies.get("file"))):
        _take_requires(found, _lines(_joined(found, files)), "pyproject.toml", "dependencies")
    optional = table.get("optional-dependencies")
    for extra, wanted in optional.items() if isinstance(optional, dict) else ():
        if isinstance(wanted, dict) and (files := _files(wanted.get("file"))):
            found.extras[extra] = list(_lines(_joined(found, files)))


def _take_requires(found: _Found, lines: Iterable[str], file: str, key: str) -> None:
    found.requires = list(lines)
    text = (found.tree.text(file) or "").splitlines()
    number = next((n for n, line in enumerate(text, 1) if line.lstrip().startswith(key)), 1)
    found.evidence = [Evidence(file, number)]


def _directed(found: _Found, value: str) -> str | None:
    """A value of setup.cfg, its `attr:` or `file:` directive followed."""
    kind, colon, target = value.partition(":")
    if not colon or kind.strip() not in {"attr", "file"}:
        return value
    if kind.strip() == "attr":
        return _attribute(found.tree, target.strip())
    return _joined(found, [path.strip() for path in target.split(",")]).strip() or None


def _listed(found: _Found, value: str) -> Iterator[str]:
    if value.strip().startswith("file:"):
        value = _directed(found, value.strip()) or ""
    yield from _lines(value if "\n" in value else value.replace(";", "\n") if "python_" not in value else value)


def _attribute(tree: SourceTree, target: str) -> str | None:
    module, _, name = target.rpartition(".")
    inner = module.replace(".", "/")
    for folder in ("", "src"):
        for path in (f"{inner}.py", f"{inner}/__init__.py"):
            value = literal_in(tree, posixpath.join(folder, path), name)
            if value is not None:
                return value
    return None


def _files(value: Any) -> list[str]:
    files = [value] if isinstance(value, str) else value
    return [file for file in files if isinstance(file, str)] if isinstance(files, list) else []


def _joined(found: _Found, files: Iterable[str]) -> str:
    texts = [found.tree.text(posixpath.normpath(file)) for file in files]
    if None in texts:  # setuptools takes an absent file as empty, with a warning
        found.certain = found.certain and all(f in found.tree.names for f in files)
    return "\n".join(text for text in texts if text)


def _optional(extras: dict[str, list[str]]) -> Iterator[str]:
    """Requirements of extras; setuptools also writes a marker as the name: `[extra:marker]`."""
    for spelled, wanted in extras.items():
        extra, _, marker = spelled.partition(":")
        conditions = [f"({marker.strip()})"] if marker.strip() else []
        conditions += [f"extra == '{extra.strip()}'"] if extra.strip() else []
        for line in wanted:
            bare, semicolon, own = line.partition(" ;") if "@" in line else line.partition(";")
            both = " and ".join([*([f"({own.strip()})"] if semicolon else []), *conditions])
            yield f"{bare.strip()} ; {both}" if both else bare.strip()


def _at(document: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}

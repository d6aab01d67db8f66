"""setup.cfg and `[tool.setuptools]`: what setuptools reads, imports or needs because of them."""

from __future__ import annotations

import ast
import configparser
import posixpath
from dataclasses import field
from typing import Any

from ..evidence import Evidence
from ..lazy_dataclass import dataclass
from ..source_tree import SourceTree
from .build_system import line_of, pyproject
from .interpreter.files import ROOT
from .interpreter.importing import run_module_file
from .interpreter.machine import Machine
from .interpreter.values import TreeModule

__all__ = ["Configuration", "read_configuration"]


@dataclass(slots=True)
class Configuration:
    """What setuptools takes from its configuration files.

    `attributes` are `attr:` directives with the file and line that they stand on, `files` those of `file:`.
    """

    setup_requires: tuple[str, ...] = ()
    attributes: list[tuple[str, str, int]] = field(default_factory=list)
    files: list[tuple[str, str, int]] = field(default_factory=list)
    use_2to3: bool = False
    package_dir: str = ""

    def on_setup(self, m: Machine) -> None:
        """What setup() does because of them: read values of modules, importing those that cannot be read statically."""
        for target, file, line in self.attributes:
            _read_attribute(m, target, file, line, self.package_dir)
        if self.use_2to3:
            m.see_removed("use_2to3", m.strength(), Evidence("setup.cfg", 1))
        for path, file, line in self.files:
            if m.files.is_file(path) is False:
                # setuptools only warns and takes it as empty.
                m.see_unknown(f"{path}, named by `file:`, is not in the source tree", m.evidence_at(file, line))


def read_configuration(tree: SourceTree) -> Configuration:
    """The configuration of a tree. Files that cannot be parsed give nothing: setuptools itself would stop there."""
    found = Configuration()
    _read_setup_cfg(tree, found)
    _read_pyproject(tree, found)
    return found


_TELLING = ("setup_requires", "use_2to3", "package_dir", "attr")
"""The words of setup.cfg that something is read for."""


def _read_setup_cfg(tree: SourceTree, found: Configuration) -> None:
    text = tree.text("setup.cfg")
    if text is None or not any(word in text.lower() for word in _TELLING):
        # What every sdist has ([egg_info]) says nothing here.
        return
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    found.setup_requires = _list(parser.get("options", "setup_requires", fallback="") or "")
    found.use_2to3 = (parser.get("options", "use_2to3", fallback="") or "").strip().lower() in {"1", "true", "yes"}
    for line in _list(parser.get("options", "package_dir", fallback="") or ""):
        name, _, folder = line.partition("=")
        if not name.strip():
            found.package_dir = folder.strip()
    for section in ("metadata", "options"):
        for key, value in parser.items(section) if parser.has_section(section) else ():
            _directive(value or "", "setup.cfg", line_of(tree, key, "setup.cfg") or 1, found)


def _list(value: str) -> tuple[str, ...]:
    lines = value.splitlines() if "\n" in value else value.split(";")
    return tuple(line.strip() for line in lines if line.strip() and not line.strip().startswith("#"))


def _directive(value: str, file: str, line: int, found: Configuration) -> None:
    kind, _, target = value.strip().partition(":")
    if kind == "attr":
        found.attributes.append((target.strip(), file, line))


def _read_pyproject(tree: SourceTree, found: Configuration) -> None:
    document, _problem = pyproject(tree)
    tool = document.get("tool", {})
    table: Any = tool.get("setuptools", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        return
    folders = table.get("package-dir")
    if isinstance(folders, dict) and isinstance(folders.get(""), str):
        found.package_dir = folders[""]
    dynamic = table.get("dynamic")
    for key, value in dynamic.items() if isinstance(dynamic, dict) else ():
        if not isinstance(value, dict):
            continue
        line = (
            line_of(tree, f"{key} = {{") or line_of(tree, f"{key}=") or line_of(tree, "[tool.setuptools.dynamic") or 1
        )
        if isinstance(value.get("attr"), str):
            found.attributes.append((value["attr"], "pyproject.toml", line))
        files = value.get("file", [])
        found.files += [(f, "pyproject.toml", line) for f in ([files] if isinstance(files, str) else files)]


def _read_attribute(m: Machine, target: str, file: str, line: int, package_dir: str) -> None:
    """`attr: pkg.module.name`: read from the syntax tree where it is a literal there, else the module is imported."""
    module_name, _, name = target.rpartition(".")
    if not module_name:
        return
    inner = module_name.replace(".", "/")
    names = m.files.tree.names
    # Without a package_dir, setuptools discovers a folder `src` by itself.
    bases = [posixpath.join(folder, inner) for folder in dict.fromkeys((package_dir, "", "src"))]
    path = next((p for base in bases for p in (f"{base}.py", f"{base}/__init__.py") if p in names), "")
    if path and (tree := m.parse(path)) is not None and _is_literal(tree, name):
        return
    if not path:
        m.see_unknown(f"the module of `attr: {target}` was not found", m.evidence_at(file, line))
        return
    # setuptools loads that one file by its path; its packages are imported only by its own relative imports.
    module = TreeModule(module_name, path, posixpath.dirname(path) if path.endswith("/__init__.py") else None)
    module.scope.names |= {"__name__": module_name, "__file__": f"{ROOT}/{path}"}
    m.modules.setdefault(module_name, module)
    run_module_file(m, module)


def _is_literal(tree: ast.Module, name: str) -> bool:
    """Whether setuptools' StaticModule can read the name: a literal assigned at the module's top level."""
    for statement in tree.body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            value = getattr(statement, "value", None)
            try:
                ast.literal_eval(value) if value is not None else None
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                return False
            return value is not None
    return False

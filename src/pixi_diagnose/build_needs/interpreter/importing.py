"""Imports: from the tree, from the standard library, or from outside, which is what the whole analysis is about."""

from __future__ import annotations

import ast
import posixpath
from pathlib import PurePosixPath

from ...names import candidates
from ..model import Strength
from ..tables import removed_api, standard_library
from .control import Raised
from .files import PYTHON_2, ROOT
from .machine import Frame, Machine
from .models import CONSTANTS, canonical_path
from .values import Opaque, Outside, TreeModule, Value

__all__ = ["check_removed", "find_module", "import_from", "import_module", "run_module_file", "submodule"]


def import_module(m: Machine, frame: Frame, name: str, node: ast.AST, *, quiet: bool = False) -> Value:
    """`import name`: the module. Raised with ImportError where it is missing and the script catches that.

    `quiet` asks for a module that has just been imported by another name (`import a.b` binds `a`).
    """
    root = name.partition(".")[0]
    if name in m.modules:
        return m.modules[name]
    if root not in m.modules and is_outside(m, root):
        if not quiet:
            _outside(m, frame, name, node)
        return _outside_module(name)
    found = _from_tree(m, frame, name, node)
    if found is not None:
        return found
    if root in m.modules:
        m.fail(ModuleNotFoundError, f"No module named {name!r}", frame, node)
        return Opaque(name)
    if not quiet:
        _outside(m, frame, name, node)
    return _outside_module(name)


def _outside_module(name: str) -> Value:
    return Outside(canonical_path(name))


def is_outside(m: Machine, root: str) -> bool:
    """Whether a first name is the standard library's, which is imported long before the tree can shadow it."""
    return standard_library(root, m.around.target.python)


def import_from(m: Machine, frame: Frame, node: ast.ImportFrom) -> list[tuple[str, Value]]:
    """`from … import …`: the names that it binds, with their values."""
    name = _absolute(frame.module, node.module or "", node.level) if node.level else (node.module or "")
    if not name or name == "__future__":
        return []
    module = import_module(m, frame, name, node)
    if isinstance(module, TreeModule):
        return _from_tree_module(m, frame, module, node)
    if not isinstance(module, Outside):
        return [(alias.asname or alias.name, Opaque(alias.name)) for alias in node.names if alias.name != "*"]
    bound: list[tuple[str, Value]] = []
    for alias in node.names:
        if alias.name == "*":
            bound += _star(module.path)
            continue
        path = canonical_path(f"{module.path}.{alias.name}")
        check_removed(m, frame, path, node)
        model = CONSTANTS.get(path)
        bound.append((alias.asname or alias.name, model(m) if model else Outside(path)))
    return bound


def _star(path: str) -> list[tuple[str, Value]]:
    names = {
        "setuptools": ("setup", "Extension", "find_packages", "Command", "find_namespace_packages", "Distribution"),
        "distutils.core": ("setup", "Extension", "Command"),
        "os.path": ("join", "dirname", "abspath", "exists", "isfile", "isdir", "basename"),
        "glob": ("glob",),
        "setuptools.build_meta": (
            "get_requires_for_build_wheel", "prepare_metadata_for_build_wheel", "build_wheel",
            "get_requires_for_build_sdist", "build_sdist", "get_requires_for_build_editable",
            "prepare_metadata_for_build_editable", "build_editable", "SetupRequirementsError",
        ),
    }  # fmt: skip
    return [(name, Outside(canonical_path(f"{path}.{name}"))) for name in names.get(path, ())]


def _absolute(module: TreeModule, name: str, level: int) -> str:
    package = module.name if module.folder is not None else module.name.rpartition(".")[0]
    for _ in range(level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{name}".strip(".") if name else package


def _from_tree_module(m: Machine, frame: Frame, module: TreeModule, node: ast.ImportFrom) -> list[tuple[str, Value]]:
    names = module.scope.names
    bound: list[tuple[str, Value]] = []
    for alias in node.names:
        if alias.name == "*":
            public = names.get("__all__")
            wanted = public if isinstance(public, list | tuple) else [n for n in names if not n.startswith("_")]
            bound += [(n, names[n]) for n in wanted if isinstance(n, str) and n in names]
            continue
        if alias.name in names:
            value = names[alias.name]
        else:
            value = submodule(m, frame, module, alias.name, node)
            if value is None:
                if not module.partial:
                    m.fail(ImportError, f"cannot import name {alias.name!r}", frame, node)
                value = Opaque(f"{module.name}.{alias.name}")
        bound.append((alias.asname or alias.name, value))
    return bound


def submodule(m: Machine, frame: Frame, module: TreeModule, name: str, node: ast.AST) -> Value | None:
    """A module inside a package of the tree, imported if it exists."""
    if module.folder is None:
        return None
    full = f"{module.name}.{name}"
    if full in m.modules:
        return m.modules[full]
    place = _find_in(m, posixpath.join(module.folder, name))
    return _load(m, frame, full, *place, node) if place else None


# -- the tree ---------------------------------------------------------------------------------------------------------


def _from_tree(m: Machine, frame: Frame, name: str, node: ast.AST) -> Value | None:
    """Import a dotted name, its packages first, through sys.path; None where the tree does not have it there."""
    root, *rest = name.split(".")
    module = m.modules.get(root)
    if module is None:
        place = _find_on_path(m, root)
        if place is None:
            return None
        module = _load(m, frame, root, *place, node)
    for part in rest:
        found = submodule(m, frame, module, part, node)
        if not isinstance(found, TreeModule):
            known = module.scope.names.get(part)
            if known is not None:
                return known
            m.fail(ModuleNotFoundError, f"No module named {name!r}", frame, node)
            return Opaque(name)
        module = found
    return module


def find_module(m: Machine, root: str) -> bool:
    """Whether the tree has a module of that name where imports look."""
    return root in m.modules or _find_on_path(m, root) is not None


def _find_on_path(m: Machine, root: str) -> tuple[str, str | None] | None:
    namespace: tuple[str, str | None] | None = None
    for entry in [*m.sys_path]:
        folder = (
            m.files.inside(entry if entry != "" else m.files.folder) if isinstance(entry, str | PurePosixPath) else None
        )
        if folder is None:
            continue
        place = _find_in(m, posixpath.join(folder, root))
        if place and place[0]:
            return place
        namespace = namespace or place
    return namespace


def _find_in(m: Machine, base: str) -> tuple[str, str | None] | None:
    """(file, package folder) of a module at a path without suffix; the file is empty for a namespace package."""
    names = m.files.tree.names
    if f"{base}/__init__.py" in names:
        return f"{base}/__init__.py", base
    if f"{base}.py" in names:
        return f"{base}.py", None
    if f"{base}.py" in m.files.written:
        return f"{base}.py", None
    if m.files.paths.is_folder(base) and any(
        is_folder or child.endswith(".py") for child, is_folder in m.files.paths.children(base).items()
    ):
        return "", base
    return None


def _load(m: Machine, frame: Frame, name: str, file: str, folder: str | None, node: ast.AST) -> TreeModule:
    module = TreeModule(name, file, folder)
    m.modules[name] = module
    module.scope.names |= {"__name__": name, "__file__": f"{ROOT}/{file}", "__doc__": Opaque("__doc__")}
    module.scope.names["__package__"] = name if folder is not None else name.rpartition(".")[0]
    if folder is not None:
        module.scope.names["__path__"] = [f"{ROOT}/{folder}"]
    if not file:
        return module
    if len(m.modules) > m.limits.modules:
        m.see_unknown("more modules are imported than are followed", m.evidence(frame, node))
        return module
    if m.depth >= m.limits.depth:
        m.see_unknown("imports nest too deep to be followed", m.evidence(frame, node))
        return module
    if file not in m.files.tree.files and file not in m.files.written:
        m.see_unknown(f"{file} was not read", m.evidence(frame, node))
        return module
    if file not in m.files.tree.files and m.files.written[file] is None:
        module.partial = True
        m.see_unknown(f"{file} is written by the script, and what it says is not known", m.evidence(frame, node))
        return module
    try:
        run_module_file(m, module)
    except Raised as error:
        m.modules.pop(name, None)
        error.imported = True
        raise
    if "." in name:
        parent, _, own = name.rpartition(".")
        if parent in m.modules:
            m.modules[parent].scope.names.setdefault(own, module)
    return module


def run_module_file(m: Machine, module: TreeModule) -> None:
    """Run a module of the tree in its own scope. Raised as the module raises; SyntaxError for one in Python 2."""
    tree = m.parse(module.file, imported=module.name != "__main__")
    if module.file in m.files.index.skimmed:
        module.partial = True
        m.see_unknown("the build imports more of its tree than is read", m.evidence_at(module.file, 1))
    if tree is None:
        problem, line = m.files.index.problems.get(module.file, ("", 1))
        if problem.startswith(PYTHON_2):
            raise Raised(SyntaxError, problem.removeprefix(PYTHON_2).lstrip(": "), file=module.file, line=line)
        return
    # Of a module that is only skimmed, what it imports of the tree is not looked at any more.
    body = [s for s in tree.body if not _is_of_tree(m, s)] if module.partial else tree.body
    inner = Frame(module, module.scope, len(m.conditions))
    if module.partial:  # what looks like an import may be a line of a string
        m.conditions.append(f"{module.file}, of which only lines were read, is imported to its end")
    m.depth += 1
    try:
        m.execute(m, inner, body)
    finally:
        m.depth -= 1
        del m.conditions[inner.conditions_before :]


def _is_of_tree(m: Machine, statement: ast.stmt) -> bool:
    """Whether an import statement names modules of the tree."""
    if isinstance(statement, ast.ImportFrom):
        return statement.level > 0 or find_module(m, (statement.module or "").partition(".")[0])
    return isinstance(statement, ast.Import) and any(
        find_module(m, alias.name.partition(".")[0]) for alias in statement.names
    )


# -- outside ----------------------------------------------------------------------------------------------------------


def check_removed(m: Machine, frame: Frame, path: str, node: ast.AST) -> None:
    """Note a use of something that newer versions lack, and fail where this build's versions lack it."""
    api = removed_api(path)
    if api is None:
        return
    guard = m.catches(ModuleNotFoundError)
    gone = m.is_gone(api)
    strength = Strength.GUARDED if guard and api.name not in m.around.assumed else m.strength()
    m.see_removed(api.name, strength, m.evidence(frame, node))
    if gone and guard and not m.around.everything and api.name not in m.around.assumed:
        raise Raised(
            ModuleNotFoundError, path, blame=f"{api.name}", file=frame.module.file, line=getattr(node, "lineno", 0)
        )


def _outside(m: Machine, frame: Frame, name: str, node: ast.AST) -> None:
    """Note the import of a module from outside. Raised where it is missing and something catches that."""
    root = name.partition(".")[0]
    check_removed(m, frame, name, node)
    if standard_library(root, m.around.target.python):
        return
    if m.fetched and candidates(root)[0] in m.fetched:
        return
    evidence = m.evidence(frame, node)
    guard = m.catches(ModuleNotFoundError)
    in_tree = _hidden_in_tree(m, root)
    if guard is None and root in m.seen.missed and not m.around.provides(root) and not m.conditions:
        # A fallback that needs the very project that was missed: it does not go on without it.
        raise Raised(ModuleNotFoundError, name, blame=root, file=frame.module.file, line=evidence.line)
    if guard is None or m.around.everything:
        m.see_import(name, Strength.GUARDED if guard else m.strength(), evidence, in_tree=in_tree)
        if not guard and not m.conditions:
            m.take_as_present(root)
        return
    if root in m.around.assumed:
        m.see_import(name, m.strength(), evidence, in_tree=in_tree)
        return
    m.see_import(name, Strength.GUARDED, evidence, in_tree=in_tree)
    if m.around.provides(root) or m.is_present(root):
        return
    m.seen.missed[root] = None
    raise Raised(
        ModuleNotFoundError, f"No module named {root!r}", blame=root, file=frame.module.file, line=evidence.line
    )


def _hidden_in_tree(m: Machine, root: str) -> bool:
    """A module that lies beside setup.py, where this backend does not look."""
    return not m.around.root_on_path and bool((place := _find_in(m, root)) and place[0])

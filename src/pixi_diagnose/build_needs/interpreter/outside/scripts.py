"""Code that runs other code of the tree: exec, compile, runpy, importlib.util, and lookups of modules."""

from __future__ import annotations

import ast
import posixpath
import re

from ...model import Strength
from ...tables import standard_library
from ..control import Raised
from ..files import ROOT
from ..importing import find_module, import_module, run_module_file
from ..machine import Frame, Guard
from ..models import Call, function
from ..values import Made, Opaque, Outside, Scope, TreeModule, Value
from ..version_tests import VersionOf

__all__: list[str] = []


class _Code(str):
    """Source text that knows the file that it was compiled from."""

    __slots__ = ("file",)
    file: str


@function("builtins.compile")
def _compile(call: Call) -> Value:
    source, name = call.argument(0, "source"), call.argument(1, "filename")
    if isinstance(source, bytes):
        source = source.decode("utf-8", "replace")
    if not isinstance(source, str):
        return Opaque("compiled code")
    code = _Code(source)
    code.file = call.m.files.inside(name) or ""
    return code


@function("builtins.exec", "builtins.eval")
def _exec(call: Call) -> Value:
    source, names = call.argument(0), call.argument(1, "globals")
    if isinstance(source, bytes):
        source = source.decode("utf-8", "replace")
    if not isinstance(source, str):
        what = "text that is computed is executed" if call.path.endswith("exec") else ""
        if what:
            call.m.see_unknown(what, call.evidence)
        return Opaque("eval()")
    if call.path.endswith("eval"):
        return _evaluate_text(call, source)
    file = (source.file if isinstance(source, _Code) else "") or _file_of(call, source)
    tree = call.m.parse(file or call.frame.module.file, source)
    if tree is None:
        return None
    scope = call.frame.scope
    if isinstance(names, dict):
        scope = Scope()
        scope.names = names
    locals_given = call.argument(2, "locals")
    if isinstance(locals_given, dict):
        scope = Scope(scope)
        scope.names = locals_given
    module = TreeModule(call.frame.module.name, file or call.frame.module.file, None)
    module.scope = scope
    scope.names.setdefault("__file__", f"{ROOT}/{module.file}")
    scope.names.setdefault("__name__", "builtins")
    _run(call, module, tree, scope)
    return None


def _run(call: Call, module: TreeModule, tree: ast.Module, scope: Scope) -> None:
    m = call.m
    if m.depth >= m.limits.depth:
        m.see_unknown("code that executes code nests too deep", call.evidence)
        return
    inner = Frame(module, scope, len(m.conditions))
    m.depth += 1
    try:
        m.execute(m, inner, tree.body)
    finally:
        m.depth -= 1
        del m.conditions[inner.conditions_before :]


def _evaluate_text(call: Call, source: str) -> Value:
    if len(source) > 10_000:
        return Opaque("eval()")
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        call.m.fail(type(error), str(error), call.frame, call.node)
        return Opaque("eval()")
    return call.m.evaluate(call.m, call.frame, tree.body)


def _file_of(call: Call, source: str) -> str:
    """The file whose text this is, so that evidence names its lines."""
    if len(source) < 16:
        return ""
    tree = call.m.files.tree
    same = (n for n, data in tree.files.items() if n.endswith(".py") and abs(len(data) - len(source)) < 4096)
    return next((name for name in same if tree.text(name) == source), "")


@function("builtins.execfile", "runpy.run_path")
def _run_path(call: Call) -> Value:
    path = call.m.files.inside(call.argument(0, "path_name"))
    if path is None or path not in call.m.files.tree.files:
        call.m.see_unknown("a script is run that is not in the tree", call.evidence)
        return Opaque("run_path()")
    module = TreeModule("<run_path>", path, None)
    module.scope.names |= {"__name__": call.argument(9, "run_name", "<run_path>"), "__file__": f"{ROOT}/{path}"}
    given = call.argument(1, "init_globals")
    module.scope.names |= given if isinstance(given, dict) else {}
    run_module_file(call.m, module)
    return module.scope.names


def run_program(call: Call, path: str, arguments: list[str], *, survives: bool) -> None:
    """A script of the tree as a process of its own; `survives` says that its failure is not noticed."""
    m = call.m
    relative = m.files.inside(path)
    if relative is None or relative not in m.files.tree.files or m.depth >= m.limits.depth:
        return
    module = TreeModule("__main__", relative, None)
    module.scope.names |= {"__name__": "__main__", "__file__": f"{ROOT}/{relative}"}
    guards, argv, sys_path, guarded = m.guards, m.argv, m.sys_path, len(m.guards)
    m.argv, m.sys_path = [path, *arguments], [posixpath.dirname(f"{ROOT}/{relative}"), *sys_path]
    m.guards = [*guards, Guard((BaseException,))] if survives else list(guards)
    try:
        run_module_file(m, module)
    except Raised:
        if not survives:
            raise
    finally:
        m.guards, m.argv, m.sys_path = guards, argv, sys_path
        del m.guards[guarded:]


@function("runpy.run_module")
def _run_module(call: Call) -> Value:
    name = call.argument(0, "mod_name")
    if not isinstance(name, str):
        return Opaque("run_module()")
    module = import_module(call.m, call.frame, name, call.node)
    return module.scope.names if isinstance(module, TreeModule) else Opaque("run_module()")


# -- importlib --------------------------------------------------------------------------------------------------------


@function("importlib.util.spec_from_file_location", "importlib.machinery.SourceFileLoader", "imp.load_source")
def _spec_from_file(call: Call) -> Value:
    name, path = call.argument(0, "name"), call.argument(1, "location", call.keywords.get("path"))
    made = Made(call.path, [name, path], {}, call.evidence)
    if call.path == "imp.load_source":
        return _load_spec(call, made)
    made.attributes["loader"] = made
    return made


@function("importlib.util.module_from_spec", "importlib.util.find_spec", "importlib.find_loader", "pkgutil.find_loader")
def _spec(call: Call) -> Value:
    first = call.argument(0)
    if call.path.endswith("module_from_spec"):
        if not isinstance(first, Made):
            return Opaque("a module")
        return _tree_module(call, first) or Opaque("a module")
    if not isinstance(first, str):
        return Opaque("find_spec()")
    return _find_spec(call, first)


def _find_spec(call: Call, name: str) -> Value:
    """Whether a module is there: not an import that fails, but what the script does hangs on it."""
    root = name.partition(".")[0]
    if standard_library(root, call.m.around.target.python) or find_module(call.m, root):
        return Outside(f"importlib.machinery.ModuleSpec.{name}")
    return call.m.look_for(root, call.evidence, Outside(f"importlib.machinery.ModuleSpec.{name}"))


@function("importlib.machinery.SourceFileLoader.load_module")
def _load_module(call: Call) -> Value:
    return _load_spec(call, call.receiver)


@function("importlib.util.spec_from_file_location.exec_module", "importlib.machinery.SourceFileLoader.exec_module")
def _exec_module(call: Call) -> Value:
    module = call.argument(0)
    if isinstance(module, TreeModule) and module.file:
        run_module_file(call.m, module)
    return None


def _tree_module(call: Call, made: Made) -> TreeModule | None:
    name, path = (*made.args, None, None)[:2]
    inside = call.m.files.inside(path)
    if inside is None or inside not in call.m.files.tree.files:
        if inside is not None and call.m.files.is_file(path) is False:
            call.m.fail(FileNotFoundError, str(inside), call.frame, call.node)
        return None
    module = TreeModule(name if isinstance(name, str) else "", inside, None)
    module.scope.names |= {"__name__": module.name, "__file__": f"{ROOT}/{inside}"}
    return module


def _load_spec(call: Call, made: Value) -> Value:
    module = _tree_module(call, made) if isinstance(made, Made) else None
    if module is None:
        return Opaque("a module")
    run_module_file(call.m, module)
    return module


# -- metadata of installed projects -----------------------------------------------------------------------------------


def _is_own(call: Call, root: str) -> bool:
    """Whether a project may be the tree's own: a module or an egg-info folder of its name lies in it."""
    if find_module(call.m, root) or call.m.files.paths.is_folder(f"src/{root}"):
        return True
    entries = [name for folder in ("", "src") for name in call.m.files.paths.children(folder)]
    own = root.lower().replace(".", "_")
    return any(
        name.endswith(".egg-info") and name.removesuffix(".egg-info").lower().replace("-", "_") == own
        for name in entries
    )


@function(
    "importlib.metadata.version",
    "importlib.metadata.distribution",
    "importlib.metadata.metadata",
    "importlib.metadata.requires",
    "pkg_resources.get_distribution",
    "pkg_resources.require",
)
def _installed(call: Call) -> Value:
    """A question about an installed project: it fails for one that is not there."""
    name, m = call.argument(0, "distribution_name"), call.m
    root = re.split(r"[<>=!~;\[ ]", name, maxsplit=1)[0].replace("-", "_") if isinstance(name, str) else ""
    known = bool(root) and not _is_own(call, root)
    if known:
        guard = m.catches(ModuleNotFoundError)
        if guard is None or root in m.around.assumed:
            m.see_import(root, m.strength(), call.evidence)
            if not m.conditions:
                m.take_as_present(root)
        elif not (m.around.everything or m.around.provides(root) or m.is_present(root)):
            m.see_import(root, Strength.GUARDED, call.evidence)
            m.seen.missed[root] = None
            message = f"{name} is not installed"
            raise Raised(None, message, blame=root, file=call.frame.module.file, line=call.evidence.line)
    elif m.guards:
        m.guards[-1].maybe = True
    if not isinstance(name, str):
        return Opaque(call.path)
    about = VersionOf(name) if call.path.endswith("metadata.version") else None
    return Opaque(f"{call.path}({name!r})", about=about)

"""setup() and its commands: which methods of a script's own classes run, in which hook.

Seen with setuptools 80.9: `egg_info` collects sources and for that finalises build_py and, with extension modules,
build_ext (so an import in its `__init__` or `finalize_options` belongs to the metadata hooks); `dist_info` finalises
bdist_wheel; `bdist_wheel` runs build (build_py, build_clib, build_ext, build_scripts), install and egg_info.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from ..model import Phase, Strength
from ..observations import SetupCall
from .control import HookEnds, Normal
from .importing import run_module_file
from .machine import Frame, Machine
from .models import Call
from .objects import UNKNOWN_BASE, call_function, instantiate, iterate
from .statements import run_branches
from .values import Choice, ClassValue, Function, Instance, Made, Opaque, TreeModule, Value

__all__ = [
    "ask_for",
    "build_extensions",
    "extension_modules",
    "finalized",
    "run_base",
    "run_command",
    "run_wheel",
    "rust_extensions",
    "setup",
]

_HOLDERS = frozenset({Instance, Made})
_PARTS_OF = {
    "bdist_wheel": ("build", "install", "egg_info"),
    "bdist_egg": ("build", "install"),
    "build": ("build_py", "build_clib", "build_ext", "build_rust", "build_scripts"),
    "install": ("install_lib", "install_headers", "install_scripts", "install_data", "install_egg_info"),
}
_STANDARD = frozenset({
    "build_py", "build_clib", "build_rust", "build_scripts", "install_lib", "install_headers", "install_scripts",
    "install_data", "install_egg_info",
})  # fmt: skip
"""Commands that run nothing of a script where it does not replace them."""


# -- setup() ----------------------------------------------------------------------------------------------------------


def setup(call: Call) -> Value:
    """Note what the script hands over, and run what the hook's command runs of the script's own classes."""
    m = call.m
    m.seen.setup_calls.append(SetupCall(call.path, call.keywords, call.evidence, not m.conditions))
    m.setup_frame = (call.frame, call.node)
    distribution = _make_distribution(call)
    m.distribution = distribution
    if m.around.stop_at_setup_requires and m.asks_for(call.keywords) and not m.goes_on(m):
        raise HookEnds
    _check_keywords(call)
    m.after_setup = True
    m.commands.clear()
    m.commands_run.clear()
    if m.on_setup is not None:
        m.on_setup(m)
    _run_cffi_scripts(call)
    if call.path.startswith("skbuild."):
        m.see_tool("cmake", call.evidence, phase=Phase.WHEEL)
        m.see_tool("ninja", call.evidence, Strength.GUARDED, Phase.WHEEL)
    configuration = call.keywords.get("configuration")
    if isinstance(configuration, Function):
        call_function(m, call.frame, configuration, [], {}, call.node)
    if "bdist_wheel" in m.around.argv:
        run_wheel(m)
    else:
        run_command(m, call.frame, "egg_info", call.node)
        run_command(m, call.frame, "dist_info", call.node)
    return distribution


def ask_for(call: Call, requirements: Value) -> None:
    """Requirements that a script fetches by a Distribution of its own: the hook answers with them and ends."""
    keywords = {"setup_requires": requirements}
    m = call.m
    m.seen.setup_calls.append(SetupCall("setuptools.Distribution", keywords, call.evidence))
    if m.around.stop_at_setup_requires and m.asks_for(keywords) and not m.goes_on(m):
        raise HookEnds


def _make_distribution(call: Call) -> Value:
    cls = call.keywords.get("distclass")
    if isinstance(cls, ClassValue):
        made = instantiate(call.m, call.frame, cls, [dict(call.keywords)], {}, call.node)
        if isinstance(made, Instance):
            made.attributes = {**call.keywords, **made.attributes}
        return made
    made = Made("setuptools.Distribution", [], dict(call.keywords), call.evidence)
    for name in (
        "ext_modules",
        "rust_extensions",
        "packages",
        "py_modules",
        "cmdclass",
        "package_data",
        "scripts",
        "data_files",
    ):
        made.attributes[name] = call.keywords.get(name)
    return made


def _check_keywords(call: Call) -> None:
    """Arguments that newer versions of setuptools refuse."""
    m = call.m
    if call.keywords.get("use_2to3") is True:
        m.see_removed("use_2to3", m.strength(), call.evidence)


def run_wheel(m: Machine) -> None:
    """What build_wheel runs beyond the metadata hooks, from the last setup() that was reached."""
    if m.setup_frame is None:
        return
    frame, node = m.setup_frame
    m.phase = Phase.WHEEL
    m.commands.clear()
    m.commands_run.clear()
    run_command(m, frame, "bdist_wheel", node)
    modules = extension_modules(m)
    for held in [*modules, m.distribution] if modules else []:
        _convert_lazily(m, frame, held, node)


def extension_modules(m: Machine) -> list[Value]:
    """The extension modules that setup() was given, as they are after the commands changed them."""
    if isinstance(m.distribution, Instance | Made):
        value = m.distribution.attributes.get("ext_modules")
        found = [item for item in iterate(m, value) if item is not None] if value is not None else []
        return [i for item in found for i in (item.options if isinstance(item, Choice) else (item,))]
    return []


def rust_extensions(m: Machine) -> list[Value]:
    """The modules in Rust that setup() was given (setuptools-rust)."""
    if not isinstance(m.distribution, Instance | Made):
        return []
    value = m.distribution.attributes.get("rust_extensions")
    return [item for item in iterate(m, value) if item is not None] if value is not None else []


def _run_cffi_scripts(call: Call) -> None:
    """`cffi_modules=["build.py:ffi"]`: with cffi at hand, setup() runs these at once (cffi's setuptools_ext)."""
    m = call.m
    listed = call.keywords.get("cffi_modules")
    for item in iterate(m, listed if isinstance(listed, list | tuple) else [listed]) if listed else []:
        if not isinstance(item, str):
            continue
        m.see_tool("c-compiler", call.evidence, phase=Phase.WHEEL)
        if not (m.around.provides("cffi") or m.around.everything):
            continue
        path = m.files.inside(item.rpartition(":")[0])
        if path is not None and path in m.files.tree.files:
            module = TreeModule("__cffi__", path, None)
            module.scope.names |= {"__name__": "__cffi__", "__file__": path}
            run_module_file(m, module)


def _convert_lazily(m: Machine, frame: Frame, extension: Value, node: ast.AST) -> None:
    """Objects among an extension's settings become strings only when it is compiled (`class get_include: __str__`)."""
    held = [extension.keywords, extension.attributes] if isinstance(extension, Made) else []
    held += [extension.attributes] if isinstance(extension, Instance) else []
    values = [v for names in held for value in names.values() for v in (value if isinstance(value, list) else [value])]
    for value in values:
        if type(value) is Instance and value is not extension:
            for name in ("__str__", "__fspath__", "__repr__"):
                if isinstance(function := value.cls.find(name), Function):
                    call_function(m, frame, function, [value], {}, node)
                    break


# -- commands ---------------------------------------------------------------------------------------------------------


def _has_own_commands(m: Machine) -> bool:
    """Whether the script replaces commands at all: the standard ones run nothing of it."""
    if isinstance(m.distribution, Instance):
        return True
    return isinstance(m.distribution, Made) and m.distribution.attributes.get("cmdclass") not in (None, {})


def _command_class(m: Machine, name: str) -> Value:
    classes = m.distribution.attributes.get("cmdclass") if type(m.distribution) in _HOLDERS else None
    if type(classes) is dict:
        return classes.get(name)
    for option in classes.options if isinstance(classes, Choice) else (classes,):
        if isinstance(option, dict) and name in option:
            return option[name]
    return None


def finalized(m: Machine, frame: Frame, name: str, node: ast.AST) -> Value:
    """The command object of a name, made and finalised once. Unknown for one that is not the script's own."""
    if name in m.commands:
        return m.commands[name]
    cls = _command_class(m, name)
    own = next((o for o in (cls.options if isinstance(cls, Choice) else (cls,)) if isinstance(o, ClassValue)), None)
    if own is None:
        m.commands[name] = Made(f"setuptools.command.{name}", [], {}, m.evidence(frame, node))
        return m.commands[name]
    made = m.commands[name] = Instance(own)
    made.attributes["distribution"] = m.distribution
    _perhaps(m, frame, name, cls, lambda: _finalize(m, frame, name, made, node))
    return made


def _finalize(m: Machine, frame: Frame, name: str, made: Instance, node: ast.AST) -> None:
    if name == "build_ext":
        made.attributes["extensions"] = extension_modules(m)
    for method in ("__init__", "initialize_options", "finalize_options"):
        function = made.cls.find(method)
        if isinstance(function, Function):
            arguments = [made, m.distribution] if method == "__init__" else [made]
            call_function(m, frame, function, arguments, {}, node)
    if name == "build_ext":
        made.attributes["extensions"] = extension_modules(m)


def _perhaps(m: Machine, frame: Frame, name: str, cls: Value, run: Callable[[], None]) -> None:
    """Run what a command's class does; one that is only one of several, as in a branch that was not decided."""
    if not isinstance(cls, Choice):
        run()
        return
    text = cls.origin or f"{name} is that class"

    def branch() -> Any:
        run()
        return Normal

    run_branches(m, frame, [(text, branch), (f"not ({text})", None)])


def run_command(m: Machine, frame: Frame, name: str, node: ast.AST) -> None:
    """Run a command once, as distutils does: the script's own class, or else what the standard one runs."""
    if name in m.commands_run or not _has_own_commands(m) or not _applies(m, name):
        return
    m.commands_run.add(name)
    cls = _command_class(m, name)
    if cls is None and name in _STANDARD:
        return
    _perhaps(m, frame, name, cls, lambda: _run(m, frame, name, node))


def _run(m: Machine, frame: Frame, name: str, node: ast.AST) -> None:
    command = finalized(m, frame, name, node)
    if isinstance(command, Instance):
        run = command.cls.find("run")
        if isinstance(run, Function):
            call_function(m, frame, run, [command], {}, node)
        else:
            known = [base for base in command.cls.outside_bases() if base != UNKNOWN_BASE]
            run_base(m, frame, known[0].rpartition(".")[2] if known else name, command, node)
        return
    cls = _command_class(m, name)
    if isinstance(cls, Opaque):
        m.see_unknown(f"the command {name} is replaced by a class that is not known", m.evidence(frame, node))
    run_base(m, frame, name, command, node)


def _applies(m: Machine, name: str) -> bool:
    held = m.distribution.attributes if isinstance(m.distribution, Instance | Made) else {}
    if name == "build_ext":
        if isinstance(m.distribution, Instance) and m.distribution.cls.find("has_ext_modules"):
            return True
        return bool(extension_modules(m))
    if name == "build_rust":
        return bool(held.get("rust_extensions"))
    return True


def run_base(m: Machine, frame: Frame, base: str, command: Value, node: ast.AST) -> None:
    """What the standard command `base` runs: other commands, or methods that the script's class may have replaced."""
    if base == "dist_info":
        run_command(m, frame, "egg_info", node)
        finalized(m, frame, "bdist_wheel", node)
        return
    if base == "egg_info":
        # manifest_maker.add_defaults
        finalized(m, frame, "build_py", node)
        if extension_modules(m):
            finalized(m, frame, "build_ext", node)
        return
    if base in {"BuildExtension", "build_ext"} and _is_torch(m, command):
        # torch's BuildExtension compiles with ninja where it finds it, else one file after the other.
        m.see_tool("ninja", m.evidence(frame, node), Strength.GUARDED)
    if base in {"build_ext", "BuildExtension", "new_build_ext", "old_build_ext", "CMakeBuild"}:
        method = command.cls.find("build_extensions") if isinstance(command, Instance) else None
        if isinstance(method, Function) and isinstance(command, Instance):
            call_function(m, frame, method, [command], {}, node)
        else:
            build_extensions(m, frame, command, node)
        return
    for part in _sub_commands(command) or _PARTS_OF.get(base, ()):
        run_command(m, frame, part, node)


def _is_torch(m: Machine, command: Value) -> bool:
    cls = command.cls if isinstance(command, Instance) else _command_class(m, "build_ext")
    paths = cls.outside_bases() if isinstance(cls, ClassValue) else [getattr(cls, "path", getattr(cls, "origin", ""))]
    return any(path.startswith("torch.utils.cpp_extension.BuildExtension") for path in paths)


def _sub_commands(command: Value) -> list[str]:
    """The sub_commands that a script's own `build` or `install` lists."""
    if not isinstance(command, Instance):
        return []
    listed = command.cls.find("sub_commands")
    pairs = listed if isinstance(listed, list) else []
    return [p[0] for p in pairs if isinstance(p, tuple) and p and isinstance(p[0], str)]


def build_extensions(m: Machine, frame: Frame, command: Value, node: ast.AST) -> None:
    """`build_extension` of the script's own class, once per extension module."""
    if not isinstance(command, Instance) or not isinstance(method := command.cls.find("build_extension"), Function):
        return
    modules = command.attributes.get("extensions") or extension_modules(m)
    for extension in iterate(m, modules)[: m.limits.rounds]:
        call_function(m, frame, method, [command, extension], {}, node)

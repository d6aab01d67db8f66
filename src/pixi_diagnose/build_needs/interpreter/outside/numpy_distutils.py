"""numpy.distutils: packages that add their extension modules and their subpackages to a Configuration."""

from __future__ import annotations

import posixpath

from ...model import Phase, Strength
from ...tables import suffix_tool
from ..files import ROOT
from ..importing import run_module_file
from ..models import Call, function, method
from ..objects import call_function, iterate
from ..values import Function, Opaque, TreeModule, Value

__all__: list[str] = []


@method("add_extension", "add_library", "add_installed_library")
def _add_extension(call: Call) -> Value:
    """What the wheel's build compiles; of sources that are not known a C compiler is the least."""
    sources = call.argument(1, "sources")
    names = [name for name in iterate(call.m, sources) if isinstance(name, str)] if sources is not None else []
    tools = {tool for name in names if (tool := suffix_tool(name))} or {"c-compiler"}
    for tool in sorted(tools):
        call.m.see_tool(tool, call.evidence, phase=Phase.WHEEL)
    return None


@function("numpy.distutils.system_info.get_info")
def _get_info(call: Call) -> Value:
    """It looks for a library with a compiler of numpy.distutils, which hands dry_run to distutils' own class."""
    guarded = call.m.catches(TypeError) is not None
    call.m.see_removed("dry_run of distutils' functions", Strength.GUARDED if guarded else None, call.evidence)
    return Opaque("get_info()")


@method("add_subpackage", "get_subpackage")
def _add_subpackage(call: Call) -> Value:
    """Run `configuration(parent_package, top_path)` of the subpackage's own setup.py, where it has one."""
    m, name = call.m, call.argument(0, "subpackage_name")
    folder = posixpath.dirname(call.frame.module.file)
    if not isinstance(name, str):
        m.see_unknown("the name of a subpackage is computed", call.evidence)
        return Opaque("a configuration")
    file = posixpath.join(folder, *name.split("."), "setup.py")
    if file not in m.files.tree.files or m.depth >= m.limits.depth:
        return Opaque("a configuration")
    module = TreeModule(f"{name}.setup", file, None)
    module.scope.names |= {"__name__": module.name, "__file__": f"{ROOT}/{file}"}
    run_module_file(m, module)
    found = module.scope.names.get("configuration")
    if not isinstance(found, Function):
        return Opaque("a configuration")
    return call_function(m, call.frame, found, [Opaque("the parent package"), Opaque("the top folder")], {}, call.node)

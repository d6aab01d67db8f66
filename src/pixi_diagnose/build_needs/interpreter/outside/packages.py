"""What is read of packages and projects: pkgutil's walks over folders of the tree, requirements by pkg_resources."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from ...requirement_lines import is_requirement
from ..control import Raised
from ..models import Call, function
from ..objects import iterate
from ..values import Made, Opaque, Value

__all__: list[str] = []

_LISTED = 1000
"""Modules that one walk lists."""


@function("pkgutil.walk_packages", "pkgutil.iter_modules")
def _walk(call: Call) -> Value:
    """(finder, name, whether it is a package) of each module in these folders, and for a walk of those below."""
    folders, prefix = call.argument(0, "path"), call.argument(1, "prefix", "")
    name = call.path.rpartition(".")[2]
    if not isinstance(folders, list | tuple) or not isinstance(prefix, str):
        return Opaque(f"{name}()")
    inside = [call.m.files.inside(folder) for folder in folders]
    if None in inside:
        return Opaque(f"{name}()")
    found: list[Value] = []
    for folder in inside:
        for module, is_package in _modules(call, str(folder), prefix, deep=name == "walk_packages"):
            if len(found) == _LISTED:
                call.m.see_unknown("a package walks over more modules than are followed", call.evidence)
                return found
            found.append((Opaque("a finder"), module, is_package))
    return found


def _modules(call: Call, folder: str, prefix: str, *, deep: bool) -> Iterator[tuple[str, bool]]:
    children = call.m.files.paths.children(folder)
    for child, is_folder in sorted(children.items()):
        inner = posixpath.join(folder, child)
        if is_folder and f"{inner}/__init__.py" in call.m.files.tree.names:
            yield prefix + child, True
            if deep:
                yield from _modules(call, inner, f"{prefix}{child}.", deep=True)
        elif child.endswith(".py") and child != "__init__.py":
            yield prefix + child.removesuffix(".py"), False


@function("pkg_resources.parse_requirements")
def _parse_requirements(call: Call) -> Value:
    """The requirements of a text or of lines; it fails on one that is none."""
    given = call.argument(0, "strs")
    if not isinstance(given, str | list | tuple) and not (isinstance(given, Made) and given.path == "io.Reader"):
        return Opaque("parse_requirements()")
    lines = given.splitlines() if isinstance(given, str) else iterate(call.m, given)
    for line in lines:
        if isinstance(line, str) and not is_requirement(line):
            raised = Raised(ValueError, f"{line.strip()!r} is no requirement", line=call.evidence.line)
            raised.file, raised.conditional = call.frame.module.file, bool(call.m.conditions)
            raise raised
    return [Opaque("a requirement") for _line in lines]

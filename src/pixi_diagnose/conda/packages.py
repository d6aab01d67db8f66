"""Conda packages of an environment: what they bring along, who brings them, which tools they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from ..data import read_table
from .model import CondaPackage

__all__ = ["closure", "reached_through", "tools"]


def closure(packages: Sequence[CondaPackage], names: Iterable[str]) -> tuple[CondaPackage, ...]:
    """The packages that `names` reach through their dependencies: one environment's part of a solve group."""
    by_name = {p.name: p for p in packages}
    reached: dict[str, CondaPackage] = {}
    todo = list(names)
    while todo:
        package = by_name.get(todo.pop())
        if package is None or package.name in reached:
            continue
        reached[package.name] = package
        todo += _dependencies(package)
    return tuple(sorted(reached.values(), key=lambda p: p.name))


def reached_through(packages: Sequence[CondaPackage], name: str) -> tuple[CondaPackage, ...]:
    """The shortest chain from a package that the manifest asks for to the package `name`, both included."""
    by_name = {p.name: p for p in packages}
    paths: list[tuple[CondaPackage, ...]] = [(p,) for p in packages if p.place is not None]
    seen = {path[0].name for path in paths}
    for path in paths:  # grows while it is read: breadth first
        if path[-1].name == name:
            return path
        for dependency in _dependencies(path[-1]):
            if dependency in by_name and dependency not in seen:
                seen.add(dependency)
                paths.append((*path, by_name[dependency]))
    return ()


def tools(packages: Iterable[CondaPackage]) -> dict[str, str]:
    """Build tools that the packages put on PATH: tool name → the package and version that gives it."""
    return {tool: f"{p.name} {p.version}".strip() for p in packages for tool in _tools().get(p.name, ())}


@cache
def _tools() -> Mapping[str, list[str]]:
    return read_table("conda_tools")


def _dependencies(package: CondaPackage) -> list[str]:
    return [d.split()[0].lower() for d in package.depends]

"""What hangs on an environment variable that a build script reads: read from the script's own `if`s."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import lru_cache

from ..source_tree import SourceTree
from .model import Knob
from .observations import KnobSeen

__all__ = ["knob_values"]


def knob_values(seen: Iterable[KnobSeen], tree: SourceTree) -> tuple[Knob, ...]:
    """Each variable once, in order of reading, with its default and the effect of setting it."""
    found: dict[str, list[KnobSeen]] = {}
    for entry in seen:
        found.setdefault(entry.variable, []).append(entry)
    knobs: list[Knob] = []
    for variable, entries in found.items():
        evidence = tuple(dict.fromkeys(e.evidence for e in entries))[:8]
        default = next((e.default for e in entries if e.default is not None), None)
        text = tree.text(evidence[0].file) or ""
        knobs.append(Knob(variable, default, _effect(variable, text), evidence))
    return tuple(knobs)


def _effect(variable: str, text: str) -> str:
    module = _parse(text)
    if module is None:
        return "read by the build script"
    names = _names_from(module, variable)
    effects: dict[str, None] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.If | ast.IfExp | ast.While) and _mentions(node.test, variable, names):
            body = node.body if isinstance(node.body, list) else [node.body]
            other = node.orelse if isinstance(node.orelse, list) else [node.orelse]
            effects |= dict.fromkeys([*_what(body), *_what(other)])
    if effects:
        return "decides whether the build " + ", ".join(list(effects)[:6])
    if names:
        return "sets " + ", ".join(sorted(names)[:3])
    return "read by the build script"


@lru_cache(maxsize=8)
def _parse(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _names_from(module: ast.Module, variable: str) -> frozenset[str]:
    """Names that are assigned from the variable, directly or through another such name or function."""
    names: set[str] = set()
    for _round in range(3):
        before = len(names)
        for node in ast.walk(module):
            if isinstance(node, ast.Assign) and _mentions(node.value, variable, names):
                names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
            elif isinstance(node, ast.FunctionDef) and any(
                isinstance(n, ast.Return) and n.value is not None and _mentions(n.value, variable, names)
                for n in ast.walk(node)
            ):
                names.add(node.name)
        if len(names) == before:
            break
    return frozenset(names)


def _mentions(node: ast.AST, variable: str, names: Iterable[str]) -> bool:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and inner.value == variable:
            return True
        if isinstance(inner, ast.Name) and inner.id in names:
            return True
    return False


def _what(body: list[ast.stmt] | list[ast.expr]) -> list[str]:
    """What these statements do that a reader cares about."""
    found: list[str] = []
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                found += [f"imports {alias.name}" for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.append(f"imports {node.module}")
            elif isinstance(node, ast.Raise):
                found.append(f"stops with an error (line {node.lineno})")
            elif isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2] if isinstance(node.func, ast.Name | ast.Attribute) else ""
                if name.endswith("Extension") or name == "cythonize":
                    found.append(f"adds {name} (line {node.lineno})")
                elif name in {"urlretrieve", "urlopen"}:
                    found.append(f"downloads (line {node.lineno})")
                elif name in {"check_call", "check_output", "system", "Popen"} or (
                    name == "run" and ast.unparse(node.func) == "subprocess.run"
                ):
                    found.append(f"runs a program (line {node.lineno})")
    return found



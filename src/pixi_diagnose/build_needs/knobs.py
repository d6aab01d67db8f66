"""What hangs on an environment variable that a build script reads: read from the script's own `if`s."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from .model import Knob
from .observations import KnobSeen

__all__ = ["knob_values"]

_PROGRAMS = frozenset({"check_call", "check_output", "system", "Popen", "call", "run", "spawn"})


def knob_values(seen: Iterable[KnobSeen], parse: Callable[[str], ast.Module | None]) -> tuple[Knob, ...]:
    """Each variable once, in order of reading, with its default and the effect of setting it.

    `parse` gives the syntax tree of a file of the source tree, None where there is none.
    """
    found: dict[str, list[KnobSeen]] = {}
    for entry in seen:
        found.setdefault(entry.variable, []).append(entry)
    scripts: dict[str, _Script | None] = {}
    knobs: list[Knob] = []
    for variable, entries in found.items():
        evidence = tuple(dict.fromkeys(e.evidence for e in entries))[:8]
        default = next((e.default for e in entries if e.default is not None), None)
        file = evidence[0].file
        if file not in scripts:
            module = parse(file)
            scripts[file] = _Script.of(module) if module is not None else None
        script = scripts[file]
        effect = script.effect(variable) if script is not None else "read by the build script"
        knobs.append(Knob(variable, default, effect, evidence))
    return tuple(knobs)


@dataclass(slots=True)
class _Script:
    """Which names and literal strings each assignment, returning function and condition of a file mentions."""

    assigned: list[tuple[frozenset[str], AbstractSet[str]]] = field(default_factory=list)
    """(names that are bound, what the value mentions)."""
    tested: list[tuple[frozenset[str], list[ast.AST]]] = field(default_factory=list)
    """(what the condition mentions, what stands in its branches)."""

    @staticmethod
    def of(module: ast.Module) -> _Script:
        """Read a file once: its statements at every depth, and of expressions only what is asked for."""
        script = _Script()
        pending: list[tuple[list[ast.stmt], set[str] | None]] = [(module.body, None)]
        while pending:
            block, returned = pending.pop()
            script._read_block(block)
            for node in block:
                inner = returned
                if isinstance(node, ast.Assign):
                    names = frozenset(t.id for t in node.targets if isinstance(t, ast.Name))
                    script.assigned.append((names, _mentioned(node.value)))
                    if isinstance(node.value, ast.IfExp):
                        script.tested.append((_mentioned(node.value.test), [node.value.body, node.value.orelse]))
                elif isinstance(node, ast.FunctionDef):
                    inner = set()
                    script.assigned.append((frozenset({node.name}), inner))
                elif isinstance(node, ast.Return) and node.value is not None and returned is not None:
                    returned |= _mentioned(node.value)
                elif isinstance(node, ast.While):
                    script.tested.append((_mentioned(node.test), [*node.body, *node.orelse]))
                blocks = [getattr(node, name, None) for name in ("body", "orelse", "finalbody")]
                blocks += [handler.body for handler in getattr(node, "handlers", ())]
                pending += [(nested, inner) for nested in blocks if nested]
        return script

    def _read_block(self, block: list[ast.stmt]) -> None:
        for position, node in enumerate(block):
            if isinstance(node, ast.If):
                # Behind an early return, the rest of the block hangs on the condition, too.
                leaves = bool(node.body) and isinstance(node.body[-1], ast.Return | ast.Raise)
                rest = block[position + 1 :] if leaves else []
                self.tested.append((_mentioned(node.test), [*node.body, *node.orelse, *rest]))

    def effect(self, variable: str) -> str:
        """In words, what the conditions that depend on the variable decide."""
        names = {variable}
        while True:
            more = {name for bound, mentioned in self.assigned if mentioned & names for name in bound} - names
            if not more:
                break
            names |= more
        effects = dict.fromkeys(text for test, body in self.tested if test & names for text in _what(body))
        if effects:
            return "decides whether the build " + ", ".join(list(effects)[:6])
        named = sorted(names - {variable})
        return "sets " + ", ".join(named[:3]) if named else "read by the build script"


def _mentioned(node: ast.AST) -> frozenset[str]:
    found: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            found.add(inner.value)
    return frozenset(found)


def _what(body: list[ast.AST]) -> Iterator[str]:
    """What these statements do that a reader cares about."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                yield from (f"imports {alias.name}" for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield f"imports {node.module}"
            elif isinstance(node, ast.Raise):
                yield f"stops with an error (line {node.lineno})"
            elif isinstance(node, ast.Call) and (text := _call(node)):
                yield text


def _call(node: ast.Call) -> str:
    function = node.func
    name = (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
    owner = function.value.id if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) else ""
    if name.endswith("Extension") or name == "cythonize":
        return f"adds {name} (line {node.lineno})"
    if name in {"urlretrieve", "urlopen"}:
        return f"downloads (line {node.lineno})"
    if name in _PROGRAMS and owner in {"subprocess", "os", "sp", "self"}:
        return f"runs a program (line {node.lineno})"
    return ""

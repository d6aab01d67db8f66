"""What hangs on an environment variable that a build script reads: read from the script's own `if`s."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import field
from typing import Protocol

from ..lazy_dataclass import dataclass
from ..prose import and_list
from .model import Knob
from .observations import KnobSeen

__all__ = ["knob_values"]

_PROGRAMS = frozenset({"check_call", "check_output", "system", "Popen", "call", "run", "spawn"})
_TELLING = re.compile(r"import|raise|Extension|cythonize|url(?:retrieve|open)|" + "|".join(sorted(_PROGRAMS)))
"""What `_what` tells of: a statement whose text has none of these is not looked into."""

_ALTERNATIVES = ("body", "orelse")
_BLOCKS: dict[type[ast.stmt], tuple[str, ...]] = {
    ast.If: _ALTERNATIVES,
    ast.For: _ALTERNATIVES,
    ast.AsyncFor: _ALTERNATIVES,
    ast.While: _ALTERNATIVES,
    ast.Try: (*_ALTERNATIVES, "finalbody"),
    ast.TryStar: (*_ALTERNATIVES, "finalbody"),
    ast.With: ("body",),
    ast.AsyncWith: ("body",),
    ast.FunctionDef: ("body",),
    ast.AsyncFunctionDef: ("body",),
    ast.ClassDef: ("body",),
}
"""The statements that hold others, and where."""


class Sources(Protocol):
    """The files of a tree as `knob_values` wants them."""

    def read_so_far(self, file: str, /) -> ast.Module | None:
        """The syntax tree of what ran of a file, None where nothing did."""
        ...

    def lines(self, file: str, /) -> list[str]:
        """The text of a file, line by line."""
        ...


def knob_values(seen: Iterable[KnobSeen], sources: Sources) -> tuple[Knob, ...]:
    """Each variable once, in order of reading, with its default and the effect of setting it."""
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
            module = sources.read_so_far(file)
            scripts[file] = _Script.of(module, sources.lines(file)) if module is not None else None
        script = scripts[file]
        effect = script.effect(variable) if script is not None else "read by the build script"
        knobs.append(Knob(variable, default, effect, evidence))
    return tuple(knobs)


@dataclass(slots=True)
class _Script:
    """What binds names in a file, and what stands behind its conditions; looked into where its text is promising."""

    lines: list[str]
    assigned: list[tuple[frozenset[str], list[ast.expr]]] = field(default_factory=list)
    """(names that are bound, the values that they may have)."""
    tested: list[tuple[ast.expr, list[ast.expr] | list[ast.stmt]]] = field(default_factory=list)
    """(a condition, what stands in its branches)."""
    _on_line: dict[int, list[tuple[frozenset[str], ast.expr]]] = field(default_factory=dict)
    """What `assigned` has on a line of its own, one by one."""
    _on_several: list[tuple[frozenset[str], ast.expr]] = field(default_factory=list)
    _mentioned: dict[ast.expr, frozenset[str]] = field(default_factory=dict)
    _places: dict[str, frozenset[int]] = field(default_factory=dict)
    """The lines that a name stands in."""

    @staticmethod
    def of(module: ast.Module, lines: list[str]) -> _Script:
        """Read the statements of a file at every depth."""
        script = _Script(lines)
        pending: list[tuple[list[ast.stmt], list[ast.expr] | None]] = [(module.body, None)]
        while pending:
            block, returned = pending.pop()
            for position, node in enumerate(block):
                kind = type(node)
                if kind is ast.Expr:
                    continue
                if isinstance(node, ast.Assign):
                    names = frozenset(t.id for t in node.targets if isinstance(t, ast.Name))
                    script.assigned.append((names, [node.value]))
                    if isinstance(node.value, ast.IfExp):
                        script.tested.append((node.value.test, [node.value.body, node.value.orelse]))
                    continue
                blocks = _BLOCKS.get(kind)
                if blocks is None:
                    if isinstance(node, ast.Return) and node.value is not None and returned is not None:
                        returned.append(node.value)
                    continue
                inner = returned
                if isinstance(node, ast.FunctionDef):
                    inner = []
                    script.assigned.append((frozenset({node.name}), inner))
                elif isinstance(node, ast.While):
                    script.tested.append((node.test, [*node.body, *node.orelse]))
                elif isinstance(node, ast.If):
                    # Behind an early return, the rest of the block hangs on the condition, too.
                    leaves = bool(node.body) and isinstance(node.body[-1], ast.Return | ast.Raise)
                    rest = block[position + 1 :] if leaves else []
                    script.tested.append((node.test, [*node.body, *node.orelse, *rest]))
                pending += [(nested, inner) for name in blocks if (nested := getattr(node, name))]
                if isinstance(node, ast.Try | ast.TryStar):
                    pending += [(handler.body, inner) for handler in node.handlers]
        for bound, values in script.assigned:
            for value in values:
                alone = value.lineno == value.end_lineno
                (script._on_line.setdefault(value.lineno, []) if alone else script._on_several).append((bound, value))
        return script

    def _text(self, node: ast.expr | ast.stmt) -> str:
        return "\n".join(self.lines[node.lineno - 1 : node.end_lineno])

    def _lines_with(self, name: str) -> frozenset[int]:
        found = self._places.get(name)
        if found is None:
            found = frozenset([number for number, line in enumerate(self.lines, 1) if name in line])
            self._places[name] = found
        return found

    def _mentioning(self, expression: ast.expr, names: AbstractSet[str], places: AbstractSet[int]) -> bool:
        """Whether an expression names one of these, as a variable or a string; `places` are the lines that do."""
        first, last = expression.lineno, expression.end_lineno or expression.lineno
        if first not in places and (first == last or places.isdisjoint(range(first + 1, last + 1))):
            return False
        mentioned = self._mentioned.get(expression)
        if mentioned is None:
            mentioned = self._mentioned[expression] = _mentioned(expression)
        return not mentioned.isdisjoint(names)

    def effect(self, variable: str) -> str:
        """In words, what the conditions that depend on the variable decide."""
        names = {variable}
        places = set(self._lines_with(variable))
        while True:
            more: set[str] = set()
            near = [entry for place in places if place in self._on_line for entry in self._on_line[place]]
            for bound, value in (*near, *self._on_several):
                if not bound <= names and self._mentioning(value, names, places):
                    more |= bound - names
            if not more:
                break
            names |= more
            places.update(*map(self._lines_with, more))
        behind = [node for test, body in self.tested if self._mentioning(test, names, places) for node in body]
        effects = dict.fromkeys(what for node in behind if _TELLING.search(self._text(node)) for what in _what(node))
        if effects:
            return "decides whether the build " + ", ".join(_gathered(effects)[:6])
        named = sorted(names - {variable})
        return "sets " + ", ".join(named[:3]) if named else "read by the build script"


def _gathered(effects: Iterable[str]) -> list[str]:
    """Each effect once, with all its lines: "runs a program (lines 335, 336 and 337)"."""
    places: dict[str, list[str]] = {}
    for effect in effects:
        what, _, line = effect.removesuffix(")").partition(" (line ")
        places.setdefault(what, []).extend([line] if line else [])
    return [
        f"{what} (line{'s' * (len(lines) > 1)} {and_list(lines)})" if lines else what for what, lines in places.items()
    ]


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, in the order of the source; `ast.walk` takes three times as long."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        for name in reversed(current._fields):
            value = getattr(current, name, None)
            if type(value) is list:
                pending += [item for item in reversed(value) if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST) and type(value) is not ast.Load:
                pending.append(value)


def _mentioned(node: ast.AST) -> frozenset[str]:
    found: set[str] = set()
    for inner in _nodes(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            found.add(inner.value)
    return frozenset(found)


def _what(statement: ast.AST) -> Iterator[str]:
    """What a statement does that a reader cares about."""
    for node in _nodes(statement):
        if isinstance(node, ast.Import):
            yield from (f"imports {alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield f"imports {node.module}"
        elif isinstance(node, ast.Raise):
            yield f"stops with an error (line {node.lineno})"
        elif isinstance(node, ast.Call) and (text := _call(node)):
            yield text


def _module(extension: ast.Call) -> str:
    """The module that an extension is compiled to (" fast._kernels"), "" where its name is computed."""
    named = [k.value for k in extension.keywords if k.arg == "name"] or extension.args[:1]
    name = next((n.value for n in named if isinstance(n, ast.Constant) and isinstance(n.value, str)), "")
    return f" {name}" if re.fullmatch(r"[\w.]{1,80}", name) else ""


def _call(node: ast.Call) -> str:
    function = node.func
    name = (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
    owner = function.value.id if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) else ""
    if name.endswith("Extension") or name == "cythonize":
        return f"adds {name}{_module(node)} (line {node.lineno})"
    if name in {"urlretrieve", "urlopen"}:
        return f"downloads (line {node.lineno})"
    if name in _PROGRAMS and owner in {"subprocess", "os", "sp", "self"}:
        return f"runs a program (line {node.lineno})"
    return ""

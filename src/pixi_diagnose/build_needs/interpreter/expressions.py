"""Expressions: from syntax to values."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

from .builtin_names import BUILTINS
from .environment_variables import contains
from .machine import Frame, Machine, Patience
from .objects import assign, attribute, call_value, item_of, iterate, make_function
from .operators import binary, compare, formatting_is_small
from .values import Choice, Opaque, Outside, Scope, Value, is_known, mentions, surely_among, truth
from .version_tests import COMPARISONS, negated

__all__ = ["evaluate", "note_item", "source_of"]

_SIMPLE_TEXT = re.compile(r"[\w.*/+-]*(?: [\w.*/+-]+)*", re.ASCII)
_PLAINLY_SPELLED = frozenset({bool, int})
_SHOWN = 40
"""Characters of a text that a condition quotes."""
_MEMBERSHIP = frozenset({ast.In, ast.NotIn})
_CONVERSIONS: dict[int, Callable[[Value], str]] = {ord("s"): str, ord("r"): repr, ord("a"): ascii}


def evaluate(m: Machine, frame: Frame, node: ast.expr) -> Value:
    """What an expression is worth. Raised where it raises; whatever is not modelled is unknown."""
    kind = type(node)
    if kind is ast.Constant:
        return node.value  # type: ignore[attr-defined]
    m.steps += 1
    if m.steps > m.step_limit:
        m.give_up()
    if kind is ast.Name:
        # Most names are found at once.
        scope = frame.scope
        name = node.id  # type: ignore[attr-defined]
        if name in scope.names and name not in scope.globals_declared:
            return scope.names[name]
    return _EXPRESSIONS.get(kind, _unmodelled)(m, frame, node)


def source_of(node: ast.AST) -> str:
    """An expression as the script spells it, shortened to one line; kept on the node, as loops ask again and again."""
    known = getattr(node, "·source", None)
    if known is None:
        known = _spelled(node)
        if known is None:
            try:
                known = " ".join(ast.unparse(node).split())
            except (ValueError, RecursionError):
                known = "an expression"
        known = known if len(known) <= 100 else known[:97] + "…"
        setattr(node, "·source", known)
    return str(known)


def _spelled(node: ast.AST) -> str | None:
    """What `ast.unparse` writes for the usual conditions, in a tenth of its time; None for others."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        operand = _spelled_simply(node.operand)
        return None if operand is None else f"not {operand}"
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = _spelled_simply(node.left), _spelled_simply(node.comparators[0])
        return None if left is None or right is None else f"{left} {COMPARISONS[type(node.ops[0])]} {right}"
    return _spelled_simply(node)


def _spelled_simply(node: ast.AST) -> str | None:
    """The same for names, attributes, plain text and calls with these."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = None if isinstance(node.value, ast.Constant) else _spelled_simply(node.value)
        return None if owner is None else f"{owner}.{node.attr}"
    if isinstance(node, ast.Constant):
        value = node.value
        if value is None or type(value) in _PLAINLY_SPELLED:
            return repr(value)
        simple = isinstance(value, str) and not node.kind and _SIMPLE_TEXT.fullmatch(value)
        return repr(value) if simple else None
    if isinstance(node, ast.Call) and not node.keywords:
        parts = [part for one in (node.func, *node.args) if (part := _spelled_simply(one)) is not None]
        return f"{parts[0]}({', '.join(parts[1:])})" if len(parts) == len(node.args) + 1 else None
    return None


def _unmodelled(_m: Machine, _frame: Frame, node: ast.expr) -> Value:
    return Opaque(type(node).__name__)


def _name(m: Machine, frame: Frame, node: ast.Name) -> Value:
    name = node.id
    scope: Scope | None = frame.scope
    if name in frame.scope.globals_declared:
        scope = frame.module.scope
    while scope is not None:
        if name in scope.names:
            return scope.names[name]
        scope = scope.parent
    if name in frame.module.scope.names:
        return frame.module.scope.names[name]
    if name in m.builtins:
        return m.builtins[name]
    if name in BUILTINS:
        return BUILTINS[name]
    m.fail(NameError, f"name {name!r} is not defined", frame, node)
    return Opaque(name)


def _attribute(m: Machine, frame: Frame, node: ast.Attribute) -> Value:
    return attribute(m, frame, evaluate(m, frame, node.value), node.attr, node)


def _subscript(m: Machine, frame: Frame, node: ast.Subscript) -> Value:
    container = evaluate(m, frame, node.value)
    index = evaluate(m, frame, node.slice)
    return item_of(m, frame, container, index, node)


def _slice(m: Machine, frame: Frame, node: ast.Slice) -> Value:
    parts = [evaluate(m, frame, part) if part else None for part in (node.lower, node.upper, node.step)]
    if all(part is None or isinstance(part, int) for part in parts):
        return slice(*parts)
    return Opaque("a slice")


def _call(m: Machine, frame: Frame, node: ast.Call) -> Value:
    function = evaluate(m, frame, node.func)
    args: list[Value] = []
    for argument in node.args:
        if type(argument) is ast.Starred:
            args.extend(iterate(m, evaluate(m, frame, argument.value)))
        else:
            args.append(evaluate(m, frame, argument))
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = evaluate(m, frame, keyword.value)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
            continue
        for option in value.options if isinstance(value, Choice) else (value,):
            if isinstance(option, dict):
                keywords.update({k: v for k, v in option.items() if isinstance(k, str)})
    return call_value(m, frame, function, args, keywords, node)


def _items(m: Machine, frame: Frame, nodes: list[ast.expr]) -> list[Value]:
    items: list[Value] = []
    for node in nodes:
        if type(node) is ast.Constant:
            items.append(node.value)
        elif type(node) is ast.Starred:
            items.extend(iterate(m, evaluate(m, frame, node.value)))
        else:
            items.append(evaluate(m, frame, node))
    return items


def _tuple(m: Machine, frame: Frame, node: ast.Tuple) -> Value:
    return tuple(_items(m, frame, node.elts))


def _list(m: Machine, frame: Frame, node: ast.List) -> Value:
    return _items(m, frame, node.elts)


def _set(m: Machine, frame: Frame, node: ast.Set) -> Value:
    items = _items(m, frame, node.elts)
    try:
        return set(items)
    except TypeError:
        return Opaque("a set")


def _dict(m: Machine, frame: Frame, node: ast.Dict) -> Value:
    made: dict[Any, Value] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = evaluate(m, frame, value_node)
        if key_node is None:
            for option in value.options if isinstance(value, Choice) else (value,):
                if isinstance(option, dict):
                    made.update(option)
            continue
        key = evaluate(m, frame, key_node)
        try:
            made[key] = value
        except TypeError:
            return Opaque("a dict")
    return made


def _boolean(m: Machine, frame: Frame, node: ast.BoolOp) -> Value:
    """`and` and `or` stop at the first operand that decides; behind an undecided one the rest is conditional."""
    stops_at = isinstance(node.op, ast.Or)
    undecided: list[Value] = []
    conditions = len(m.conditions)
    value: Value = None
    try:
        for operand in node.values:
            value = evaluate(m, frame, operand)
            decided = truth(value)
            if decided is stops_at:
                if isinstance(value, bool):
                    return value  # whatever the undecided ones are, the whole is as true as this
                return value if not undecided else _one_of([*undecided, value])
            if decided is None:
                undecided.append(value)
                text = source_of(operand)
                m.conditions.append(f"not ({text})" if stops_at else text)
    finally:
        del m.conditions[conditions:]
    return value if not undecided else _one_of([*undecided, *([] if undecided[-1] is value else [value])])


def _one_of(values: list[Value]) -> Value:
    tool = next((t for v in values if (t := mentions(v))), "")
    if tool or all(isinstance(v, Opaque) for v in values) or len(values) > 6:
        return Opaque("an expression", tool)
    return Choice(tuple(values))


def _unary(m: Machine, frame: Frame, node: ast.UnaryOp) -> Value:
    value = evaluate(m, frame, node.operand)
    if isinstance(node.op, ast.Not):
        decided = truth(value)
        if decided is not None:
            return not decided
        return Opaque("an expression", mentions(value), negated(getattr(value, "about", None)))
    if isinstance(node.op, ast.USub) and isinstance(value, int | float):
        return -value
    return value if isinstance(node.op, ast.UAdd) else Opaque("an expression", mentions(value))


def _binary(m: Machine, frame: Frame, node: ast.BinOp) -> Value:
    left = evaluate(m, frame, node.left)
    return binary(m, frame, node.op, left, evaluate(m, frame, node.right), node)


def _compare(m: Machine, frame: Frame, node: ast.Compare) -> Value:
    left = evaluate(m, frame, node.left)
    answer: Value = True
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        taken = m.seen.argv_taken
        right = evaluate(m, frame, comparator)
        one = None
        if type(op) in _MEMBERSHIP:
            one = _in_environment(m, frame, op, left, right, node)
            if right is m.argv and type(left) is str and type(comparator) is ast.Attribute:
                m.seen.argv_taken = taken
                m.seen.argv_words.add(left)
        if one is None:
            one = compare(m, frame, op, left, right, node)
        if one is False:
            return False
        if one is not True:
            answer = one
        left = right
    return answer


def _in_environment(m: Machine, frame: Frame, op: ast.cmpop, name: Value, container: Value, node: ast.AST) -> Value:
    """`name in os.environ`; None for any other container."""
    if type(container) is not Outside or container.path != "os.environ":
        return None
    found = contains(m, frame, name, node)
    if found is None:
        return Opaque("a comparison")
    return found if isinstance(op, ast.In) else not found


def _conditional(m: Machine, frame: Frame, node: ast.IfExp) -> Value:
    test = evaluate(m, frame, node.test)
    decided = truth(test)
    if decided is not None:
        return evaluate(m, frame, node.body if decided else node.orelse)
    text = source_of(node.test)
    with m.condition(text):
        first = evaluate(m, frame, node.body)
    with m.condition(f"not ({text})"):
        second = evaluate(m, frame, node.orelse)
    return Choice((first, second), text)


def _lambda(m: Machine, frame: Frame, node: ast.Lambda) -> Value:
    return make_function(m, frame, node)


def _joined(m: Machine, frame: Frame, node: ast.JoinedStr) -> Value:
    parts: list[str] = []
    known, tool = True, ""
    for part in node.values:
        value = evaluate(m, frame, part)
        if isinstance(value, str):
            parts.append(value)
        else:
            known, tool = False, tool or mentions(value)
            parts.append("{" + source_of(part.value) + "}" if isinstance(part, ast.FormattedValue) else "{…}")
    if not m.allocate(sum(map(len, parts))):
        return Opaque("a long string", tool)
    text = "".join(parts)
    # A partly known address is still worth telling.
    return text if known else Opaque(text[:300], tool)


def _formatted(m: Machine, frame: Frame, node: ast.FormattedValue) -> Value:
    value = evaluate(m, frame, node.value)
    spec = evaluate(m, frame, node.format_spec) if node.format_spec else ""
    if not is_known(value) or not isinstance(spec, str) or not formatting_is_small(spec):
        return Opaque("a formatted value", mentions(value))
    try:
        if node.conversion in _CONVERSIONS:
            value = _CONVERSIONS[node.conversion](value)
        return format(value, spec)
    except (TypeError, ValueError):
        return Opaque("a formatted value")


def _named(m: Machine, frame: Frame, node: ast.NamedExpr) -> Value:
    value = evaluate(m, frame, node.value)
    assign(m, frame, node.target, value)
    return value


def _yield(m: Machine, frame: Frame, node: ast.Yield) -> Value:
    value = evaluate(m, frame, node.value) if node.value else None
    if frame.yielded is not None and len(frame.yielded) < m.limits.rounds:
        frame.yielded.append(value)
    return None


def _yield_from(m: Machine, frame: Frame, node: ast.YieldFrom) -> Value:
    values = iterate(m, evaluate(m, frame, node.value))
    if frame.yielded is not None:
        frame.yielded.extend(values[: m.limits.rounds])
    return None


def _await(m: Machine, frame: Frame, node: ast.Await) -> Value:
    evaluate(m, frame, node.value)
    return Opaque("await")


def _starred(m: Machine, frame: Frame, node: ast.Starred) -> Value:
    return evaluate(m, frame, node.value)


# -- comprehensions ---------------------------------------------------------------------------------------------------


def note_item(m: Machine, iterated: ast.expr, item: Value, items: Value) -> None:
    """A round for an item that only some of a choice of lists have is conditional: the caller takes that back."""
    if not surely_among(item, items):
        shown = repr(item) if isinstance(item, str) and len(item) < _SHOWN else "such an item"
        m.conditions.append(f"{source_of(iterated)} has {shown}")


def _rounds(m: Machine, frame: Frame, generators: list[ast.comprehension]) -> Iterator[None]:
    """Bind the names of a comprehension for each of its rounds."""
    if not generators:
        yield
        return
    first, rest = generators[0], generators[1:]
    patience = Patience(m)
    items, conditions = evaluate(m, frame, first.iter), len(m.conditions)
    for item in iterate(m, items):
        if patience.ends():
            patience.note(m.evidence(frame, first.iter))
            return
        m.step()
        assign(m, frame, first.target, item)
        note_item(m, first.iter, item, items)
        if all(truth(evaluate(m, frame, test)) is not False for test in first.ifs):
            yield from _rounds(m, frame, rest)
        del m.conditions[conditions:]


def _comprehension(m: Machine, frame: Frame, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
    items = [evaluate(m, inner, node.elt) for inner in _inner(m, frame, node.generators)]
    if isinstance(node, ast.SetComp):
        try:
            return set(items)
        except TypeError:
            return Opaque("a set")
    return items


def _dict_comprehension(m: Machine, frame: Frame, node: ast.DictComp) -> Value:
    made: dict[Any, Value] = {}
    for inner in _inner(m, frame, node.generators):
        key, value = evaluate(m, inner, node.key), evaluate(m, inner, node.value)
        try:
            made[key] = value
        except TypeError:
            return Opaque("a dict")
    return made


def _inner(m: Machine, frame: Frame, generators: list[ast.comprehension]) -> Iterator[Frame]:
    inner = Frame(frame.module, Scope(frame.scope), len(m.conditions))
    inner.cls, inner.receiver = frame.cls, frame.receiver
    for _round in _rounds(m, inner, generators):
        yield inner


_EXPRESSIONS: dict[type[ast.expr], Callable[[Machine, Frame, Any], Value]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Slice: _slice,
    ast.Call: _call,
    ast.Tuple: _tuple,
    ast.List: _list,
    ast.Set: _set,
    ast.Dict: _dict,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.Lambda: _lambda,
    ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted,
    ast.NamedExpr: _named,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
    ast.Await: _await,
    ast.Starred: _starred,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
}

"""Operators on known values, capped in size; anything else is unknown."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from .enumerations import members, plain_value
from .machine import Frame, Machine
from .values import (
    Choice,
    ClassValue,
    Function,
    Instance,
    Opaque,
    Outside,
    OutsideMethod,
    TreeModule,
    Value,
    is_known,
    mentions,
    truth,
)
from .version_tests import version_test

__all__ = ["binary", "compare", "formatting_is_small"]

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_IDENTITY = (ast.Is, ast.IsNot)
_EQUALITY = (ast.Eq, ast.NotEq)
_MEMBERSHIP = (ast.In, ast.NotIn)
_NEGATIVE = (ast.IsNot, ast.NotEq, ast.NotIn)
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def binary(m: Machine, frame: Frame, op: ast.operator, left: Value, right: Value, node: ast.AST) -> Value:
    """The value of `left op right`."""
    if isinstance(left, Choice) and len(left.options) <= 4 and not isinstance(right, Choice):
        return Choice(tuple(binary(m, frame, op, option, right, node) for option in left.options), left.origin)
    tool = mentions(left) or mentions(right)
    if isinstance(left, list) and isinstance(right, list) and isinstance(op, ast.Add):
        return left + right if m.allocate(len(left) + len(right)) else Opaque("a long list")
    if isinstance(left, list | tuple) and isinstance(op, ast.Add) and isinstance(right, Opaque | Choice):
        more = list(right.options) if isinstance(right, Choice) else [right]
        flat = [i for part in more for i in (part if isinstance(part, list | tuple) else [part])]
        return [*left, *flat] if isinstance(left, list) else (*left, *flat)
    if isinstance(right, list) and isinstance(op, ast.Add) and isinstance(left, Opaque):
        return [left, *right]
    function = _BINARY.get(type(op))
    if function is None or not (is_known(left) and is_known(right)) or not _is_small(m, op, left, right):
        return Opaque("an expression", tool)
    try:
        return function(left, right)
    except (TypeError, ValueError, ArithmeticError, KeyError) as error:
        m.fail(type(error), str(error), frame, node)
        return Opaque("an expression", tool)


def _is_small(m: Machine, op: ast.operator, left: Value, right: Value) -> bool:
    if isinstance(left, int) and isinstance(right, int):
        return max(left.bit_length(), right.bit_length()) < 4096
    if isinstance(op, ast.Mult):
        sequence, times = (right, left) if isinstance(left, int) else (left, right)
        if isinstance(times, int) and isinstance(sequence, str | bytes | list | tuple):
            return m.allocate(len(sequence) * max(times, 0))
    if isinstance(op, ast.Mod) and isinstance(left, str | bytes):
        return formatting_is_small(left if isinstance(left, str) else left.decode("latin-1")) and m.allocate(
            len(left) + len(str(right))
        )
    if isinstance(left, str | bytes | tuple) and isinstance(right, str | bytes | tuple):
        return m.allocate(len(left) + len(right))
    return True


def formatting_is_small(template: str) -> bool:
    """Whether a format string asks for no huge width (`'%1000000000d'`)."""
    digits = 0
    for character in template:
        digits = digits + 1 if character.isdigit() else 0
        if digits > 4:
            return False
    return "*" not in template


def compare(m: Machine, frame: Frame, op: ast.cmpop, left: Value, right: Value, node: ast.AST) -> Value:
    """The value of one comparison: True, False, or unknown."""
    if isinstance(op, _IDENTITY):
        answer = _identical(left, right)
    elif isinstance(op, _EQUALITY):
        answer = _equal(left, right)
    elif isinstance(op, _MEMBERSHIP):
        answer = _contains(right, left)
    else:
        answer = None
        if is_known(left) and is_known(right):
            try:
                answer = bool(_ORDER[type(op)](left, right))
            except TypeError as error:
                m.fail(TypeError, str(error), frame, node)
    if answer is None:
        return Opaque("a comparison", mentions(left) or mentions(right), version_test(op, left, right))
    return not answer if isinstance(op, _NEGATIVE) else answer


def _identical(left: Value, right: Value) -> bool | None:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Choice):
            answers = {_identical(option, other) for option in one.options}
            return answers.pop() if len(answers) == 1 else None
    if isinstance(left, Opaque) or isinstance(right, Opaque):
        return None
    if left is None or right is None:
        other = right if left is None else left
        if isinstance(other, Outside | OutsideMethod):
            return False if truth(other) else None
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left is right or (isinstance(left, Outside) and left == right)


def _equal(left: Value, right: Value) -> bool | None:
    left, right = plain_value(left), plain_value(right)
    if type(left) is Instance and type(right) is Instance and left.cls.find("__eq__") is None:
        if left is right:
            return True
        return False if members(left.cls) is not None and left.cls is right.cls else None
    if is_known(left) and is_known(right):
        try:
            return bool(left == right)
        except (TypeError, ValueError):
            return None
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Choice):
            answers = {_equal(option, other) for option in one.options}
            return answers.pop() if len(answers) == 1 else None
    if isinstance(left, Function | ClassValue | TreeModule) or isinstance(right, Function | ClassValue | TreeModule):
        return left is right
    return None


def _contains(container: Value, item: Value) -> bool | None:
    if isinstance(container, Choice):
        answers = {_contains(option, item) for option in container.options}
        return answers.pop() if len(answers) == 1 else None
    if isinstance(container, str) and isinstance(item, str):
        return item in container
    if isinstance(container, bytes) and isinstance(item, bytes):
        return item in container
    if isinstance(container, PurePosixPath | Opaque) or not isinstance(
        container, list | tuple | dict | set | frozenset
    ):
        return None
    if not is_known(item):
        return False if not container else None
    known = [entry for entry in container if is_known(entry)]
    try:
        if item in known:
            return True
    except (TypeError, ValueError):
        return None
    return False if len(known) == len(container) else None

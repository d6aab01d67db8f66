"""Conditions of the C preprocessor, decided for one Python: true, false, or unknown (None)."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable

from .model import BuildTarget

__all__ = ["decide"]

_WORDS = r"defined\s*\(\s*\w+\s*\)|defined\s+\w+|0[xX][0-9a-fA-F]+|\w+|&&|\|\||!=|!|[<>]=?|==|[()?]"
_MAJOR = r"(?:IS_|_)?PY(?:THON)?_?([23])[KX]?"
"""Names that projects give to the Python that they compile for: PY3, IS_PY3K, PY_2, PYTHON3."""
_RANGE = r"PY(?:THON)?_?[23]"
_SYSTEMS = {"_WIN32": "win", "_WIN64": "win", "MS_WINDOWS": "win", "_MSC_VER": "win", "__APPLE__": "osx"}
_NEVER = frozenset({"PYPY_VERSION", "PYPY_VERSION_NUM", "PYSTON_VERSION", "GRAALVM_PYTHON"})
_COMPARED: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def decide(conditions: Iterable[str], target: BuildTarget) -> bool | None:
    """Whether all of these hold where CPython's headers are included; None where that is not known.

    What hangs on the project's own name for a range of Pythons (GREENLET_PY311) is kept from those that do not compile
    it: that is what such a name is for.
    """
    conditions = tuple(conditions)
    answers = [_truth(condition, target) for condition in conditions]
    if False in answers:
        return False
    undecided = [condition for condition, answer in zip(conditions, answers, strict=True) if answer is None]
    return False if any(re.search(_RANGE, condition) for condition in undecided) else None if undecided else True


def _truth(condition: str, target: BuildTarget) -> bool | None:
    words = re.findall(_WORDS, condition)
    if "".join(words).replace(" ", "") != condition.replace(" ", ""):
        return None
    spelled = (_PYTHON.get(word) or _word(word, target) for word in words)
    try:
        value = _value(ast.parse(" ".join(spelled), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None if value is None else bool(value)


_PYTHON = {"&&": "and", "||": "or", "!": "not", "(": "(", ")": ")", "<": "<", ">": ">", "<=": "<=", ">=": ">="} | {
    "==": "==",
    "!=": "!=",
    "?": "None",
}


def _word(word: str, target: BuildTarget) -> str:
    """A name or number as Python writes its value; `None` for what is not known."""
    major, minor = target.python
    if word.startswith("defined"):
        return str(_defined(re.sub(r"defined|[\s()]", "", word), target))
    if word == "PY_VERSION_HEX":
        return str(major << 24 | minor << 16 | 0xFFF0)  # the newest of its patch releases
    if word in {"PY_MAJOR_VERSION", "PY_MINOR_VERSION"}:
        return str(major if word == "PY_MAJOR_VERSION" else minor)
    if (named := re.fullmatch(_MAJOR, word)) is not None:
        return str(int(int(named[1]) == major))
    number = re.fullmatch(r"(0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*", word)
    return str(int(number[1], 16 if number[1][:2] in {"0x", "0X"} else 10)) if number else "None"


def _defined(name: str, target: BuildTarget) -> bool | None:
    if name in _SYSTEMS:
        return target.subdir.startswith(_SYSTEMS[name])
    if name == "Py_PYTHON_H":
        return True
    if (named := re.fullmatch(_MAJOR, name)) is not None:
        return int(named[1]) == target.python[0]
    return False if name in _NEVER else None


def _value(node: ast.expr) -> int | None:
    """The value of an expression in which None is not known: what holds whatever it is, holds."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, int | None) else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        value = _value(node.operand)
        return None if value is None else not value
    if isinstance(node, ast.BoolOp):
        values = [_value(inner) for inner in node.values]
        decisive = isinstance(node.op, ast.Or)
        if any(value is not None and bool(value) is decisive for value in values):
            return decisive
        return None if None in values else not decisive
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right, compare = _value(node.left), _value(node.comparators[0]), _COMPARED.get(type(node.ops[0]))
        return compare(left, right) if compare and left is not None and right is not None else None
    return None

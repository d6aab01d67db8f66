"""Comparisons with a version of a module outside the tree: unknown here, decided where that version is known."""

from __future__ import annotations

import ast

from packaging.version import InvalidVersion, Version

from ...lazy_dataclass import dataclass
from .values import Opaque, Outside, Value

__all__ = ["COMPARISONS", "VersionOf", "VersionTest", "negated", "version_of", "version_test"]

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
"""Comparisons as they are written."""
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NEGATED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_ORDERED_TEXT = frozenset({"torch"})
"""Modules whose `__version__` compares as a version and not as text (torch/torch_version.py)."""


@dataclass(frozen=True, slots=True)
class VersionOf:
    """What an unknown value is: the version of a module. `ordered` where `<` compares versions and not text."""

    module: str
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class VersionTest:
    """What an unknown value is: true exactly where the module's version is in the specifier (`==2.5.0`)."""

    module: str
    specifier: str


def version_of(value: Value, *, ordered: bool = False) -> VersionOf | None:
    """The module whose version a value is, None for any other value; `ordered` once it was parsed."""
    if isinstance(value, Opaque) and isinstance(value.about, VersionOf):
        return VersionOf(value.about.module, ordered or value.about.ordered)
    if isinstance(value, Outside):
        module, _, name = value.path.partition(".")
        if name in {"__version__", "version.__version__"}:
            return VersionOf(module, ordered or module in _ORDERED_TEXT)
    return None


def version_test(op: ast.cmpop, left: Value, right: Value) -> VersionTest | None:
    """The test that a comparison of a module's version with a constant makes, None for any other comparison."""
    operator = COMPARISONS[type(op)]
    version, constant = version_of(left), right
    if version is None:
        version, constant, operator = version_of(right), left, _MIRRORED.get(operator, operator)
    if version is None or operator not in _NEGATED or (operator in _MIRRORED and not version.ordered):
        return None
    try:
        wanted = Version(constant) if isinstance(constant, str) else constant
    except InvalidVersion:
        return None
    return VersionTest(version.module, f"{operator}{wanted.public}") if isinstance(wanted, Version) else None


def negated(about: object) -> VersionTest | None:
    """The opposite of a test, None for anything else."""
    if not isinstance(about, VersionTest):
        return None
    operator = about.specifier[: 2 if about.specifier[1] == "=" else 1]
    return VersionTest(about.module, _NEGATED[operator] + about.specifier[len(operator) :])

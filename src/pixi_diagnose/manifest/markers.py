"""PEP 508 markers as text: joined and negated, as uv does when it splits a requirement by its sources."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["all_of", "any_of", "check_marker", "negated"]

_PIECE = r"""(?x)\s*(?:(?P<sign>[()])
    |(?P<word>and|or)\b
    |(?P<left>"[^"]*"|'[^']*'|[A-Za-z_.]+)\s*(?P<operator>===|[=~!<>]=|[<>]|not\s+in\b|in\b)\s*(?P<right>"[^"]*"|'[^']*'|[A-Za-z_.]+))"""
_OPPOSITE = {"==": "!=", "!=": "==", "===": "!=", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "in": "not in"}


def check_marker(text: str) -> str:
    """The marker as `packaging` writes it; ValueError for what is none."""
    from packaging.markers import InvalidMarker, Marker

    try:
        return str(Marker(text))
    except InvalidMarker as error:
        raise ValueError(f"'{text}' is not a valid marker: {str(error).splitlines()[0]}") from None


def all_of(markers: Iterable[str]) -> str:
    """The conjunction of markers; "" holds everywhere."""
    return _joined("and", [m for m in dict.fromkeys(markers) if m])


def any_of(markers: Iterable[str]) -> str:
    """The disjunction of markers; "" holds everywhere, and so does it with one of them."""
    given = list(dict.fromkeys(markers))
    return "" if "" in given else _joined("or", given)


def negated(marker: str) -> str:
    """What holds where `marker` (a valid one, not empty) does not."""
    from packaging.markers import Marker

    tokens = list(re.finditer(_PIECE, str(Marker(marker))))
    negation, _ = _negated_alternatives(tokens, 0)
    return negation


def _joined(word: str, markers: list[str]) -> str:
    if len(markers) == 1:
        return markers[0]
    return f" {word} ".join(f"({m})" if " or " in m or " and " in m else m for m in markers)


def _negated_alternatives(tokens: list[re.Match[str]], at: int) -> tuple[str, int]:
    parts = []
    while True:
        part, at = _negated_conjunction(tokens, at)
        parts.append(part)
        if at >= len(tokens) or tokens[at]["word"] != "or":
            return _joined("and", parts), at
        at += 1


def _negated_conjunction(tokens: list[re.Match[str]], at: int) -> tuple[str, int]:
    parts = []
    while True:
        if tokens[at]["sign"] == "(":
            part, at = _negated_alternatives(tokens, at + 1)
        else:
            part = _negated_comparison(tokens[at])
        parts.append(part)
        at += 1  # the comparison, or the closing parenthesis
        if at >= len(tokens) or tokens[at]["word"] != "and":
            return _joined("or", parts), at
        at += 1


def _negated_comparison(token: re.Match[str]) -> str:
    left, operator, right = token["left"], " ".join(token["operator"].split()), token["right"]
    if operator == "not in":
        return f"{left} in {right}"
    if operator == "~=":  # `~= "3.8"` is `>= "3.8"` and `== "3.*"`
        series = right.strip("\"'").rpartition(".")[0]
        return f'{left} < {right} or {left} != "{series}.*"'
    return f"{left} {_OPPOSITE[operator]} {right}"

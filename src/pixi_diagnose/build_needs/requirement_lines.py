"""Lines that ought to be requirements (PEP 508), as setuptools reads them."""

from __future__ import annotations

import re

__all__ = ["is_requirement"]

_CLAUSE = r"(?:~=|==|!=|<=|>=|<|>) *\d+\.\d+(?:\.\d+)*"
_USUAL = re.compile(rf"[A-Za-z0-9]+(?:[-_.]+[A-Za-z0-9]+)* *(?:{_CLAUSE} *(?:, *{_CLAUSE} *)*)?")
"""Requirements as nearly all are written: packaging, whose import costs 30 ms, judges the others."""


def is_requirement(line: str) -> bool:
    """Whether a line is a requirement, or none at all: comments and empty lines are passed over."""
    bare = line.partition(" #")[0].strip()
    if not bare or bare.startswith("#") or _USUAL.fullmatch(bare):
        return True
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(bare)
    except InvalidRequirement:
        return False
    return True

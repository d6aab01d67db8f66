"""Conda version specs in the words of PyPI: which versions, and which Python, an unsolved spec stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..pep508 import normal_specifier, normal_version
from .model import CondaPackage

__all__ = ["KNOWN_MINORS", "pep440", "pypi_specifier", "python_version"]

KNOWN_MINORS = tuple(f"3.{minor}" for minor in range(14, 8, -1))
"""CPython series that conda channels offer, newest first (2026-08): what a spec without a solve may stand for."""


def python_version(packages: Sequence[CondaPackage]) -> tuple[str, str]:
    """The environment's Python ("3.12.7" or "3.12", "" for none), and what was assumed to say so ("" for nothing)."""
    python = next((p for p in packages if p.name == "python"), None)
    if python is None:
        return "", ""
    if python.solved:
        return python.version, ""
    if exact := re.match(r"^(?:==?)?\s*(3\.\d+)(?:\.\*)?$", python.version):
        return exact[1], ""
    if exact := re.match(r"^(?:==?)?\s*(3\.\d+\.\d+)$", python.version):
        return exact[1], ""
    for minor in KNOWN_MINORS:
        if _allows(python.version, minor):
            return minor, f"Python {minor}, the newest that {python.version or '*'} allows"
    return KNOWN_MINORS[1], f"Python {KNOWN_MINORS[1]}: {python.version} was not understood"


def pypi_specifier(version: str) -> str:
    """A conda version spec as PEP 440 specifier, as far as one conjunction says it; "" (any) where it cannot."""
    if not version or version == "*" or "|" in version:
        return ""
    specifier = _as_pep440(version)
    try:
        return normal_specifier(specifier)
    except ValueError:
        return ""


def pep440(version: str) -> str:
    """A conda version as PyPI tools see it; "" where it is not PEP 440 and so is never offered (uv.md U6.11)."""
    try:
        return normal_version(version)
    except ValueError:
        return ""


def _allows(spec: str, minor: str) -> bool:
    """Whether a conda version spec allows some patch release of a Python series: `|` is or, `,` is and."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if spec in {"", "*"}:
        return True
    for alternative in spec.split("|"):
        try:
            allowed = SpecifierSet(_as_pep440(alternative))
        except InvalidSpecifier:
            continue
        if any(allowed.contains(f"{minor}.{patch}") for patch in range(30)):
            return True
    return False


def _as_pep440(spec: str) -> str:
    """Translate one conjunction of a conda version spec: `3.12.*`, `=3.12` → `==3.12.*`; `3.12` → `==3.12`."""
    parts = []
    for part in filter(None, (p.strip() for p in spec.split(","))):
        if part == "*":
            continue
        if part[0] in "<>!~" or part.startswith("=="):
            # conda's `>=3.9.*` means `>=3.9`; PEP 440 allows the star with == and != only
            parts.append(part if part.startswith(("==", "!=")) else part.removesuffix(".*"))
        elif part.startswith("="):
            parts.append("==" + part[1:].strip().removesuffix(".*") + ".*")
        else:
            parts.append("==" + part)
    return ",".join(parts)

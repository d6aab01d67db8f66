"""Which version of a native project runs what was compiled against another one: a table, and the rules it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..data import read_table

if TYPE_CHECKING:
    from packaging.version import Version

__all__ = ["COMPILED_AGAINST", "fits", "rule_in_words"]

_RULES: dict[str, str] = {project: entry["same"] for project, entry in read_table("native_abi").items()}
COMPILED_AGAINST = tuple(_RULES)
"""The projects whose rule is known, canonical."""

_NUMPY_OLDEST = "1.19"


def fits(project: str, built: Version, runs: Version) -> bool:
    """Whether an extension that was compiled against one version of a project runs with the other."""
    rule = _RULES[project]
    if rule == "numpy":
        return _fits_numpy(built, runs)
    digits = 1 if rule == "major" else 2
    return built.release[:digits] == runs.release[:digits]


def rule_in_words(project: str) -> str:
    """The rule of a project in a sentence."""
    rule = _RULES[project]
    if rule == "numpy":
        return "What is compiled with numpy 1 does not run with numpy 2; before 1.25, nor with an older numpy 1."
    return f"{project} keeps its binary interface within one {rule} version only."


def _fits_numpy(built: Version, runs: Version) -> bool:
    from packaging.version import Version

    numpy_oldest = Version(_NUMPY_OLDEST)
    if built.major >= 2:
        return runs >= numpy_oldest
    oldest = numpy_oldest if built >= Version("1.25") else Version(f"{built.major}.{built.minor}")
    return runs.major == built.major and runs >= oldest

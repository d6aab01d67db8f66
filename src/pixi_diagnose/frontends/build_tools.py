"""The table of tools outside Python: which commands stand for each, and who gives it to a build."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ..data import read_table
from ..lazy_dataclass import dataclass

__all__ = ["COMPILERS", "BuildTool", "build_tools"]

COMPILERS = frozenset({"c-compiler", "cxx-compiler", "fortran-compiler", "rustc", "cargo"})


@dataclass(frozen=True, slots=True)
class BuildTool:
    """One tool: `name` as a report says it ("a C compiler"), `commands` of which one on PATH is enough.

    `projects` on an index bring the executable along, `conda` is the conda package that gives it ("" none known).
    `usual` tools come with most machines on which people build.
    """

    name: str
    commands: tuple[str, ...]
    projects: tuple[str, ...] = ()
    conda: str = ""
    usual: bool = False


@cache
def build_tools() -> Mapping[str, BuildTool]:
    """The tools by the names that `ToolNeed` uses. nvcc is none of them: it decides outcomes, and has its own rule."""
    return {
        key: BuildTool(
            entry["name"],
            tuple(entry["commands"]),
            tuple(entry.get("projects", ())),
            entry.get("conda", ""),
            entry.get("usual", False),
        )
        for key, entry in read_table("build_tools").items()
    }

"""Compilers and programs that builds are sure to need, and that nothing visible to them gives.

No outcome hangs on them: most machines have them. What is said depends on whose machine it is. On this one the PATH was
looked at; on another, compilers for C and C++, make and git are taken to be there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..build_needs.model import Strength
from ..evidence import Evidence
from ..finding import Confidence, Finding, Rule, Severity
from ..frontends.build_tools import BuildTool, build_tools
from ..frontends.model import Build, Simulation, Visible
from ..lazy_dataclass import dataclass
from ..prose import and_more
from .reporting import about_build, no_surer
from .wording import title

__all__ = ["AbsentTool", "about_absent_tool", "absent_tools"]


@dataclass(frozen=True, slots=True)
class AbsentTool:
    """A tool that nothing gives, the builds that need it, and the first line of each that asks for it.

    `looked` says that these builds run on this machine, whose PATH has none.
    """

    tool: BuildTool
    builds: tuple[Build, ...]
    evidence: tuple[Evidence, ...]
    looked: bool


def absent_tools(simulation: Simulation, names: Collection[str]) -> Iterator[AbsentTool]:
    """Those of the named tools that some build is sure to need and does not see, in the table's order."""
    looked = simulation.resolution.host == simulation.environment.platform.subdir
    windows = simulation.environment.platform.subdir.startswith("win-")
    for name, tool in build_tools().items():
        if name not in names or (tool.usual and (windows or not looked)):
            continue
        wanting = {build.project: (build, lines) for build in simulation.builds if (lines := _asks(build, name, tool))}
        if wanting:
            builds = tuple(build for build, _ in wanting.values())
            yield AbsentTool(tool, builds, tuple(lines[0] for _, lines in wanting.values() if lines[0]), looked)


def about_absent_tool(rule: Rule, simulation: Simulation, absent: AbsentTool) -> Finding:
    """What is said of one: a warning where this machine was looked at, a note of another machine."""
    tool = absent.tool
    who = and_more(title(build) for build in absent.builds)
    verb = "needs" if len(absent.builds) == 1 else "need"
    explanation = ["No conda package of this environment and none of its build requirements brings it."]
    if absent.looked:
        message = f"{who} {verb} {tool.name} to be built, and this machine's PATH has none"
    else:
        message = f"{who} {verb} {tool.name} to be built, which the machine has to have"
    if tool.conda:
        explanation.append(f"The conda package {tool.conda} gives it to every build.")
    severity, confidence = (Severity.WARNING, Confidence.MEDIUM) if absent.looked else (Severity.INFO, Confidence.LOW)
    found = about_build(
        rule, simulation, absent.builds[0], message, explanation, severity=severity, evidence=absent.evidence
    )
    return no_surer(found, confidence)


def _asks(build: Build, name: str, tool: BuildTool) -> tuple[Evidence | None, ...]:
    """The lines of a build that ask for a tool which it does not see; empty where it sees or does not need it."""
    needs, visible = build.subject.needs, build.phases[-1].visible if build.phases else None
    if needs is None or visible is None or _gives(visible, name, tool):
        return ()
    need = next((t for t in needs.tools if t.name == name and t.strength is Strength.HARD), None)
    return () if need is None else (need.evidence or (None,))


def _gives(visible: Visible, name: str, tool: BuildTool) -> bool:
    there = {*visible.projects, *visible.later}
    return name in visible.tools or any(project in there for project in tool.projects)

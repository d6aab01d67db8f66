"""The top of the report: what was looked at, and how the commands that the user types will end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...finding import Finding, Severity
from ...frontends.model import Outcome, Simulation
from ...prose import count
from ...report import Report
from ...side_by_side import Elsewhere
from ..shown_paths import shown_path
from .groups import Group, failing, fold
from .marks import MARKS
from .page import Page, glued
from .wording import commands, problem, scope, title, versions

__all__ = ["print_elsewhere", "print_heading", "print_verdicts"]

_NOTHING_RUN = "no package code was run"


def print_heading(page: Page, report: Report, groups: Sequence[Group]) -> None:
    """The file, what was simulated, and how much there is to build."""
    parts = [shown_path(report.path)]
    if len(groups) == 1:
        parts += [scope(groups[0]), versions(groups[0])]
    parts.append(f"as {report.frontend} {report.frontend_version}")
    if len(groups) == 1:
        parts.append(_size(groups[0]))
    if groups:
        parts.append(_NOTHING_RUN)
    if report.offline:
        parts.append("offline")
    page.paragraph((parts[0], "bold"), *((f" · {glued(part)}", "dim") for part in parts[1:] if part), hang=2)


def print_verdicts(page: Page, report: Report, groups: Sequence[Group]) -> None:
    """How each command ends, for each group of environments."""
    for group in groups:
        page.blank()
        indent = 0
        if len(groups) > 1:
            details = " · ".join(filter(None, (versions(group), _size(group))))
            page.paragraph((scope(group), "bold"), (f" · {details}" if details else "", "dim"), hang=2)
            indent = 2
        _print_outcomes(page, report, group[0], indent)


def print_elsewhere(page: Page, report: Report) -> None:
    """How the same input ends under each frontend, its own first."""
    own = Elsewhere(report.frontend, report.frontend_version, report.simulations)
    page.blank()
    page.line(("Under each frontend", "bold"))
    for one in (own, *report.elsewhere):
        for group in fold(one.simulations):
            where = f" · {scope(group)}" if len(report.simulations) > 1 else ""
            given = f" ({one.given})" if one.given else ""
            said = (f"{given}{where}", "dim")
            page.paragraph((f"{one.frontend} {one.frontend_version}", "bold"), said, indent=2, hang=2)
            _print_outcomes(page, replace(report, findings=()), group[0], 4)


def _print_outcomes(page: Page, report: Report, simulation: Simulation, indent: int) -> None:
    typed = commands(simulation)
    width = max(map(len, typed.values()))
    stopped = False
    for phase, outcome in sorted(simulation.outcomes.items(), key=lambda item: list(typed).index(item[0])):
        if stopped and outcome is Outcome.UNKNOWN:
            continue  # what would be installed after a lock that fails is not worth a line
        mark, style = MARKS[outcome]
        said = _said(report, simulation, phase, outcome, after_failure=stopped)
        command = typed[phase].ljust(width)
        page.paragraph((mark, style), " ", (glued(command), "bold"), "  ", said, indent=indent, hang=width + 4)
        stopped = stopped or outcome is Outcome.FAILS


def _said(report: Report, simulation: Simulation, phase: str, outcome: Outcome, *, after_failure: bool) -> str:
    if outcome is Outcome.OK:
        return "would pass after that" if after_failure else "passes"
    verb = {
        Outcome.FAILS: "would fail next" if after_failure else "fails",
        Outcome.AT_RISK: "may fail",
        Outcome.UNKNOWN: "is not known",
    }[outcome]
    builds = failing(simulation, phase)
    if not builds or phase in simulation.reasons:
        return f"{verb}: {_whole(report, simulation, phase)}"
    run = builds[0].phase(phase)
    why = problem(run) if run else ""
    said = f"{verb}: {title(builds[0])}{'' if outcome is Outcome.FAILS else ':'} {why}"
    return said + (f" (and {count(len(builds) - 1, 'more build')})" if len(builds) > 1 else "")


def _whole(report: Report, simulation: Simulation, phase: str) -> str:
    """Why an outcome is as it is where no build decides it: the finding about it, else the reason's first line."""
    environment = simulation.environment
    about = next((f for f in report.findings if _is_about(f, environment.name, environment.platform.name)), None)
    if about is not None:
        return about.message
    reason = simulation.reasons.get(phase, "").strip()
    return reason.splitlines()[0] if reason else "the reason is not known"


def _is_about(finding: Finding, environment: str, platform: str) -> bool:
    return finding.severity is Severity.ERROR and finding.environment == environment and platform in finding.platforms


def _size(group: Group) -> str:
    """How many projects there are, and how many of them are built: for the group, from the least to the most."""
    projects = sorted({len(s.resolution.distributions) for s in group})
    builds = sorted({len(s.builds) for s in group})
    if not projects or not projects[-1]:
        return ""
    noun = "project" if projects == [1] else "projects"
    return f"{_span(projects)} {noun} from PyPI, {_span(builds) if builds[-1] else 'none'} to build"


def _span(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if numbers[0] == numbers[-1] else f"{numbers[0]} to {numbers[-1]}"

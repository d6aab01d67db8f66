"""Each finding at its place in the user's file and in the package's."""

from __future__ import annotations

from collections.abc import Sequence

from ...finding import Finding, Severity
from ...frontends.model import Build
from ...report import Location, Report
from ..shown_paths import shown_location
from .needs import print_needs, worth_showing
from .page import Page

__all__ = ["STYLES", "print_findings"]

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}
LINES = 3
"""How many lines of a package's files are quoted for one finding."""


def print_findings(page: Page, report: Report, *, named: bool = False, verbose: bool = False) -> None:
    """All findings, worst first; `named` says for which environments. What was shown once is not shown again."""
    quoted: set[tuple[str, int]] = set()
    tabled: set[str] = set()
    for finding, where in _folded(report.findings):
        page.blank()
        _print_header(page, finding)
        location = report.locate(finding)
        _print_location(page, finding, location, where if named else "", quoted)
        page.paragraph(" ".join(finding.explanation), indent=2)
        build = _build(report, finding)
        needs = build.subject.needs if build else None
        if build is None or needs is None or finding.severity is not Severity.ERROR:
            _quote_package(page, finding)
            continue
        resolved = build.subject.build_environment
        if build.project not in tabled and _imports_decide(finding, build) and worth_showing(needs, resolved):
            tabled.add(build.project)
            page.blank()
            visible = build.phases[-1].visible
            print_needs(page, needs, resolved, tools=visible.tools if visible else {}, indent=4, verbose=verbose)
        else:
            _quote_package(page, finding)


def _folded(findings: Sequence[Finding]) -> list[tuple[Finding, str]]:
    """Equal findings of several environments as one, with the environments' names."""
    folded: dict[object, tuple[Finding, list[str]]] = {}
    for finding in findings:
        key = (finding.rule.code, finding.severity, finding.message, finding.explanation, finding.place)
        names = folded.setdefault(key, (finding, []))[1]
        if finding.environment and finding.environment not in names:
            names.append(finding.environment)
    return [(finding, ", ".join(names)) for finding, names in folded.values()]


def _print_header(page: Page, finding: Finding) -> None:
    style = STYLES[finding.severity]
    page.paragraph((f"{finding.severity.value}[{finding.rule.code}]", style), " ", (finding.message, "bold"), hang=2)


def _print_location(
    page: Page, finding: Finding, location: Location | None, where: str, quoted: set[tuple[str, int]]
) -> None:
    details = [finding.rule.name]
    if where:
        details.append(f"in {where}")
    if location is None:
        page.paragraph((" · ".join(details), "dim"), indent=2)
        return
    page.paragraph(shown_location(location), (" · " + " · ".join(details), "dim"), indent=2, hang=2)
    line = (location.file, location.start.line)
    if location.line and line not in quoted:
        quoted.add(line)
        start = location.start.column - 1
        same = location.end.line == location.start.line
        end = location.end.column - 1 if same else len(location.line)
        page.source(location.start.line, location.line, start, end, indent=2)


def _quote_package(page: Page, finding: Finding) -> None:
    """The package's lines that a finding rests on, unless its explanation names them."""
    said = " ".join(finding.explanation)
    lines = list(dict.fromkeys(finding.evidence))
    if not lines or any(str(e) in said for e in lines):
        return
    shown = [e for e in lines if e.text.strip()][:LINES]
    owner = f"{finding.project} " if finding.project else ""
    if not shown:
        page.paragraph(f"{owner}{', '.join(map(str, lines[:LINES]))}", indent=2)
    for evidence in shown:
        page.line(f"  {owner}{evidence}")
        page.source(evidence.line, evidence.text.strip(), 0, 0, indent=2)


def _build(report: Report, finding: Finding) -> Build | None:
    """The build that a finding is about: of a build requirement, where that one decides."""
    for simulation in report.simulations:
        if finding.environment in {"", simulation.environment.name} and (
            not finding.platforms or simulation.environment.platform.name in finding.platforms
        ):
            build = simulation.build(finding.project) if finding.project else None
            if build is not None:
                return build.decisive
    return None


def _imports_decide(finding: Finding, build: Build) -> bool:
    """Whether it is for an import that the build fails."""
    lines = set(finding.evidence)
    return any(m.kind == "import" and lines & set(m.evidence) for p in build.phases for m in p.missing)

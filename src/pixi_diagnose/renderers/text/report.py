"""The report for people: the verdict, the order of events, the findings at their places, the edit that passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ...evidence import Unknown
from ...finding import Plan, Severity
from ...frontends.model import Simulation
from ...prose import and_list, count
from ...report import Report
from ..shown_paths import shown_path
from .groups import fold, stands
from .page import Page, glued
from .plans import print_plan, print_recommendation
from .timeline import print_passing, print_reasons, print_timeline
from .verdict import print_elsewhere, print_heading, print_verdicts

__all__ = ["render", "render_plans", "render_verdict"]


def render(report: Report, *, width: int = 80, color: bool = False, verbose: bool = False, invocation: str = "") -> str:
    """The report of `check`. `invocation` is what follows the program's name in the commands it suggests (" PATH")."""
    page = Page(width, color=color)
    groups = fold(report.simulations)
    _print_top(page, report)
    for group in groups:
        if all(stands(simulation) for simulation in group):
            print_passing(page, group[0])
        elif group[0].builds:
            print_timeline(page, group, report.findings, named=len(groups) > 1, verbose=verbose)
            print_reasons(page, group[0])
    if report.findings:
        from .findings import print_findings

        print_findings(page, report, named=len(report.simulations) > 1, verbose=verbose)
    print_recommendation(page, report, invocation)
    _print_unchecked(page, report, verbose=verbose)
    _print_summary(page, report)
    return str(page)


def render_plans(
    report: Report,
    plans: Sequence[Plan],
    *,
    width: int = 80,
    color: bool = False,
    invocation: str = "",
    written: bool = False,
) -> str:
    """The report of `plan`: the verdict on the file as it was, then these tiers in full; `written` when one was."""
    page = Page(width, color=color)
    _print_top(page, report)
    if report.rejected:
        from .findings import print_findings

        print_findings(page, report)
    for plan in sorted(plans, key=lambda p: not p.recommended):
        print_plan(page, report, plan)
    page.blank()
    if written:
        chosen = next((p for p in plans if p.recommended), plans[0])
        files = [*([report.path] if chosen.edits else []), *(change.path for change in chosen.beside)]
        for file in files:
            page.paragraph(("✓", "green"), f" {shown_path(file)} is written")
    elif report.recommended is not None and report.recommended.diff:
        page.paragraph("Write it:  ", (glued(f"pixi-diagnose plan --write{invocation}"), "bold"), hang=2)
    elif not report.plans and not report.rejected:
        page.paragraph("Nothing has to be changed.")
    return str(page)


def render_verdict(report: Report, *, width: int = 80, color: bool = False) -> str:
    """How the commands end, and nothing else."""
    page = Page(width, color=color)
    _print_outcome(page, report)
    return str(page)


def _print_top(page: Page, report: Report) -> None:
    print_heading(page, report, fold(report.simulations))
    _print_outcome(page, report)


def _print_outcome(page: Page, report: Report) -> None:
    if report.rejected:
        page.blank()
        page.paragraph(("✗", "bold red"), f" {report.frontend} refuses this file, whatever is asked of it", hang=2)
    if report.elsewhere:
        print_elsewhere(page, report)
    else:
        print_verdicts(page, report, fold(report.simulations))


def _print_unchecked(page: Page, report: Report, *, verbose: bool) -> None:
    lines = [_sentence(u) for u in report.unknowns]
    if not report.unknowns and report.recommended is not None:
        lines += report.recommended.unchecked
    lines += _unread(report.simulations, verbose=verbose)
    if not lines:
        return
    page.blank()
    page.line(("Not checked", "bold"))
    for line in dict.fromkeys(lines):
        page.paragraph(line, indent=2, hang=2)


def _sentence(unknown: Unknown) -> str:
    named = bool(unknown.subject) and unknown.subject.split()[-1] in unknown.reason
    subject = f"{unknown.subject}: " if unknown.subject and not named else ""
    at = f" ({unknown.evidence[0]})" if unknown.evidence else ""
    return f"{subject}{unknown.reason}{at}"


def _unread(simulations: Iterable[Simulation], *, verbose: bool) -> list[str]:
    """Places in build scripts that could not be decided: their number, or each of them."""
    found: dict[str, list[Unknown]] = {}
    for simulation in simulations:
        for build in simulation.builds:
            needs = build.subject.needs
            unknowns = [build.subject.unknown] if build.subject.unknown else list(needs.unknowns if needs else ())
            if unknowns:
                found.setdefault(build.project, unknowns)
    if verbose:
        return [f"{project}: {_sentence(u)}" for project, unknowns in found.items() for u in unknowns]
    if not found:
        return []
    total = sum(map(len, found.values()))
    places, them = ("one place", "it") if total == 1 else (f"{total} places", "them")
    return [f"{places} in the build scripts of {and_list(sorted(found))} could not be decided (-v shows {them})"]


def _print_summary(page: Page, report: Report) -> None:
    page.blank()
    numbers = Counter(f.severity for f in report.findings)
    parts = [count(numbers[s], _NOUNS[s]) for s in Severity if numbers[s]]
    said = ", ".join(parts) if parts else "Nothing to report"
    took = f" in {report.seconds:.1f} s" if report.seconds else ""
    page.paragraph((f"{said}{took}", "bold"), *_next_step(report), hang=2)


def _next_step(report: Report) -> list[str]:
    codes = list(dict.fromkeys(f.rule.code for f in report.findings))
    return [" · ", glued(f"pixi-diagnose explain {codes[0]}"), " says more"] if codes else []


_NOUNS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}

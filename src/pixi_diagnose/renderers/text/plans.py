"""Plans: what to edit, what a simulation of the edited file gave, and what that costs."""

from __future__ import annotations

from ...finding import Plan
from ...report import Report
from ..shown_paths import shown_path
from .page import Page, glued
from .wording import COMMANDS, and_list

__all__ = ["print_plan", "print_recommendation"]


def print_recommendation(page: Page, report: Report, invocation: str) -> None:
    """The recommended plan as a diff with how to write it, or why there is none."""
    plan = report.recommended
    if plan is not None:
        page.blank()
        _print_passing(page, report, plan, "Recommended")
        page.paragraph("Write it:  ", (glued(f"pixi-diagnose plan --write{invocation}"), "bold"), indent=2, hang=2)
        return
    for failed in report.plans:
        page.blank()
        _print_failing(page, report, failed)


def print_plan(page: Page, report: Report, plan: Plan) -> None:
    """One tier in full."""
    page.blank()
    if plan.passes:
        _print_passing(page, report, plan, "Recommended" if plan.recommended else "Possible")
        rows = [("costs", sentence) for sentence in plan.trade_offs]
        rows += [("not checked", sentence) for sentence in plan.unchecked]
        page.labelled(rows, indent=2)
    else:
        _print_failing(page, report, plan)


def _print_passing(page: Page, report: Report, plan: Plan, label: str) -> None:
    commands = COMMANDS.get(report.frontend, {})
    page.paragraph(
        (label, "bold green"),
        f" (tier {plan.tier}, {plan.name}): with this edit, simulated, {and_list(commands.values())} pass.",
        hang=2,
    )
    page.blank()
    _print_diff(page, report, plan.diff)
    page.blank()
    for note in plan.notes:
        page.paragraph(note, indent=2)


def _print_failing(page: Page, report: Report, plan: Plan) -> None:
    """That there is no such plan, and why, unless a finding says so in the same words."""
    reason = next((line.strip() for line in plan.reason.splitlines() if line.strip()), "")
    known = any(reason in sentence for f in report.findings for sentence in f.explanation)
    why = "" if known or not reason else f": {reason}"
    page.paragraph(("No edit was found that passes", "bold yellow"), f" (tier {plan.tier}, {plan.name}){why}", hang=2)


def _print_diff(page: Page, report: Report, diff: str) -> None:
    for number, line in enumerate(diff.splitlines()):
        if number < 2:  # the two file names, as the user would write them
            page.line("  ", (f"{line[:4]}{shown_path(report.path)}", "bold"))
        elif line.startswith("@@"):
            page.line("  ", (line, "cyan"))
        else:
            page.line("  ", (line, {"+": "green", "-": "red"}.get(line[:1], "")))

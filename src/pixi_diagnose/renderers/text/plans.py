"""Plans: what to edit, what a simulation of the edited file gave, and what that costs."""

from __future__ import annotations

from collections.abc import Collection

from ...finding import Plan
from ...prose import and_list
from ...report import Report
from ..shown_paths import shown_path
from .page import Page, glued
from .wording import commands

__all__ = ["print_plan", "print_recommendation", "render_init"]


def print_recommendation(page: Page, report: Report, invocation: str) -> None:
    """The recommended plan as a diff with how to write it, or why there is none."""
    plan = report.recommended
    if plan is not None:
        page.blank()
        _print_passing(page, report, plan, "Recommended")
        if plan.diff:
            page.paragraph("Write it:  ", (glued(f"pixi-diagnose plan --write{invocation}"), "bold"), indent=2, hang=2)
        return
    for other in report.plans:
        page.blank()
        if other.hinges_on:
            _print_hinging(page, report, other)
        else:
            _print_failing(page, report, other)


def print_plan(page: Page, report: Report, plan: Plan) -> None:
    """One tier in full."""
    page.blank()
    if plan.passes or plan.hinges_on:
        if plan.passes:
            _print_passing(page, report, plan, "Recommended" if plan.recommended else "Possible")
        else:
            _print_hinging(page, report, plan)
        rows = [("costs", sentence) for sentence in plan.trade_offs]
        rows += [("not checked", sentence) for sentence in plan.unchecked]
        page.labelled(rows, indent=2)
    else:
        _print_failing(page, report, plan)


def _print_passing(page: Page, report: Report, plan: Plan, label: str) -> None:
    typed = dict.fromkeys(c for s in report.simulations for c in commands(s).values())
    page.paragraph(
        (label, "bold green"),
        f" (tier {plan.tier}, {plan.name}): {_with(plan)}, simulated, {and_list(typed)} pass.",
        hang=2,
    )
    _print_edit(page, report, plan)


def _print_hinging(page: Page, report: Report, plan: Plan) -> None:
    """A plan that passes if something holds that nobody could ask: it is written on request only."""
    page.paragraph(("Not sure", "bold yellow"), f" (tier {plan.tier}, {plan.name}): {plan.hinges_on}", hang=2)
    _print_edit(page, report, plan)


def _print_edit(page: Page, report: Report, plan: Plan) -> None:
    page.blank()
    if plan.diff:
        _print_diff(page, {report.path, *(change.path for change in plan.beside)}, plan.diff)
        page.blank()
    for note in plan.notes:
        page.paragraph(note, indent=2)
    if plan.commands:
        page.paragraph("Then run:" if len(plan.commands) == 1 else "Then run, in this order:", indent=2)
        for command in plan.commands:
            page.line("    ", (command, "bold"))


def _with(plan: Plan) -> str:
    if not plan.diff:
        return "run like this"
    return "with this edit, run like this" if plan.commands else "with this edit"


def _print_failing(page: Page, report: Report, plan: Plan) -> None:
    """That there is no such plan, and why, unless a finding says so in the same words."""
    reason = next((line.strip() for line in plan.reason.splitlines() if line.strip()), "")
    known = any(reason in sentence for f in report.findings for sentence in f.explanation)
    why = "" if known or not reason else f": {reason}"
    page.paragraph(("No edit was found that passes", "bold yellow"), f" (tier {plan.tier}, {plan.name}){why}", hang=2)


def render_init(path: str, diff: str, *, written: bool, width: int = 80, color: bool = False) -> str:
    """What `init` adds, and when to go another way."""
    page = Page(width, color=color)
    if not diff:
        page.paragraph(("✓", "green"), f" {shown_path(path)} has its diagnose environment")
        return str(page)
    _print_diff(page, {path}, diff)
    page.blank()
    if written:
        page.paragraph(("✓", "green"), f" {shown_path(path)} is written: ", (glued("pixi run diagnose"), "bold"))
    page.paragraph(
        "pixi locks every environment before it runs a task of any. While another one cannot be locked, use ",
        (glued("pixi diagnose"), "bold"),
        " instead: it runs the pixi-diagnose on your PATH, outside of the workspace. The package has to be on one of "
        "the workspace's channels: that was not checked.",
    )
    return str(page)


def _print_diff(page: Page, paths: Collection[str], diff: str) -> None:
    for line in diff.splitlines():
        if line[:4] in {"--- ", "+++ "} and line[4:] in paths:  # the file names, as the user would write them
            page.line("  ", (f"{line[:4]}{shown_path(line[4:])}", "bold"))
        elif line.startswith("@@"):
            page.line("  ", (line, "cyan"))
        else:
            page.line("  ", (line, {"+": "green", "-": "red"}.get(line[:1], "")))

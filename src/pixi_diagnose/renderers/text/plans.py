"""Plans: what to edit, what a simulation of the edited file gave, and what that costs."""

from __future__ import annotations

from collections.abc import Collection

from ...finding import Plan
from ...prose import and_list
from ...report import Report
from ..shown_paths import shown_path
from .page import Page, glued
from .wording import typed

__all__ = ["print_plan", "print_recommendation", "render_init"]

_MEANINGS = {
    "prebuilt": "no build at all",
    "declare": "the least edit",
    "hybrid": "what builds need from conda",
    "staged": "installed in steps",
}
"""What a tier is, for who has not read about tiers."""


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
            _print_failing(page, other, said=[s for f in report.findings for s in f.explanation])


def print_plan(page: Page, report: Report, plan: Plan) -> None:
    """One tier in full."""
    page.blank()
    if plan.passes or plan.hinges_on:
        if plan.passes:
            _print_passing(page, report, plan, "Recommended" if plan.recommended else "Possible")
        else:
            _print_hinging(page, report, plan)
        rows = [("costs", sentence) for sentence in plan.trade_offs]
        rows += [("not checked", sentence) for sentence in plan.unchecked if sentence != plan.hinges_on]
        page.labelled(rows, indent=2)
    else:
        _print_failing(page, plan)


def _print_passing(page: Page, report: Report, plan: Plan, label: str) -> None:
    without = f", without {'; '.join(plan.leaves_out)}" if plan.leaves_out else ""
    said = f" {_called(plan)}: {_promise(report, plan)} in the simulation{without}."
    page.paragraph((label, "bold green"), said, hang=2)
    _print_edit(page, report, plan)


def _print_hinging(page: Page, report: Report, plan: Plan) -> None:
    """A plan that passes if something holds that nobody could ask: it is written on request only."""
    said = f" {_called(plan)}: {_promise(report, plan, 'may pass')}. "
    page.paragraph(("Not sure", "bold yellow"), f"{said}{plan.hinges_on}", hang=2)
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


def _called(plan: Plan) -> str:
    return f"(tier {plan.tier}, {plan.name}: {_MEANINGS[plan.name]})"


def _promise(report: Report, plan: Plan, ending: str = "") -> str:
    """What passes with what: "with this edit, pixi lock and pixi install pass"."""
    whole = list(dict.fromkeys(command.partition(",")[0] for command in typed(report)))
    given = "run like this" if not plan.diff else "with this edit"
    given += ", run like this" if plan.diff and plan.commands else ""
    return f"{given}, {and_list(whole)} {ending or ('passes' if len(whole) == 1 else 'pass')}"


def _print_failing(page: Page, plan: Plan, *, said: Collection[str] = ()) -> None:
    """That there is no such plan, and why, unless that was `said` in the same words."""
    reason = next((line.strip() for line in plan.reason.splitlines() if line.strip()), "")
    known = any(reason in sentence for sentence in said)
    why = "" if known or not reason else f": {reason}"
    page.paragraph(("No edit was found that passes", "bold yellow"), f" {_called(plan)}{why}", hang=2)


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

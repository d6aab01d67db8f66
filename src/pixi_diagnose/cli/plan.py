"""`pixi-diagnose plan`: the tiers, each as a diff with its simulated result, and the writing of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import PixiDiagnoseError, UsageError
from .answers import answers, commented, invocation, write
from .options import asking, commenting, question, showing
from .output import FAILED, View, print_json, print_text, reporting_errors

if TYPE_CHECKING:
    from ..finding import Plan
    from ..report import Report

__all__ = ["plan"]


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=str))
@asking
@click.option("--tier", type=int, metavar="N", help="Only this tier.")
@click.option("--write", "writes", is_flag=True, help="Apply the recommended tier, or that of --tier, to the manifest.")
@click.option("--json", "as_json", is_flag=True, help="The document of `check --json`, with the plans.")
@commenting
@showing
def plan(path: str | None, tier: int | None, writes: bool, as_json: bool, **given: Any) -> int:
    """Show which edit of the manifest would pass, as a diff that was simulated. Nothing is written without --write."""
    view = View(given["color"], given["quiet"], given["verbose"])
    paths = (path,) if path else ()
    with reporting_errors("json" if as_json else "text"):
        asked = question(plans=True, every_tier=True, **given)
        answer = next(iter(answers(paths, asked, given["offline"], view)))
        if isinstance(answer, PixiDiagnoseError):
            raise answer
        answer = commented(answer, comments=given["comments"])
        plans = _wanted_plans(answer, tier)
        status = FAILED if answer.rejected else int(bool(answer.plans))
        chosen = next((p for p in plans if p.recommended or (tier is not None and (p.passes or p.hinges_on))), None)
        written = writes and chosen is not None
        if writes and chosen is not None:
            write(answer, chosen)
            status = 0
    if as_json:
        from ..renderers.json_report import check_document

        print_json(check_document(answer))
        return status
    from ..renderers.text.report import render_plans

    print_text(render_plans(answer, plans, invocation=invocation(paths), written=written, **view.for_text))
    return status


def _wanted_plans(report: Report, tier: int | None) -> tuple[Plan, ...]:
    plans = tuple(p for p in report.plans if tier is None or p.tier == tier)
    if tier is not None and report.plans and not plans:
        tried = ", ".join(str(p.tier) for p in report.plans)
        raise UsageError(f"there is no plan of tier {tier}", hint=f"tiers that were tried: {tried}")
    return plans

"""`pixi-diagnose check`: findings, in six formats, and with --fix what may be written without a second look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ..errors import PixiDiagnoseError
from .answers import Fixing, answers, invocation
from .options import asking, commenting, question, showing
from .output import FAILED, View, print_json, print_text, reported, reporting_errors

if TYPE_CHECKING:
    from ..report import Report

__all__ = ["check"]

FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=str), metavar="[PATH]...")
@asking
@click.option("--output-format", type=click.Choice(FORMATS), default="text", show_default=True, help="How to report.")
@click.option("--json", "as_json", is_flag=True, help="The same as --output-format json.")
@click.option("--fix", is_flag=True, help="Write what removes nothing and changes no version; name the rest.")
@click.option("--unsafe-fixes", is_flag=True, help="The same with all that the recommended plan changes.")
@click.option("--diff", "as_diff", is_flag=True, help="Show what --fix would write, and write nothing.")
@commenting
@showing
def check(paths: tuple[str, ...], output_format: str, as_json: bool, **given: Any) -> int:
    """Say which builds fail and why. PATH is a manifest or its folder; by default it is searched upward.

    Several PATHs are checked one after the other; with --json they give an array.
    """
    output_format = "json" if as_json else output_format
    view = View(given["color"], given["quiet"], given["verbose"])
    status = 0
    documents: list[object] = []
    with reporting_errors(output_format):
        fixing = _fixing(given)
        plans = bool(fixing) or (output_format in {"text", "json"} and not view.quiet)
        asked = question(plans=plans, **{**given, "fix": bool(fixing)})
        for number, answer in enumerate(answers(paths, asked, given["offline"], view, fixing)):
            if isinstance(answer, PixiDiagnoseError):
                status = FAILED
                documents.append(reported(answer))
                continue
            status = max(status, answer.exit_status)
            if output_format == "json":
                from ..renderers.json_report import check_document

                documents.append(check_document(answer))
            else:
                between = "\n" if number and output_format == "text" else ""
                print_text(between + _rendered(answer, output_format, view, paths))
    if output_format == "json":
        print_json(documents if len(paths) > 1 else documents[0])
    return status


def _fixing(given: dict[str, Any]) -> Fixing | None:
    wanted = given["fix"] or given["unsafe_fixes"] or given["as_diff"]
    return Fixing(given["unsafe_fixes"], given["as_diff"], given["comments"]) if wanted else None


def _rendered(report: Report, output_format: str, view: View, paths: Sequence[str]) -> str:
    if output_format != "text":
        from ..renderers import renderer

        return renderer(output_format)(report)
    from ..renderers.text.report import render, render_verdict

    if view.quiet:
        return render_verdict(report, **view.for_text)
    own = paths if len(paths) < 2 else (report.path,)
    return render(report, verbose=view.verbose, invocation=invocation(own), **view.for_text)

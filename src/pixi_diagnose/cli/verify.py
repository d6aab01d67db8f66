"""`pixi-diagnose verify`: the real hooks in a throwaway environment, predicted against observed."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..errors import UsageError
from .options import build_target, showing
from .output import View, print_json, print_text, progress, reporting_errors

__all__ = ["verify"]


@click.command()
@click.argument("what", metavar="WHAT")
@click.option("--yes", is_flag=True, help="Do not ask before package code is run.")
@click.option("--timeout", type=click.FloatRange(1), default=600, show_default=True, metavar="SECONDS", help="For all.")
@click.option("--wheel", is_flag=True, help="Build the wheel too, not only its metadata.")
@click.option("--install-heavy", is_flag=True, help="Install torch and the like instead of stand-ins.")
@click.option("--python", "python", metavar="VERSION", help="The Python to build with; by default this program's.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@showing
def verify(what: str, yes: bool, as_json: bool, python: str | None, **given: Any) -> int:
    """Run a project's real build hooks in a throwaway environment, and compare with what `inspect` predicts.

    WHAT is an sdist, a project's folder, or a requirement. Exit status: 0 they agree, 1 they differ, 2 it failed.
    """
    from ..frontends.machine import Machine
    from ..index.session import IndexSession
    from ..inspection import inspect_source
    from ..renderers.text.verification import render_verification, render_verification_plan
    from ..renderers.verification_json import verify_document
    from ..verify import plan_verification, verify_source

    view = View(given["color"], given["quiet"], given["verbose"])
    with reporting_errors("json" if as_json else "text"):
        if not yes and not sys.stdin.isatty():
            raise UsageError("verify runs package code, and there is nobody to ask", hint="allow it with --yes")
        target = build_target(python or f"{sys.version_info.major}.{sys.version_info.minor}", Machine.here().subdir)
        with IndexSession() as session:
            inspection = inspect_source(what, target, session)
            plan = plan_verification(
                what,
                inspection,
                target,
                seconds=given["timeout"],
                wheel=given["wheel"],
                install_heavy=given["install_heavy"],
            )
            if not (yes and view.quiet):
                click.echo(render_verification_plan(plan, **view.for_text), err=True, color=True)
            if not yes:
                click.confirm("Run it?", abort=True, err=True)
            with progress(shown=not view.quiet) as said:
                verification = verify_source(plan, inspection, target, session, said)
    if as_json:
        print_json(verify_document(verification))
    else:
        print_text(render_verification(verification, **view.for_text))
    return verification.exit_status

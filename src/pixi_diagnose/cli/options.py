"""Options that several commands have, and the question that they ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import UsageError

if TYPE_CHECKING:
    from ..build_needs.model import BuildTarget
    from ..question import Question

__all__ = ["asking", "build_target", "color", "commenting", "nearest_rule", "question", "showing"]

Command = TypeVar("Command", bound=Callable[..., Any])


def _codes(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Rule codes, prefixes and names, given one by one or with commas."""
    return tuple(code for value in values for code in value.replace(",", " ").split())


def _options(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several option decorators as one, in the order in which help lists them."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


asking = _options(
    click.option("-e", "--environment", "environments", multiple=True, metavar="NAME", help="Only this environment."),
    click.option("-p", "--platform", "platforms", multiple=True, metavar="PLATFORM", help="Only this platform."),
    click.option("--frontend", default="", metavar="NAME", help="pixi, uv, pip or all; the file suggests one."),
    click.option(
        "--frontend-version", default="", metavar="VERSION", help="Which version of it; by default the installed one."
    ),
    click.option("--python", default="", metavar="VERSION", help="Which Python, for uv and pip: 3.12 or 3.12.7."),
    click.option("--group", "groups", multiple=True, metavar="NAME", help="Also this dependency group (uv, pip)."),
    click.option("--extra", "extras", multiple=True, metavar="NAME", help="Also this extra of the project (uv, pip)."),
    click.option("--no-build-isolation", is_flag=True, help="As given to uv or pip: nothing is built isolated."),
    click.option(
        "--no-build-isolation-package",
        "no_build_isolation_packages",
        multiple=True,
        metavar="NAME",
        help="As given to uv: this project is not built isolated.",
    ),
    click.option("--select", multiple=True, metavar="RULE", callback=_codes, help="Only these: ISO101, ISO, a name."),
    click.option("--ignore", multiple=True, metavar="RULE", callback=_codes, help="All but these."),
    click.option("--offline", is_flag=True, help="Ask no index and no channel: what is cached has to do."),
)
"""What is asked of a manifest."""

COLORS = click.Choice(["auto", "always", "never"])
color = click.option("--color", type=COLORS, default="auto", help="Colours.")
showing = _options(
    click.option("--color", type=COLORS, default="auto", show_default=True, help="Colours."),
    click.option("-q", "--quiet", is_flag=True, help="Only the verdict; no progress."),
    click.option("-v", "--verbose", is_flag=True, help="Every build and every unknown."),
)
"""How the answer is shown."""

commenting = click.option(
    "--no-comments", "comments", flag_value=False, default=True, help="Write no comments beside new entries."
)


def question(*, plans: bool, every_tier: bool = False, fix: bool = False, **given: Any) -> Question:
    """The question that the options ask. Raises UsageError for a frontend or a rule that does not exist."""
    from ..diagnose import EVERY_FRONTEND, Question
    from ..manifest.invocation import FRONTEND_NAMES

    known = (*FRONTEND_NAMES, EVERY_FRONTEND)
    if given["frontend"] not in ("", *known):
        raise UsageError(f"there is no frontend '{given['frontend']}'", hint=f"known: {', '.join(known)}")
    for name in (*given["select"], *given["ignore"]):
        _check_rule(name)
    _check_version(given["frontend_version"])
    fields = (
        *("frontend", "frontend_version", "environments", "platforms", "select", "ignore"),
        *("python", "groups", "extras", "no_build_isolation", "no_build_isolation_packages"),
    )
    asked = {name: given[name] for name in fields}
    return Question(plans=plans, every_tier=every_tier, fix=fix, **asked)


def build_target(python: str, platform: str) -> BuildTarget:
    """For what is built. Raises UsageError for what is no Python version."""
    from ..build_needs.model import BuildTarget

    major, _, minor = python.partition(".")
    minor = minor.partition(".")[0]
    if not (major.isdecimal() and minor.isdecimal()):
        raise UsageError(f"'{python}' is no Python version", hint="write it as 3.12")
    return BuildTarget((int(major), int(minor)), platform)


def nearest_rule(name: str) -> str:
    """A hint for a name that no rule has."""
    import difflib

    from ..rules import LISTED

    known = {r.code: r for r in LISTED} | {r.name: r for r in LISTED}
    near = difflib.get_close_matches(name.upper(), known, 1) or difflib.get_close_matches(name.lower(), known, 1)
    every = "`pixi-diagnose explain` lists all"
    return f"did you mean {known[near[0]].code} ({known[near[0]].name})? {every}" if near else every


def _check_version(version: str) -> None:
    """Raise UsageError for what is no version."""
    if not version:
        return
    from packaging.version import InvalidVersion, Version

    try:
        Version(version)
    except InvalidVersion as error:
        raise UsageError(f"'{version}' is no version", hint="as in --frontend-version 0.50") from error


def _check_rule(name: str) -> None:
    """Raise UsageError for what is neither a rule's name nor a code's beginning: a typo must not silence a rule."""
    from ..rules import LISTED

    if not any(r.code.startswith(name) or r.name == name for r in LISTED):
        raise UsageError(f"no rule is called '{name}'", hint=nearest_rule(name))

"""The command line: arguments → diagnose → renderer → exit status. Heavy modules are imported where a command runs."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import __version__
from .errors import ManifestError, PixiDiagnoseError, UsageError

if TYPE_CHECKING:
    from .build_needs.model import BuildTarget
    from .finding import Plan
    from .inspection import Inspection
    from .question import Question
    from .report import Report

__all__ = ["main"]

FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab")
WIDEST = 120
"""Prose in longer lines is hard to read."""
HELP = 100
COLLECTED_AFTER = 50_000
"""Objects between two collections: a run is short, and Python's own 700 took a twentieth of a cold one."""
FAILED = 2
INTERRUPTED = 130

Answer = TypeVar("Answer")
Command = TypeVar("Command", bound=Callable[..., Any])


class _Program(click.Group):
    """The commands, with `check` where none is named, and errors as `error: …` and `hint: …` with exit status 2."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `check` in front of arguments that name no command."""
        own = {"--version", *self.get_help_option_names(ctx), *self.commands}
        if not (args and args[0] in own) and not (ctx.resilient_parsing and not args):
            args = ["check", *args]
        return super().parse_args(ctx, args)

    def main(  # type: ignore[override]  # click's own is an overload on standalone_mode
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run a command and exit with its status (1 where the reader of its output went away: click sees to that)."""
        given = sys.argv[1:] if args is None else list(args)
        status = FAILED
        gc.set_threshold(COLLECTED_AFTER)
        try:
            _tolerate_narrow_encodings()
            # the width is given because click would import shutil and its decompressors to find it
            settings = {"terminal_width": min(_columns(), HELP) - 2, **extra, "standalone_mode": False}
            status = super().main(given, prog_name or "pixi-diagnose", **settings) or 0
        except PixiDiagnoseError as error:
            _say_error(_placed(error), error.hint)
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            _say_error(error.format_message(), f"{context.command_path} --help" if context else "")
        except click.Abort:
            status = INTERRUPTED
        except Exception as error:  # noqa: BLE001  # the last resort: a fault of this program, said in one line
            if {"-v", "--verbose"} & set(given):
                import traceback

                traceback.print_exc()
            _say_error(
                f"this should not have happened: {type(error).__name__}: {error}",
                "please report it, with the traceback that -v shows and the manifest if you can",
            )
        sys.exit(status)


@click.group("pixi-diagnose", cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Say before anything runs which PyPI builds of a pixi workspace will fail, why, and which edit would pass.

    Without a command it is `check`: `pixi-diagnose`, `pixi-diagnose PATH`, `pixi-diagnose --json PATH`.
    No package code is executed. Exit status: 0 nothing found, 1 findings, 2 it could not be answered.
    """


# --- what commands have in common -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _View:
    """How to show things: colour, width, how much."""

    color: str = "auto"
    quiet: bool = False
    verbose: bool = False

    @property
    def is_colored(self) -> bool:
        from .settings import wants_color

        return wants_color(os.environ, option=self.color, terminal=sys.stdout.isatty())

    @property
    def width(self) -> int:
        return min(_columns(), WIDEST)

    @property
    def for_text(self) -> dict[str, Any]:
        return {"width": self.width, "color": self.is_colored}


def _columns() -> int:
    """The width of the terminal: COLUMNS, else what it says itself, else 80."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]  # see below
    except (AttributeError, ValueError, OSError):  # no stdout, a closed one, or one that is no terminal
        return 80


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


_asking = _options(
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
_showing = _options(
    click.option(
        "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True, help="Colours."
    ),
    click.option("-q", "--quiet", is_flag=True, help="Only the verdict; no progress."),
    click.option("-v", "--verbose", is_flag=True, help="Every build and every unknown."),
)
_commenting = click.option(
    "--no-comments", "comments", flag_value=False, default=True, help="Write no comments beside new entries."
)
_paths = click.argument("paths", nargs=-1, type=click.Path(path_type=str), metavar="[PATH]...")


def _question(*, plans: bool, every_tier: bool = False, fix: bool = False, **given: Any) -> Question:
    """The question that the options ask. Raises UsageError for a frontend or a rule that does not exist."""
    from .diagnose import EVERY_FRONTEND, Question
    from .manifest.invocation import FRONTEND_NAMES

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


def _check_version(version: str) -> None:
    """Raise UsageError for what is no version."""
    from packaging.version import InvalidVersion, Version

    try:
        Version(version or "0")
    except InvalidVersion as error:
        raise UsageError(f"'{version}' is no version", hint="as in --frontend-version 0.50") from error


def _check_rule(name: str) -> None:
    """Raise UsageError for what is neither a rule's name nor a code's beginning: a typo must not silence a rule."""
    from .rules import LISTED

    if not any(r.code.startswith(name) or r.name == name for r in LISTED):
        raise UsageError(f"no rule is called '{name}'", hint=_nearest_rule(name))


def _nearest_rule(name: str) -> str:
    import difflib

    from .rules import LISTED

    known = {r.code: r for r in LISTED} | {r.name: r for r in LISTED}
    near = difflib.get_close_matches(name.upper(), known, 1) or difflib.get_close_matches(name.lower(), known, 1)
    every = "`pixi-diagnose explain` lists all"
    return f"did you mean {known[near[0]].code} ({known[near[0]].name})? {every}" if near else every


def _check_path(path: str) -> None:
    """Raise UsageError for a path that does not exist, which may be a command with a slip in it."""
    if Path(path).exists():
        return
    import difflib

    if path in main.commands:
        hint = f"options come after the command: pixi-diagnose {path} …"
    elif near := difflib.get_close_matches(path, main.commands, 1):
        hint = f"did you mean the command {near[0]}?"
    else:
        hint = "name a manifest or its folder"
    raise UsageError(f"there is no file or folder {path}", hint=hint)


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[str], None]]:
    """Says on a terminal's stderr what is being done, and leaves no trace of it."""
    if not (shown and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    from .renderers.foreign_text import printable
    from .settings import wants_color

    color = wants_color(os.environ, terminal=True)
    with Console(stderr=True, no_color=not color).status("") as status:
        yield lambda message: status.update(Text(printable(message)))


def _print(text: str) -> None:
    """To stdout, as it is: colours were decided when it was made."""
    if text:
        click.echo(text, nl=not text.endswith("\n"), color=True)


def _say_error(message: str, hint: str = "") -> None:
    from .renderers.foreign_text import printable, without_credentials
    from .settings import wants_color

    color = wants_color(os.environ, terminal=sys.stderr.isatty())
    for label, style, text in (("error:", "red", message), ("hint:", "cyan", hint)):
        if text:
            start = click.style(label, fg=style, bold=True) if color else label
            click.echo(f"{start} {printable(without_credentials(text))}", err=True, color=color)


def _placed(error: PixiDiagnoseError) -> str:
    if not isinstance(error, ManifestError):
        return error.message
    place = "".join(f":{number}" for number in (error.line, error.column) if number is not None)
    return f"{error.path}{place}: {error.message}"


def _tolerate_narrow_encodings() -> None:
    """A terminal that has no ✓ shows a ? for it, and no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


# --- check and plan ---------------------------------------------------------------------------------------------------


@main.command()
@_paths
@_asking
@click.option("--output-format", type=click.Choice(FORMATS), default="text", show_default=True, help="How to report.")
@click.option("--json", "as_json", is_flag=True, help="The same as --output-format json.")
@click.option("--fix", is_flag=True, help="Write what removes nothing and changes no version; name the rest.")
@click.option("--unsafe-fixes", is_flag=True, help="The same with all that the recommended plan changes.")
@click.option("--diff", "as_diff", is_flag=True, help="Show what --fix would write, and write nothing.")
@_commenting
@_showing
def check(paths: tuple[str, ...], output_format: str, as_json: bool, **given: Any) -> int:
    """Say which builds fail and why. PATH is a manifest or its folder; by default it is searched upward.

    Several PATHs are checked one after the other; with --json they give an array.
    """
    output_format = "json" if as_json else output_format
    view = _View(given["color"], given["quiet"], given["verbose"])
    status = 0
    documents: list[object] = []
    with _reporting_errors(output_format):
        fixing = _Fixing.of(given)
        plans = bool(fixing) or (output_format in {"text", "json"} and not view.quiet)
        question = _question(plans=plans, **{**given, "fix": bool(fixing)})
        for number, answer in enumerate(_answers(paths, question, given["offline"], view, fixing)):
            if isinstance(answer, PixiDiagnoseError):
                status = FAILED
                documents.append(_reported(answer))
                continue
            status = max(status, answer.exit_status)
            if output_format == "json":
                documents.append(_check_document(answer))
            else:
                _print(
                    ("\n" if number and output_format == "text" else "") + _rendered(answer, output_format, view, paths)
                )
    if output_format == "json":
        _print_json(documents if len(paths) > 1 else documents[0])
    return status


@main.command()
@click.argument("path", required=False, type=click.Path(path_type=str))
@_asking
@click.option("--tier", type=int, metavar="N", help="Only this tier.")
@click.option("--write", is_flag=True, help="Apply the recommended tier, or that of --tier, to the manifest.")
@click.option("--json", "as_json", is_flag=True, help="The document of `check --json`, with the plans.")
@_commenting
@_showing
def plan(path: str | None, tier: int | None, write: bool, as_json: bool, **given: Any) -> int:
    """Show which edit of the manifest would pass, as a diff that was simulated. Nothing is written without --write."""
    view = _View(given["color"], given["quiet"], given["verbose"])
    paths = (path,) if path else ()
    with _reporting_errors("json" if as_json else "text"):
        question = _question(plans=True, every_tier=True, **given)
        answer = next(iter(_answers(paths, question, given["offline"], view)))
        if isinstance(answer, PixiDiagnoseError):
            raise answer
        answer = _commented(answer, comments=given["comments"])
        plans = _wanted_plans(answer, tier)
        status = FAILED if answer.rejected else int(bool(answer.plans))
        chosen = next((p for p in plans if p.recommended or (tier is not None and (p.passes or p.hinges_on))), None)
        written = write and chosen is not None
        if write and chosen is not None:
            _write(answer, chosen)
            status = 0
    if as_json:
        _print_json(_check_document(answer))
        return status
    from .renderers.text.report import render_plans

    said = render_plans(answer, plans, invocation=_invocation(paths), written=written, **view.for_text)
    _print(said)
    return status


@dataclass(frozen=True, slots=True)
class _Fixing:
    """What `check --fix` may do: `unsafe` allows all of the recommended plan, `shown` only shows it."""

    unsafe: bool
    shown: bool
    comments: bool

    @classmethod
    def of(cls, given: dict[str, Any]) -> _Fixing | None:
        wanted = given["fix"] or given["unsafe_fixes"] or given["as_diff"]
        return cls(given["unsafe_fixes"], given["as_diff"], given["comments"]) if wanted else None

    def apply(self, report: Report) -> bool:
        """Write or show what is allowed, and say on stderr what was done and what else would help: whether it wrote."""
        from .renderers.foreign_text import printable

        report = _commented(report, comments=self.comments)
        best = report.recommended
        chosen = best if self.unsafe else report.fix
        left = [n for n in best.notes if chosen is None or n not in chosen.notes] if best and not self.unsafe else []
        if chosen is not None and self.shown:
            _print(chosen.diff)
        elif chosen is not None:
            _write(report, chosen)
            for note in chosen.notes:
                click.echo(printable(f"fixed: {note}"), err=True)
        for note in left:
            click.echo(printable(f"not applied without --unsafe-fixes: {note}"), err=True)
        return chosen is not None and not self.shown


def _commented(report: Report, *, comments: bool) -> Report:
    """The report as it is, or with plans that write no comments."""
    if comments:
        return report
    from dataclasses import replace

    from .plan import without_comments

    document = report.documents[report.path]
    fix = without_comments(report.fix, document) if report.fix else None
    return replace(report, plans=tuple(without_comments(p, document) for p in report.plans), fix=fix)


def _answers(
    paths: Sequence[str], question: Question, offline: bool, view: _View, fixing: _Fixing | None = None
) -> Iterator[Report | PixiDiagnoseError]:
    """The report on each path, or why there is none; with `fixing`, on what was left of it."""
    from .diagnose import diagnose
    from .index.session import IndexSession

    with IndexSession(offline=offline) as session:
        for path in paths or (None,):
            try:
                if path is not None:
                    _check_path(path)
                with _progress(shown=not view.quiet) as progress:
                    answer: Report | PixiDiagnoseError = diagnose(path, question, session, progress=progress)
                    if fixing is not None and not isinstance(answer, PixiDiagnoseError) and fixing.apply(answer):
                        answer = diagnose(path, question, session, progress=progress)
            except PixiDiagnoseError as error:
                answer = error
            yield answer


def _rendered(report: Report, output_format: str, view: _View, paths: Sequence[str]) -> str:
    if output_format != "text":
        from .renderers import renderer

        return renderer(output_format)(report)
    from .renderers.text.report import render, render_verdict

    if view.quiet:
        return render_verdict(report, **view.for_text)
    own = paths if len(paths) < 2 else (report.path,)
    return render(report, verbose=view.verbose, invocation=_invocation(own), **view.for_text)


def _invocation(paths: Sequence[str]) -> str:
    """What follows the program's name in commands that it suggests."""
    import shlex

    return "".join(f" {shlex.quote(path)}" for path in paths)


def _wanted_plans(report: Report, tier: int | None) -> tuple[Plan, ...]:
    plans = tuple(p for p in report.plans if tier is None or p.tier == tier)
    if tier is not None and report.plans and not plans:
        tried = ", ".join(str(p.tier) for p in report.plans)
        raise UsageError(f"there is no plan of tier {tier}", hint=f"tiers that were tried: {tried}")
    return plans


def _write(report: Report, plan: Plan) -> None:
    """Write a plan's text. Raises UsageError where the file is no longer what was simulated, or cannot be written."""
    from .writing import Rewrite, rewrite

    rewrite({report.path: Rewrite(report.documents[report.path].text, plan.text)})


# --- init -------------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("path", required=False, type=click.Path(path_type=str))
@click.option("--check", "only_shown", is_flag=True, help="Write nothing; exit status 1 if there is a diff.")
@_commenting
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours.")
def init(path: str | None, only_shown: bool, comments: bool, color: str) -> int:
    """Add an environment and a task `diagnose` to a pixi manifest, so that `pixi run diagnose` works in it.

    pixi locks all environments before it runs a task of any: while another one cannot be locked, use `pixi diagnose`
    instead, which runs this program from your PATH.
    """
    from .document import unified_diff
    from .document.opening import open_document
    from .manifest import find_manifest, read_manifest
    from .plan.own_environment import own_environment
    from .renderers.text.plans import render_init
    from .writing import Rewrite, rewrite

    file = find_manifest(Path(path or "."), os.environ)
    document = open_document(file.read_bytes().decode("utf-8"), str(file))
    if read_manifest(document.text, str(file)).dialect != "pixi":
        raise UsageError(f"{file} is no pixi manifest", hint="init adds a pixi environment; other tools need none")
    text = document.apply(own_environment(document, comments=comments))
    diff = unified_diff(document.text, text, str(file))
    if diff and not only_shown:
        rewrite({str(file): Rewrite(document.text, text)})
    _print(render_init(str(file), diff, written=not only_shown, **_View(color).for_text))
    return int(bool(diff) and only_shown)


# --- inspect ----------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("whats", nargs=-1, required=True, metavar="WHAT...")
@click.option(
    "--python", "python", metavar="VERSION", default="3.11", show_default=True, help="The Python to build for."
)
@click.option("-p", "--platform", default="linux-64", show_default=True, help="The conda platform to build for.")
@click.option("--offline", is_flag=True, help="Ask no index: what is cached has to do.")
@click.option("--json", "as_json", is_flag=True, help="As JSON; several WHATs give an array.")
@_showing
def inspect(whats: tuple[str, ...], python: str, platform: str, offline: bool, as_json: bool, **given: Any) -> int:
    """Show what a build needs. WHAT is an sdist, a project's folder, or a requirement such as flash-attn==2.7.4."""
    from .index.session import IndexSession
    from .inspection import inspect_source

    view = _View(given["color"], given["quiet"], given["verbose"])
    status = 0
    documents: list[object] = []
    with _reporting_errors("json" if as_json else "text"):
        target = _build_target(python, platform)
        with IndexSession(offline=offline) as session, _progress(shown=not view.quiet) as progress:
            progress(f"reading {', '.join(whats)}")
            answers = _each(whats, lambda what: inspect_source(what, target, session))
        for number, answer in enumerate(answers):
            if isinstance(answer, PixiDiagnoseError):
                status = FAILED
                documents.append(_reported(answer))
            elif as_json:
                documents.append(_inspect_document(answer))
            else:
                _print(("\n" if number else "") + _card(answer, view))
    if as_json:
        _print_json(documents if len(whats) > 1 else documents[0])
    return status


def _each(whats: Sequence[str], answer: Callable[[str], Answer]) -> list[Answer | PixiDiagnoseError]:
    """The answers in their order, or the errors that stand for them; several are asked for side by side."""

    def attempt(what: str) -> Answer | PixiDiagnoseError:
        try:
            return answer(what)
        except PixiDiagnoseError as error:
            return error

    if len(whats) == 1:
        return [attempt(whats[0])]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(8, len(whats))) as pool:
        return list(pool.map(attempt, whats))


def _inspect_document(inspection: Inspection) -> object:
    from .renderers.inspection_json import inspect_document

    return inspect_document(inspection)


def _card(inspection: Inspection, view: _View) -> str:
    from .renderers.text.inspection import render_inspection

    return render_inspection(inspection, verbose=view.verbose, brief=view.quiet, **view.for_text)


def _build_target(python: str, platform: str) -> BuildTarget:
    from .build_needs.model import BuildTarget

    major, _, minor = python.partition(".")
    minor = minor.partition(".")[0]
    if not (major.isdecimal() and minor.isdecimal()):
        raise UsageError(f"'{python}' is no Python version", hint="write it as 3.12")
    return BuildTarget((int(major), int(minor)), platform)


# --- verify -----------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("what", metavar="WHAT")
@click.option("--yes", is_flag=True, help="Do not ask before package code is run.")
@click.option("--timeout", type=click.FloatRange(1), default=600, show_default=True, metavar="SECONDS", help="For all.")
@click.option("--wheel", is_flag=True, help="Build the wheel too, not only its metadata.")
@click.option("--install-heavy", is_flag=True, help="Install torch and the like instead of stand-ins.")
@click.option("--python", "python", metavar="VERSION", help="The Python to build with; by default this program's.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_showing
def verify(what: str, yes: bool, as_json: bool, python: str | None, **given: Any) -> int:
    """Run a project's real build hooks in a throwaway environment, and compare with what `inspect` predicts.

    WHAT is an sdist, a project's folder, or a requirement. Exit status: 0 they agree, 1 they differ, 2 it failed.
    """
    from .frontends.machine import Machine
    from .index.session import IndexSession
    from .inspection import inspect_source
    from .renderers.text.verification import render_verification, render_verification_plan
    from .renderers.verification_json import verify_document
    from .verify import plan_verification, verify_source

    view = _View(given["color"], given["quiet"], given["verbose"])
    with _reporting_errors("json" if as_json else "text"):
        if not yes and not sys.stdin.isatty():
            raise UsageError("verify runs package code, and there is nobody to ask", hint="allow it with --yes")
        target = _build_target(python or f"{sys.version_info.major}.{sys.version_info.minor}", Machine.here().subdir)
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
            with _progress(shown=not view.quiet) as progress:
                verification = verify_source(plan, inspection, target, session, progress)
    if as_json:
        _print_json(verify_document(verification))
    else:
        _print(render_verification(verification, **view.for_text))
    return verification.exit_status


# --- explain ----------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("code", required=False)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours.")
def explain(code: str | None, color: str) -> None:
    """Print a rule's page: what it finds, why it breaks, an example, what to use instead. Without CODE: all rules."""
    from .rules import LISTED, listed

    view = _View(color)
    if code is None:
        from .renderers.text.rules import render_rules

        _print(render_rules(LISTED, **view.for_text))
        return
    rule = listed(code)
    if rule is None:
        raise UsageError(f"no rule is called '{code}'", hint=_nearest_rule(code))
    if not (view.is_colored or sys.stdout.isatty()):
        _print(rule.page.strip())
        return
    from .renderers.text.markdown import render_markdown

    _print(render_markdown(rule.page, **view.for_text))


# --- JSON -------------------------------------------------------------------------------------------------------------


def _check_document(report: Report) -> object:
    from .renderers.json_report import check_document

    return check_document(report)


def _print_json(document: object) -> None:
    from .renderers.json_parts import dumps

    _print(dumps(document))


def _reported(error: PixiDiagnoseError) -> object:
    """Say one of several errors on stderr, and give what stands for it in a JSON array."""
    from .renderers.json_parts import error_document

    _say_error(_placed(error), error.hint)
    return error_document(error)


@contextlib.contextmanager
def _reporting_errors(output_format: str) -> Iterator[None]:
    """With JSON an error is a document on stdout too."""
    try:
        yield
    except PixiDiagnoseError as error:
        if output_format == "json":
            from .renderers.json_parts import error_document

            _print_json(error_document(error))
        raise

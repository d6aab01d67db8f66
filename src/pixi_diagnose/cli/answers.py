"""What `check` and `plan` share: the reports on the named manifests, and the writing of what they propose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from ..errors import PixiDiagnoseError, UsageError
from ..lazy_dataclass import dataclass
from .output import View, print_text, progress

if TYPE_CHECKING:
    from ..finding import Plan
    from ..question import Question
    from ..report import Report

__all__ = ["Fixing", "answers", "commented", "invocation", "write"]


@dataclass(frozen=True, slots=True)
class Fixing:
    """What `check --fix` may do: `unsafe` allows all of the recommended plan, `shown` only shows it."""

    unsafe: bool
    shown: bool
    comments: bool

    def apply(self, report: Report) -> bool:
        """Write or show what is allowed, and say on stderr what was done and what else would help: whether it wrote."""
        from ..renderers.foreign_text import printable

        report = commented(report, comments=self.comments)
        best = report.recommended
        chosen = best if self.unsafe else report.fix
        left = [n for n in best.notes if chosen is None or n not in chosen.notes] if best and not self.unsafe else []
        if chosen is not None and self.shown:
            print_text(chosen.diff)
        elif chosen is not None:
            write(report, chosen)
            for note in chosen.notes:
                click.echo(printable(f"fixed: {note}"), err=True)
        for note in left:
            click.echo(printable(f"not applied without --unsafe-fixes: {note}"), err=True)
        return chosen is not None and not self.shown


def answers(
    paths: Sequence[str], question: Question, offline: bool, view: View, fixing: Fixing | None = None
) -> Iterator[Report | PixiDiagnoseError]:
    """The report on each path, or why there is none; with `fixing`, on what was left of it."""
    from ..diagnose import diagnose
    from ..index.session import IndexSession

    with IndexSession(offline=offline) as session:
        for path in paths or (None,):
            try:
                if path is not None:
                    _check_path(path)
                with progress(shown=not view.quiet) as said:
                    answer: Report | PixiDiagnoseError = diagnose(path, question, session, progress=said)
                    if fixing is not None and not isinstance(answer, PixiDiagnoseError) and fixing.apply(answer):
                        answer = diagnose(path, question, session, progress=said)
            except PixiDiagnoseError as error:
                answer = error
            yield answer


def commented(report: Report, *, comments: bool) -> Report:
    """The report as it is, or with plans that write no comments."""
    if comments:
        return report
    from dataclasses import replace

    from ..plan import without_comments

    documents = report.documents
    fix = without_comments(report.fix, documents) if report.fix else None
    return replace(report, plans=tuple(without_comments(p, documents) for p in report.plans), fix=fix)


def write(report: Report, plan: Plan) -> None:
    """Write a plan's texts. Raises UsageError where a file is no longer what was simulated, or cannot be written."""
    from ..writing import Rewrite, rewrite

    own = {report.path: Rewrite(report.documents[report.path].text, plan.text)} if plan.edits else {}
    rewrite({**own, **{change.path: Rewrite(change.old, change.text) for change in plan.beside}})


def invocation(paths: Sequence[str]) -> str:
    """What follows the program's name in commands that it suggests."""
    import shlex

    return "".join(f" {shlex.quote(path)}" for path in paths)


def _check_path(path: str) -> None:
    """Raise UsageError for a path that does not exist, which may be a command with a slip in it."""
    from pathlib import Path

    if Path(path).exists():
        return
    import difflib

    from . import COMMANDS

    if path in COMMANDS:
        hint = f"options come after the command: pixi-diagnose {path} …"
    elif near := difflib.get_close_matches(path, COMMANDS, 1):
        hint = f"did you mean the command {near[0]}?"
    else:
        hint = "name a manifest or its folder"
    raise UsageError(f"there is no file or folder {path}", hint=hint)

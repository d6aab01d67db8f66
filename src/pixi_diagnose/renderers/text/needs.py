"""What a build imports, and who gives that to an isolated build."""

from __future__ import annotations

from collections.abc import Sequence

from ...build_needs.model import BuildNeeds, ImportNeed, Strength
from ...index.model import PypiResolution
from ..build_requirements import Provision, provisions
from .page import Content, Page

__all__ = ["print_needs", "worth_showing"]

_GIVERS = {
    "declared": "declared",
    "hook": "its hook's answer",
    "setuptools": "setuptools' own copy",
    "brought": "comes with what is declared",
}
ROWS = 8


def worth_showing(needs: BuildNeeds, resolved: PypiResolution | None) -> bool:
    """Whether somebody else than its declaration has to give a build something."""
    return any(by != "declared" for _, by in provisions(needs, resolved))


def print_needs(
    page: Page, needs: BuildNeeds, resolved: PypiResolution | None, *, indent: int = 2, verbose: bool = False
) -> None:
    """The table: import, when it is needed, where, and who gives it. Long ones leave out what is declared."""
    rows = list(provisions(needs, resolved))
    left_out = 0
    if len(rows) > ROWS and not verbose:
        shown = [row for row in rows if row[1] != "declared"]
        left_out, rows = len(rows) - len(shown), shown
    page.paragraph(("What the build imports, and who gives that to an isolated build", "dim"), indent=indent)
    header = [("import", "dim"), ("needed for", "dim"), ("line", "dim"), ("given by", "dim")]
    page.columns([header, *map(_row, _together(rows))], indent=indent)
    if left_out:
        page.line(" " * indent, (f"and {left_out} more that it declares", "dim"))


def _together(rows: Sequence[Provision]) -> list[Provision]:
    """One row for each imported module: the first, which decides."""
    first: dict[str, Provision] = {}
    for need, by in rows:
        first.setdefault(need.import_name, (need, by))
    return list(first.values())


def _row(row: Provision) -> list[Content]:
    need, by = row
    giver: Content
    if by is not None:
        giver = _GIVERS.get(by, by)
    elif need.strength is Strength.HARD:
        giver = ("nobody", "bold red")
    else:
        giver = f"nobody; {_without(need)}"
    return [need.import_name, need.phase.value, str(need.evidence[0]) if need.evidence else "", giver]


def _without(need: ImportNeed) -> str:
    if need.strength is Strength.GUARDED:
        return "it goes on without"
    return f"needed if {need.condition}" if need.condition else "it may be needed"

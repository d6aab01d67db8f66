"""The table of what a build imports, when, where, and who gives that to an isolated build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...build_needs.model import ImportNeed, Strength, ToolNeed
from ...evidence import Evidence
from .page import Content, Page

__all__ = ["GIVERS", "Row", "print_needs_table", "without"]

Row = tuple[ImportNeed, str | None]
"""An import and who gives it, None for nobody."""

GIVERS = {
    "declared": "declared",
    "hook": "its hook's answer",
    "setuptools": "setuptools' own copy",
    "brought": "comes with what is declared",
}
ROWS = 8


def print_needs_table(
    page: Page,
    rows: Sequence[Row],
    others: Sequence[Sequence[Content]] = (),
    *,
    gone: Mapping[Evidence, str] | None = None,
    indent: int = 2,
    verbose: bool = False,
) -> None:
    """What, when it is needed, where, and who gives it; in long tables what is declared is only counted.

    `others` are rows of the same columns that are no imports; `gone` says by the line of an import why what gives it no
    longer does.
    """
    left_out = 0
    if len(rows) > ROWS and not verbose:
        shown = [row for row in rows if row[1] != "declared"]
        left_out, rows = len(rows) - len(shown), shown
    page.paragraph(("What the build needs, and who gives that to an isolated build", "dim"), indent=indent)
    header = [("needed", "dim"), ("for its", "dim"), ("line", "dim"), ("given by", "dim")]
    cells = [_cells(row, gone or {}) for row in _together(rows)]
    page.columns([header, *cells, *others], indent=indent)
    if left_out:
        page.line(" " * indent, (f"and {left_out} more that it declares", "dim"))


def without(need: ImportNeed | ToolNeed) -> str:
    """What happens where nobody gives something that is not needed always."""
    if need.strength is Strength.GUARDED:
        return "it goes on without"
    return f"needed if {need.condition}" if need.condition else "it may be needed"


def _together(rows: Sequence[Row]) -> list[Row]:
    """One row for each imported module: the first, which decides."""
    first: dict[str, Row] = {}
    for need, by in rows:
        first.setdefault(need.import_name, (need, by))
    return list(first.values())


def _cells(row: Row, gone: Mapping[Evidence, str]) -> list[Content]:
    need, by = row
    giver: Content
    lost = next((gone[e] for e in need.evidence if e in gone), "")
    if lost:
        giver = (lost, "bold red")
    elif by is not None:
        giver = GIVERS.get(by, by)
    elif need.strength is Strength.HARD:
        giver = ("nobody", "bold red")
    else:
        giver = f"nobody; {without(need)}"
    return [need.import_name, need.phase.value, str(need.evidence[0]) if need.evidence else "", giver]

"""What a build needs, imports and tools, and who gives that to an isolated build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...build_needs.model import BuildNeeds, ImportNeed, Strength, ToolNeed
from ...frontends.visibility import JUDGED_TOOLS, requirement_names
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
    page: Page,
    needs: BuildNeeds,
    resolved: PypiResolution | None,
    *,
    tools: Mapping[str, str] | None = None,
    indent: int = 2,
    verbose: bool = False,
) -> None:
    """The table: what, when it is needed, where, and who gives it.

    What the build goes on without is left out where `tools` are given (for a build that fails), and in long tables what
    is declared.

    `tools` says what gives the visible tools; without it they are left out.
    """
    rows = list(provisions(needs, resolved))
    if tools is not None and not verbose:
        rows = [row for row in rows if row[0].strength is not Strength.GUARDED]
    left_out = 0
    if len(rows) > ROWS and not verbose:
        shown = [row for row in rows if row[1] != "declared"]
        left_out, rows = len(rows) - len(shown), shown
    page.paragraph(("What the build needs, and who gives that to an isolated build", "dim"), indent=indent)
    header = [("needed", "dim"), ("for its", "dim"), ("line", "dim"), ("given by", "dim")]
    others = [] if tools is None else [*_asked_for(needs), *_tools(needs, tools)]
    page.columns([header, *map(_row, _together(rows)), *others], indent=indent)
    if left_out:
        page.line(" " * indent, (f"and {left_out} more that it declares", "dim"))


def _together(rows: Sequence[Provision]) -> list[Provision]:
    """One row for each imported module: the first, which decides."""
    first: dict[str, Provision] = {}
    for need, by in rows:
        first.setdefault(need.import_name, (need, by))
    return list(first.values())


def _asked_for(needs: BuildNeeds) -> Iterator[list[Content]]:
    """What the hook asks for and no import shows: used by what is imported, as ninja by torch's extensions."""
    imported = {p for n in needs.imports for p in n.projects}
    evidence = str(needs.hook_evidence[0]) if needs.hook_evidence else ""
    for name in sorted(requirement_names(needs.hook_requirements) - imported):
        yield [name, "wheel", evidence, _GIVERS["hook"]]


def _tools(needs: BuildNeeds, tools: Mapping[str, str]) -> Iterator[list[Content]]:
    """The tools that are judged, each once: where it is first needed, and what gives it."""
    seen: set[str] = set()
    for tool in needs.tools:
        if tool.name in JUDGED_TOOLS and tool.name not in seen:
            seen.add(tool.name)
            giver: Content = tools.get(tool.name) or _nobody(tool)
            yield [tool.name, tool.phase.value, str(tool.evidence[0]) if tool.evidence else "", giver]


def _nobody(tool: ToolNeed) -> Content:
    return ("nobody", "bold red") if tool.strength is Strength.HARD else f"nobody; {_without(tool)}"


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


def _without(need: ImportNeed | ToolNeed) -> str:
    if need.strength is Strength.GUARDED:
        return "it goes on without"
    return f"needed if {need.condition}" if need.condition else "it may be needed"

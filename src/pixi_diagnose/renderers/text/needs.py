"""What a build that fails needs, imports and tools, and who gives that to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...build_needs.model import BuildNeeds, Strength, ToolNeed
from ...frontends.visibility import JUDGED_TOOLS, requirement_names
from ...index.model import PypiResolution
from ..build_requirements import provisions
from .needs_table import GIVERS, print_needs_table, without
from .page import Content, Page

__all__ = ["print_needs", "worth_showing"]


def worth_showing(needs: BuildNeeds, resolved: PypiResolution | None) -> bool:
    """Whether somebody else than its declaration has to give a build something."""
    return any(by != "declared" for _, by in provisions(needs, resolved))


def print_needs(
    page: Page,
    needs: BuildNeeds,
    resolved: PypiResolution | None,
    *,
    tools: Mapping[str, str],
    indent: int = 2,
    verbose: bool = False,
) -> None:
    """The table with the judged tools (`tools`: what gives the visible ones), without what is optional."""
    rows = provisions(needs, resolved)
    if not verbose:
        rows = tuple(row for row in rows if row[0].strength is not Strength.GUARDED)
    print_needs_table(page, rows, [*_asked_for(needs), *_tools(needs, tools)], indent=indent, verbose=verbose)


def _asked_for(needs: BuildNeeds) -> Iterator[list[Content]]:
    """What the hook asks for and no import shows: used by what is imported, as ninja by torch's extensions."""
    imported = {p for n in needs.imports for p in n.projects}
    evidence = str(needs.hook_evidence[0]) if needs.hook_evidence else ""
    for name in sorted(requirement_names(needs.hook_requirements) - imported):
        yield [name, "wheel", evidence, GIVERS["hook"]]


def _tools(needs: BuildNeeds, tools: Mapping[str, str]) -> Iterator[list[Content]]:
    """The tools that are judged, each once: where it is first needed, and what gives it."""
    seen: set[str] = set()
    for tool in needs.tools:
        if tool.name in JUDGED_TOOLS and tool.name not in seen:
            seen.add(tool.name)
            giver: Content = tools.get(tool.name) or _nobody(tool)
            yield [tool.name, tool.phase.value, str(tool.evidence[0]) if tool.evidence else "", giver]


def _nobody(tool: ToolNeed) -> Content:
    return ("nobody", "bold red") if tool.strength is Strength.HARD else f"nobody; {without(tool)}"

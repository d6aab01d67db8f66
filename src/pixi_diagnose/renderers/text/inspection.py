"""One inspected source tree for people: what its build needs, and where that was read."""

from __future__ import annotations

from collections.abc import Iterable

from ...build_needs.model import BuildNeeds, Phase, Strength
from ...evidence import Evidence, Unknown
from ...metadata import MetadataSource, StaticMetadata
from ...source_tree import SourceTree
from .needs import print_needs
from .page import Page, glued
from .wording import and_list

__all__ = ["render_inspection"]

_PHASES = {Phase.METADATA: "its metadata", Phase.WHEEL: "the wheel"}


def render_inspection(
    tree: SourceTree,
    metadata: StaticMetadata,
    needs: BuildNeeds,
    *,
    width: int = 80,
    color: bool = False,
    verbose: bool = False,
) -> str:
    """What `inspect` prints for one source tree."""
    page = Page(width, color=color)
    system = needs.build_system
    name = f"{needs.project} {needs.version}".strip()
    parts = [tree.kind, f"backend {system.backend}", "no package code was run"]
    page.paragraph((name, "bold"), *((f" · {glued(part)}", "dim") for part in parts), hang=2)
    page.blank()
    if needs.imports:
        print_needs(page, needs, None, verbose=verbose)
        page.blank()
    rows: list[tuple[str, str]] = [("declares", _declares(needs))]
    if needs.hook_requirements:
        rows.append(("hook asks for", f"{', '.join(needs.hook_requirements)}{_at(needs.hook_evidence)}"))
    rows += [
        ("tool", f"{t.name}, for {_PHASES[t.phase]}{_if(t.strength, t.condition)}{_at(t.evidence)}")
        for t in needs.tools
    ]
    rows += [("pin", f"{p.requirement}: {p.reason}{_at(p.evidence)}") for p in needs.pins]
    rows += [
        ("removed", f"{r.name} is gone in {and_list(f'{o} {v}' for o, v in r.removed_in)}{_at(r.evidence)}")
        for r in needs.removed
    ]
    rows += [("stops", f"{s.reason}{_at(s.evidence)}") for s in needs.stops]
    rows += _variables(needs, verbose=verbose)
    rows += [
        ("download", f"{d.url}, {'hash checked' if d.checked else 'no hash'}{_at(d.evidence)}") for d in needs.downloads
    ]
    rows.append(("metadata", _metadata(metadata)))
    unknowns = dict.fromkeys((*tree.unknowns, *metadata.unknowns, *system.unknowns, *needs.unknowns))
    rows += [("not known", _unknown(u)) for u in unknowns]
    page.labelled(rows)
    return str(page)


def _declares(needs: BuildNeeds) -> str:
    system = needs.build_system
    requires = ", ".join(system.requires) or "nothing"
    return requires if system.table else f"nothing; without a [build-system] table it gets {requires}"


def _variables(needs: BuildNeeds, *, verbose: bool) -> list[tuple[str, str]]:
    """The environment variables that the build reads: what hangs on each only if asked for."""
    if verbose:
        said = (f"{k.variable}, default {k.default or 'unset'}: {k.effect}{_at(k.evidence)}" for k in needs.knobs)
        return [("variable", text) for text in said]
    names = ", ".join(k.variable for k in needs.knobs)
    return [("variables", f"{names} (-v says what hangs on them)")] if names else []


def _metadata(metadata: StaticMetadata) -> str:
    readers = [name for name, static in metadata.static_for if static]
    builders = [name for name, static in metadata.static_for if not static]
    parts = []
    if readers:
        source = "a wheel of the release" if metadata.source is MetadataSource.WHEEL else metadata.source.value
        parts.append(f"{and_list(readers)} {'reads' if len(readers) == 1 else 'read'} it from {source}")
    if builders:
        parts.append(f"{and_list(builders)} {'has' if len(builders) == 1 else 'have'} to build to know it")
    why = f": {metadata.dynamic_reason}" if metadata.dynamic_reason else ""
    return f"{'; '.join(parts)}{why}{_at(metadata.dynamic_because)}"


def _unknown(unknown: Unknown) -> str:
    return f"{unknown.reason}{_at(unknown.evidence)}"


def _if(strength: Strength, condition: str) -> str:
    if strength is Strength.HARD:
        return ""
    return f" if {condition}" if condition else ", not always" if strength is Strength.CONDITIONAL else ", optional"


def _at(evidence: Iterable[Evidence]) -> str:
    first = next(iter(evidence), None)
    return f" ({first})" if first else ""

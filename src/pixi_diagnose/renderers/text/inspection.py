"""One inspected source tree for people: whether it declares what its build needs, and where that was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...build_needs.model import BuildNeeds, Download, ImportNeed, Phase, RemovedApi, Strength, ToolNeed
from ...core_metadata import MetadataSource, StaticMetadata
from ...evidence import Evidence, Unknown
from ...inspection import Inspection
from ...outcome import Outcome
from ...prose import and_list, count
from .marks import MARKS
from .needs_table import print_needs_table
from .page import Page, glued

__all__ = ["render_inspection"]

_PHASES = {Phase.METADATA: "its metadata", Phase.WHEEL: "the wheel"}
_NAMED = 3
"""How many of a build's optional imports are shown with their lines."""
_LONGEST = 160


def render_inspection(
    inspection: Inspection, *, width: int = 80, color: bool = False, verbose: bool = False, brief: bool = False
) -> str:
    """What `inspect` prints for one source tree; `brief` ends after the verdict."""
    page = Page(width, color=color)
    needs, target = inspection.needs, inspection.target
    name = f"{needs.project} {needs.version}".strip() or inspection.source.location
    where = f"Python {'.'.join(map(str, target.python))} on {target.subdir}"
    parts = [inspection.source.kind, where, "no package code was run"]
    page.paragraph((name, "bold"), *((f" · {glued(part)}", "dim") for part in parts), hang=2)
    page.blank()
    for outcome, sentence in _verdicts(inspection):
        mark, style = MARKS[outcome]
        page.paragraph((mark, style), f" {sentence}", hang=2)
    page.paragraph(_mend(inspection), hang=2)
    if brief:
        return str(page)
    page.blank()
    rows = list(zip(needs.imports, inspection.import_givers, strict=True))
    if not verbose:
        optional = _optional(inspection)
        rows = [row for row in rows if row[0] not in optional]
    if rows:
        print_needs_table(page, rows, gone=_gone(needs), verbose=verbose)
        page.blank()
    page.labelled(_details(inspection, verbose=verbose))
    return str(page)


# --- the verdict ------------------------------------------------------------------------------------------------------


def _verdicts(inspection: Inspection) -> list[tuple[Outcome, str]]:
    """How an isolated build ends, and why."""
    needs = inspection.needs
    found = [*_undeclared(inspection.missing), *_beside(inspection.missing)]
    found += [f"An isolated build fails: it {p.reason}{_at(p.evidence)}; {p.requirement} would do" for p in needs.pins]
    found += [
        f"{_WHOSE[s.phase]} cannot be built, whatever is installed: {_short(s.reason)}{_at(s.evidence)}"
        for s in needs.stops
    ]
    python = ".".join(map(str, inspection.target.python))
    found += [
        f"{_WHOSE[r.phase]} cannot be built with Python {python}: {r.name} is gone in {_since(r)}{_at(r.evidence)}"
        for r in inspection.gone
    ]
    if found:
        return [(Outcome.FAILS, sentence) for sentence in found]
    outcome = inspection.outcome(Phase.WHEEL)
    if outcome is Outcome.AT_RISK:
        risky = [n for n in inspection.undeclared if n.strength is Strength.CONDITIONAL]
        said = and_list(f"{n.projects[0]}{_at(n.evidence)}{_if(n)}" for n in risky)
        return [(outcome, f"An isolated build may fail: nobody declares {said}")]
    if outcome is Outcome.UNKNOWN:
        places = count(len(needs.unknowns), "place")
        return [(outcome, f"An isolated build misses nothing that was seen; {places} could not be decided")]
    return [(outcome, "An isolated build gets all that it imports")]


_WHOSE = {Phase.METADATA: "Its metadata", Phase.WHEEL: "Its wheel"}


def _since(removed: RemovedApi) -> str:
    return and_list(f"{_OWNERS.get(owner, owner)} {version}" for owner, version in removed.removed_in)


def _undeclared(missing: Sequence[ImportNeed]) -> list[str]:
    """One sentence for each phase whose build needs what nobody declares."""
    outside = [n for n in missing if not n.in_tree]
    said = []
    for phase, start in (
        (Phase.METADATA, "An isolated build fails"),
        (Phase.WHEEL, "An isolated build of its wheel fails"),
    ):
        names = and_list(f"{n.projects[0]}{_at(n.evidence)}" for n in outside if n.phase is phase)
        if names:
            said.append(f"{start}: nobody declares {names}")
    return said


def _beside(missing: Sequence[ImportNeed]) -> list[str]:
    names = and_list(f"{n.import_name}{_at(n.evidence)}" for n in missing if n.in_tree)
    if not names:
        return []
    why = "setuptools.build_meta does not put that folder on the import path (the legacy backend does)"
    return [f"An isolated build fails: {names} lies beside setup.py, and {why}"]


def _mend(inspection: Inspection) -> str:
    """What the author of a folder would write; the user of an sdist cannot."""
    needs = inspection.needs
    bounds = [p.requirement for p in needs.pins]
    names = [n.projects[0] for n in inspection.missing if not n.in_tree]
    wanted = [*bounds, *dict.fromkeys(names)]
    if inspection.source.kind == "sdist" or needs.stops or not wanted:
        return ""
    system = needs.build_system
    if system.table:
        line = f" (pyproject.toml:{system.line})" if system.line else ""
        return f"  Declare it: {and_list(wanted)} in [build-system] requires{line}"
    base = [] if any(bound.startswith("setuptools") for bound in bounds) else ["setuptools"]
    listed = ", ".join(f'"{text}"' for text in (*base, *wanted))
    return f"  Declare it: a pyproject.toml with [build-system] requires = [{listed}]"


# --- the details ------------------------------------------------------------------------------------------------------


def _details(inspection: Inspection, *, verbose: bool) -> list[tuple[str, str]]:
    needs = inspection.needs
    rows = [("backend", _backend(needs)), ("declares", _declares(needs))]
    if needs.hook_requirements:
        rows.append(("hook asks for", f"{', '.join(needs.hook_requirements)}{_at(needs.hook_evidence)}"))
    optional = () if verbose else _optional(inspection)
    if optional:
        rows.append(("goes on without", _some(optional)))
    rows += [("tools", text) for text in _tools(inspection)]
    rows += [("uses", text) for text in _aged(needs, inspection.gone)]
    rows += _variables(needs, verbose=verbose)
    rows += [("downloads", _download(d, verbose=verbose)) for d in needs.downloads]
    rows.append(("metadata", _metadata(inspection.metadata)))
    if inspection.metadata.requires_python:
        rows.append(("Python", inspection.metadata.requires_python))
    said = inspection.metadata.dynamic_reason
    rows += [("not known", _unknown(u)) for u in inspection.unknowns if not (said and said in u.reason)]
    return rows


def _backend(needs: BuildNeeds) -> str:
    system = needs.build_system
    path = f", in the tree itself ({', '.join(system.backend_path)})" if system.backend_path else ""
    return f"{system.backend}{path}"


def _declares(needs: BuildNeeds) -> str:
    system = needs.build_system
    requires = ", ".join(system.requires) or "nothing"
    line = f" (pyproject.toml:{system.line})" if system.line else ""
    return f"{requires}{line}" if system.table else f"nothing; without a [build-system] table it gets {requires}"


def _optional(inspection: Inspection) -> tuple[ImportNeed, ...]:
    """What the build looks for, does not find, and goes on without."""
    pairs = zip(inspection.needs.imports, inspection.import_givers, strict=True)
    return tuple(n for n, by in pairs if by is None and n.strength is Strength.GUARDED)


def _some(optional: Sequence[ImportNeed]) -> str:
    shown = [f"{n.import_name}{_at(n.evidence)}" for n in optional[:_NAMED]]
    more = f" and {len(optional) - _NAMED} more (-v shows all)" if len(optional) > _NAMED else ""
    return ", ".join(shown) + more


def _gone(needs: BuildNeeds) -> dict[Evidence, str]:
    """For the lines that import what the newest allowed version no longer has: since when."""
    bounded = {e for pin in needs.pins for e in pin.evidence}
    return {
        line: f"nobody: gone in {and_list(f'{owner} {version}' for owner, version in removed.removed_in)}"
        for removed in needs.removed
        for line in removed.evidence
        if line in bounded
    }


def _tools(inspection: Inspection) -> list[str]:
    """Each tool once: for what, how surely, and whether it comes with what is declared."""
    grouped: dict[str, list[tuple[ToolNeed, str | None]]] = {}
    for tool, by in zip(inspection.needs.tools, inspection.tool_givers, strict=True):
        grouped.setdefault(tool.name, []).append((tool, by))
    said = []
    for name, needed in grouped.items():
        first, by = min(needed, key=lambda pair: list(Strength).index(pair[0].strength))
        phases = and_list(_PHASES[p] for p in Phase if any(t.phase is p for t, _ in needed))
        given = {"declared": "; declared", "hook": "; its hook asks for it"}.get(by or "", "")
        said.append(f"{name}, for {phases}{_if(first)}{_at(first.evidence)}{given}")
    return said


def _aged(needs: BuildNeeds, gone: Sequence[RemovedApi]) -> list[str]:
    """What the build uses that newer versions lack: each thing once; what already fails is in the verdict."""
    lines = _gone(needs)
    return list(
        dict.fromkeys(
            f"{r.name}, which {_since(r)} no longer has{_at(r.evidence)}"
            for r in needs.removed
            if r not in gone and not any(e in lines for e in r.evidence)
        )
    )


_OWNERS = {"python": "Python"}


def _variables(needs: BuildNeeds, *, verbose: bool) -> list[tuple[str, str]]:
    """The environment variables that the build reads: what hangs on each only if asked for."""
    if verbose:
        said = (f"{k.variable}, default {k.default or 'unset'}: {k.effect}{_at(k.evidence)}" for k in needs.knobs)
        return [("variables", text) for text in said]
    names = ", ".join(k.variable for k in needs.knobs)
    return [("variables", f"{names} (-v says what hangs on them)")] if names else []


def _download(download: Download, *, verbose: bool) -> str:
    address = download.url if verbose or not download.host else f"from {download.host}"
    hashed = "hash compared" if download.checked else "no hash compared"
    return f"{address or 'from a computed address'}, for {_PHASES[download.phase]}, {hashed}{_at(download.evidence)}"


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


def _short(reason: str) -> str:
    """A reason as one line; what a script says when it ends can be a page."""
    line = " ".join(reason.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1].rstrip() + "…"


def _unknown(unknown: Unknown) -> str:
    return f"{unknown.reason}{_at(unknown.evidence)}"


def _if(need: ImportNeed | ToolNeed) -> str:
    if need.strength is Strength.HARD:
        return ""
    if need.strength is Strength.GUARDED:
        return ", optional"
    return f" if {need.condition}" if need.condition else ", not always"


def _at(evidence: Iterable[Evidence]) -> str:
    first = next(iter(evidence), None)
    return f" ({first})" if first else ""

"""The JSON document of `check` and `plan`: schema_version 1, to which things are only added.

Arrays are sorted, so that equal input gives equal bytes; `missing`, `needs`, `stages`, `channels` and `features` keep
their own order, which means something. Times are left out.

An environment's `best_platform` is the one that pixi would pick on this machine, null where it runs none of them, and
under every other frontend. `platform_dependencies` and `platform_pypi_dependencies` are what holds on the entry's own
platform; `dependencies` and `pypi_dependencies` are the same, but what holds on every platform where pixi runs none of
the environment's here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from ..build_needs.model import BuildNeeds, BuildTarget
from ..core_metadata import StaticMetadata
from ..document import Edit, Position
from ..environment import specs_without_target, supported_platforms
from ..evidence import Unknown
from ..finding import Finding, Fix, Plan
from ..frontends.host import Host
from ..frontends.model import Build, BuildPhase, Missing, Simulation
from ..manifest.model import CondaSpec, Manifest, PypiSpec
from ..report import Location, Report
from .build_requirements import provisions
from .foreign_text import without_credentials
from .json_parts import SCHEMA_VERSION, Json, dumps, evidence_part, import_part, unknown_parts

__all__ = ["check_document", "render"]


def render(report: Report) -> str:
    """The `check` document as text."""
    return dumps(check_document(report))


def check_document(report: Report) -> Json:
    """What `check --json` and `plan --json` print. A rejected manifest has its findings and no environments."""
    placed = [(finding, report.locate(finding)) for finding in report.findings]
    document: Json = {
        "schema_version": SCHEMA_VERSION,
        "manifest": report.path,
        "frontend": report.frontend,
        "frontend_version": report.frontend_version,
        "offline": report.offline,
        "rejected": report.rejected,
        "environments": [] if report.rejected else _sorted(report.simulations, report),
        "findings": [_finding(f, location) for f, location in sorted(placed, key=_finding_order)],
        "plans": [_plan(p) for p in sorted(report.plans, key=lambda p: (p.tier, p.name))],
        "unknowns": unknown_parts(report.unknowns),
    }
    if report.elsewhere:
        document["frontends"] = {
            e.frontend: {
                "frontend_version": e.frontend_version,
                "given": e.given,
                "environments": _sorted(e.simulations),
            }
            for e in sorted(report.elsewhere, key=lambda e: e.frontend)
        }
    return document


def _sorted(simulations: Iterable[Simulation], of: Report | None = None) -> list[Json]:
    """The simulations of a report, or those under another frontend than its own."""
    by_name = sorted(simulations, key=lambda s: (s.environment.name, s.environment.platform.name))
    entries = [_environment(s) for s in by_name]
    if of is not None and of.host is not None and of.manifest is not None:
        for name, group in groupby(entries, key=lambda entry: str(entry["name"])):
            _place_here(list(group), name, of.manifest, of.host)
    return entries


def _place_here(entries: Sequence[Json], name: str, manifest: Manifest, host: Host) -> None:
    """Say of one environment's entries which platform pixi would pick here, and list what pixi lists where it is none.

    `pixi info` then has what holds on every platform (pixi 0.77, seen).
    """
    best = host.best_platform(supported_platforms(manifest, name), alone=len(manifest.platforms) == 1)
    if best is not None:
        found: Json = {"best_platform": best.name}
    else:
        conda, pypi = specs_without_target(manifest, name)
        found = {"dependencies": _conda_names(conda), "pypi_dependencies": _pypi_names(pypi)}
    for entry in entries:
        entry.update(found)


# --- environments and builds ------------------------------------------------------------------------------------------


def _environment(simulation: Simulation) -> Json:
    environment, resolution = simulation.environment, simulation.resolution
    conda, pypi = _conda_names(environment.conda), _pypi_names(environment.pypi)
    return {
        "name": environment.name,
        "platform": environment.platform.name,
        "python": resolution.python,
        "resolution": resolution.source,
        "features": list(environment.features),
        "solve_group": environment.solve_group,
        "channels": [without_credentials(c) for c in environment.channels],
        "best_platform": None,
        "dependencies": conda,
        "pypi_dependencies": pypi,
        "platform_dependencies": conda,
        "platform_pypi_dependencies": pypi,
        "projects": [
            {"project": d.project, "version": d.version, "kind": d.kind}
            for d in sorted(resolution.distributions, key=lambda d: (d.project, d.version))
        ],
        "outcomes": {name: outcome.value for name, outcome in sorted(simulation.outcomes.items())},
        "reasons": {name: without_credentials(reason) for name, reason in sorted(simulation.reasons.items())},
        "builds": [_build(b, simulation) for b in sorted(simulation.builds, key=lambda b: b.project)],
        "stages": [
            {
                "number": stage.number,
                "name": stage.name,
                "phase": stage.phase,
                "steps": [{"project": s.project, "outcome": s.outcome.value} for s in stage.steps],
            }
            for stage in simulation.stages
        ],
    }


def _conda_names(specs: Iterable[CondaSpec]) -> list[str]:
    return _spellings((s.name, s.spelled) for s in specs if not s.brought_by)


def _pypi_names(specs: Iterable[PypiSpec]) -> list[str]:
    return _spellings((s.name, s.spelled) for s in specs)


def _spellings(names: Iterable[tuple[str, str]]) -> list[str]:
    """Each name once, as the user spells it where it comes first."""
    spelled: dict[str, str] = {}
    for name, spelling in names:
        spelled.setdefault(name, spelling)
    return sorted(spelled.values())


def _build(build: Build, simulation: Simulation) -> Json:
    distribution, needs = build.subject.distribution, build.subject.needs
    target = _target(simulation)
    return {
        "project": build.project,
        "version": distribution.version,
        "artifact": distribution.filename or without_credentials(distribution.url),
        "isolated": build.isolated,
        "why_built": distribution.why_built,
        "metadata": _read_metadata(distribution.metadata),
        "phases": [_phase(p) for p in build.phases],
        "required_by": sorted(p for p in build.required_by if p),
        "needs": _needs(needs, build, target) if needs else [],
        "hook_requirements": list(needs.hook_requirements) if needs else [],
        "tools": _tools(needs, build) if needs else [],
        "unknowns": unknown_parts([*([build.subject.unknown] if build.subject.unknown else []), *_of(needs)]),
    }


def _of(needs: BuildNeeds | None) -> Sequence[Unknown]:
    return needs.unknowns if needs else ()


def _target(simulation: Simulation) -> BuildTarget:
    major, minor, *_ = (*simulation.resolution.python.split("."), "0", "0")
    python = (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else (3, 11)
    return BuildTarget(python, simulation.environment.platform.subdir, simulation.environment.variables)


def _phase(phase: BuildPhase) -> Json:
    return {
        "phase": phase.phase,
        "outcome": phase.outcome.value,
        "missing": [_missing(m) for m in phase.missing],
        "guarded": [_missing(m) for m in phase.guarded],
        "reason": without_credentials(phase.reason),
        "requirement": _requirement(phase.requirement.decisive) if phase.requirement is not None else None,
    }


def _requirement(build: Build) -> Json:
    """The build requirement at which a run stops."""
    return {
        "project": build.project,
        "version": build.subject.distribution.version,
        "isolated": build.isolated,
        "needed_for": list(build.needed_for),
    }


def _missing(missing: Missing) -> Json:
    return {
        "import_name": missing.name,
        "project": missing.projects[0] if missing.projects else "",
        "kind": missing.kind,
        "late": missing.late,
        "evidence": evidence_part(missing.evidence),
    }


def _needs(needs: BuildNeeds, build: Build | None, target: BuildTarget | None) -> list[Json]:
    resolved = build.subject.build_environment if build else None
    return [{**import_part(n), "provided_by": by} for n, by in provisions(needs, resolved, target)]


def _read_metadata(metadata: StaticMetadata | None) -> Json | None:
    """Where a build's requirements were read, and which frontends accept that without a build."""
    if metadata is None:
        return None
    return {
        "source": metadata.source.value,
        "approximate": metadata.approximate,
        "static_for": dict(metadata.static_for),
        "dynamic_because": metadata.dynamic_reason,
    }


def _tools(needs: BuildNeeds, build: Build) -> list[Json]:
    """The tools with what gives them where that is known: a conda package, this machine."""
    visible = build.phases[-1].visible if build.phases else None
    given = visible.tools if visible else {}
    return [
        {
            "name": t.name,
            "phase": t.phase.value,
            "strength": t.strength.value,
            "condition": t.condition,
            "evidence": evidence_part(t.evidence),
            "provided_by": given.get(t.name),
        }
        for t in needs.tools
    ]


# --- findings and plans -----------------------------------------------------------------------------------------------


def _finding_order(placed: tuple[Finding, Location | None]) -> tuple[object, ...]:
    finding, location = placed
    start = (location.file, location.start) if location else ("", Position(0, 0))
    return (*start, finding.rule.code, finding.environment, finding.platforms, finding.message)


def _finding(finding: Finding, location: Location | None) -> Json:
    return {
        "code": finding.rule.code,
        "name": finding.rule.name,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "message": without_credentials(finding.message),
        "explanation": [without_credentials(sentence) for sentence in finding.explanation],
        "environment": finding.environment,
        "platforms": sorted(finding.platforms),
        "project": finding.project,
        "location": _location(location) if location else None,
        "evidence": evidence_part(finding.evidence),
        "fixes": [_fix(f) for f in finding.fixes],
    }


def _location(location: Location) -> Json:
    return {
        "file": location.file,
        "start": {"line": location.start.line, "column": location.start.column},
        "end": {"line": location.end.line, "column": location.end.column},
    }


def _fix(fix: Fix) -> Json:
    return {"description": fix.description, "safe": fix.safe, "edits": [_edit(e) for e in fix.edits]}


def _plan(plan: Plan) -> Json:
    return {
        "tier": plan.tier,
        "name": plan.name,
        "recommended": plan.recommended,
        "passes": plan.passes,
        "edits": [_edit(e) for e in plan.edits],
        "diff": plan.diff,
        "notes": list(plan.notes),
        "trade_offs": list(plan.trade_offs),
        "leaves_out": list(plan.leaves_out),
        "unchecked": list(plan.unchecked),
        "reason": without_credentials(plan.reason),
        "hinges_on": without_credentials(plan.hinges_on),
        "safe": plan.safe,
        "commands": [without_credentials(command) for command in plan.commands],
        "files": [
            {"path": change.path, "new": change.old is None, "edits": [_edit(e) for e in change.edits]}
            for change in plan.beside
        ],
    }


def _edit(edit: Edit) -> Json:
    return {"kind": edit.kind.value, "key": list(edit.key), "value": _plain(edit.value), "comment": edit.comment}


def _plain(value: object) -> object:
    """A TOML value as JSON has it; dates as their text."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)

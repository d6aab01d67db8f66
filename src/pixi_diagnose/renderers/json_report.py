"""The JSON documents of `check`, `plan` and `inspect`: schema_version 1, to which things are only added.

Arrays are sorted, so that equal input gives equal bytes; `missing`, `needs`, `stages`, `channels` and `features` keep
their own order, which means something. Times are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..build_needs import undeclared
from ..build_needs.model import BuildNeeds, BuildTarget, ImportNeed
from ..document import Edit, Position
from ..errors import ManifestError, PixiDiagnoseError
from ..evidence import Evidence, Unknown
from ..finding import Finding, Fix, Plan
from ..frontends.model import Build, BuildPhase, Missing, Simulation
from ..metadata import StaticMetadata
from ..report import Location, Report
from ..source_tree import SourceTree
from .build_requirements import provisions
from .foreign_text import without_credentials

__all__ = ["check_document", "dumps", "error_document", "inspect_document", "render"]

SCHEMA_VERSION = 1

Json = dict[str, Any]


def render(report: Report) -> str:
    """The `check` document as text."""
    return dumps(check_document(report))


def dumps(document: object) -> str:
    """JSON in ASCII: it survives every terminal and pipe, and holds no control character."""
    return json.dumps(document, indent=2) + "\n"


def check_document(report: Report) -> Json:
    """What `check --json` and `plan --json` print. A rejected manifest has its findings and no environments."""
    simulations = sorted(report.simulations, key=lambda s: (s.environment.name, s.environment.platform.name))
    placed = [(finding, report.locate(finding)) for finding in report.findings]
    return {
        "schema_version": SCHEMA_VERSION,
        "manifest": report.path,
        "frontend": report.frontend,
        "frontend_version": report.frontend_version,
        "offline": report.offline,
        "rejected": report.rejected,
        "environments": [] if report.rejected else [_environment(s) for s in simulations],
        "findings": [_finding(f, location) for f, location in sorted(placed, key=_finding_order)],
        "plans": [_plan(p) for p in sorted(report.plans, key=lambda p: (p.tier, p.name))],
        "unknowns": _unknowns(report.unknowns),
    }


def inspect_document(tree: SourceTree, metadata: StaticMetadata, needs: BuildNeeds) -> Json:
    """What `inspect --json` prints for one source tree."""
    system = needs.build_system
    return {
        "schema_version": SCHEMA_VERSION,
        "project": needs.project,
        "version": needs.version,
        "source": {"kind": tree.kind, "location": without_credentials(tree.location), "sha256": tree.sha256},
        "build_backend": system.backend,
        "backend_path": list(system.backend_path),
        "build_system_table": system.table,
        "declared_requirements": list(system.requires),
        "hook_requirements": list(needs.hook_requirements),
        "undeclared_requirements": [_import(n) for n in undeclared(needs)],
        "needs": _needs(needs, None, None),
        "tools": [
            {
                "name": t.name,
                "phase": t.phase.value,
                "strength": t.strength.value,
                "condition": t.condition,
                "evidence": _evidence(t.evidence),
            }
            for t in sorted(needs.tools, key=lambda t: (t.name, t.phase))
        ],
        "pins": [
            {
                "requirement": p.requirement,
                "reason": p.reason,
                "phase": p.phase.value,
                "evidence": _evidence(p.evidence),
            }
            for p in sorted(needs.pins, key=lambda p: p.requirement)
        ],
        "removed": [
            {
                "name": r.name,
                "removed_in": dict(r.removed_in),
                "phase": r.phase.value,
                "strength": r.strength.value,
                "evidence": _evidence(r.evidence),
            }
            for r in sorted(needs.removed, key=lambda r: (r.name, r.phase))
        ],
        "stops": [{"reason": s.reason, "phase": s.phase.value, "evidence": _evidence(s.evidence)} for s in needs.stops],
        "knobs": [
            {"variable": k.variable, "default": k.default, "effect": k.effect, "evidence": _evidence(k.evidence)}
            for k in sorted(needs.knobs, key=lambda k: (k.variable, k.evidence))
        ],
        "downloads": [
            {
                "url": without_credentials(d.url),
                "phase": d.phase.value,
                "checked": d.checked,
                "evidence": _evidence(d.evidence),
            }
            for d in sorted(needs.downloads, key=lambda d: (d.url, d.evidence))
        ],
        "metadata": {
            "static_for": dict(metadata.static_for),
            "source": metadata.source.value,
            "approximate": metadata.approximate,
            "dynamic_reason": metadata.dynamic_reason,
            "evidence": _evidence(metadata.dynamic_because),
            "requires": sorted(metadata.requires),
            "requires_python": metadata.requires_python,
        },
        "unknowns": _unknowns((*tree.unknowns, *metadata.unknowns, *system.unknowns, *needs.unknowns)),
    }


def error_document(error: PixiDiagnoseError) -> Json:
    """What is printed, or stands in an array, for a question that could not be answered."""
    said: Json = {"message": without_credentials(error.message), "hint": without_credentials(error.hint)}
    if isinstance(error, ManifestError):
        said["file"] = error.path
        if error.line is not None:
            said["start"] = {"line": error.line, "column": error.column or 1}
    return {"schema_version": SCHEMA_VERSION, "error": said}


# --- environments and builds ------------------------------------------------------------------------------------------


def _environment(simulation: Simulation) -> Json:
    environment, resolution = simulation.environment, simulation.resolution
    return {
        "name": environment.name,
        "platform": environment.platform.name,
        "python": resolution.python,
        "resolution": resolution.source,
        "features": list(environment.features),
        "solve_group": environment.solve_group,
        "channels": [without_credentials(c) for c in environment.channels],
        "dependencies": _spellings((s.name, s.spelled) for s in environment.conda),
        "pypi_dependencies": _spellings((s.name, s.spelled) for s in environment.pypi),
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
        "unknowns": _unknowns([*([build.subject.unknown] if build.subject.unknown else []), *_of(needs)]),
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
    }


def _missing(missing: Missing) -> Json:
    return {
        "import_name": missing.name,
        "project": missing.projects[0] if missing.projects else "",
        "kind": missing.kind,
        "late": missing.late,
        "evidence": _evidence(missing.evidence),
    }


def _needs(needs: BuildNeeds, build: Build | None, target: BuildTarget | None) -> list[Json]:
    resolved = build.subject.build_environment if build else None
    return [{**_import(n), "provided_by": by} for n, by in provisions(needs, resolved, target)]


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
            "evidence": _evidence(t.evidence),
            "provided_by": given.get(t.name),
        }
        for t in needs.tools
    ]


def _import(need: ImportNeed) -> Json:
    return {
        "import_name": need.import_name,
        "project": need.projects[0] if need.projects else "",
        "phase": need.phase.value,
        "strength": need.strength.value,
        "condition": need.condition,
        "evidence": _evidence(need.evidence),
    }


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
        "evidence": _evidence(finding.evidence),
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
        "unchecked": list(plan.unchecked),
        "reason": without_credentials(plan.reason),
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


def _evidence(evidence: Iterable[Evidence]) -> list[Json]:
    return [{"file": e.file, "line": e.line} for e in evidence]


def _unknowns(unknowns: Iterable[Unknown]) -> list[Json]:
    distinct = sorted(set(unknowns), key=lambda u: (u.subject, u.reason, u.evidence))
    return [
        {"subject": u.subject, "reason": without_credentials(u.reason), "evidence": _evidence(u.evidence)}
        for u in distinct
    ]

"""The JSON document of `inspect`: schema_version 1, to which things are only added.

Arrays are sorted, so that equal input gives equal bytes; `undeclared_requirements`, `needs` and `stops` keep the order
in which a build meets them.
"""

from __future__ import annotations

from ..build_needs.model import Phase
from ..inspection import Inspection
from .foreign_text import without_credentials
from .json_parts import SCHEMA_VERSION, Json, evidence_part, import_part, unknown_parts

__all__ = ["inspect_document"]


def inspect_document(inspection: Inspection) -> Json:
    """What `inspect --json` prints for one source tree."""
    needs, metadata, source = inspection.needs, inspection.metadata, inspection.source
    system = needs.build_system
    imports = zip(needs.imports, inspection.import_givers, strict=True)
    return {
        "schema_version": SCHEMA_VERSION,
        "project": needs.project,
        "version": needs.version,
        "source": {"kind": source.kind, "location": without_credentials(source.location), "sha256": source.sha256},
        "target": {"python": ".".join(map(str, inspection.target.python)), "platform": inspection.target.subdir},
        "isolated_build": {phase.value: inspection.outcome(phase).value for phase in Phase},
        "build_backend": system.backend,
        "backend_path": list(system.backend_path),
        "build_system_table": system.table,
        "declared_requirements": list(system.requires),
        "hook_requirements": list(needs.hook_requirements),
        "undeclared_requirements": [import_part(n) for n in inspection.undeclared],
        "needs": [{**import_part(n), "provided_by": by} for n, by in sorted(imports, key=lambda pair: pair[0].order)],
        **_outside_python(inspection),
        "metadata": {
            "static_for": dict(metadata.static_for),
            "source": metadata.source.value,
            "approximate": metadata.approximate,
            "dynamic_reason": metadata.dynamic_reason,
            "evidence": evidence_part(metadata.dynamic_because),
            "requires": sorted(metadata.requires),
            "requires_python": metadata.requires_python,
        },
        "unknowns": unknown_parts(inspection.unknowns),
    }


def _outside_python(inspection: Inspection) -> Json:
    """What the build needs beside modules, what ends it, and what steers it."""
    needs = inspection.needs
    tools = zip(needs.tools, inspection.tool_givers, strict=True)
    return {
        "tools": [
            {
                "name": t.name,
                "phase": t.phase.value,
                "strength": t.strength.value,
                "condition": t.condition,
                "evidence": evidence_part(t.evidence),
                "provided_by": by,
            }
            for t, by in sorted(tools, key=lambda pair: (pair[0].name, pair[0].phase))
        ],
        "pins": [
            {
                "requirement": p.requirement,
                "reason": p.reason,
                "phase": p.phase.value,
                "evidence": evidence_part(p.evidence),
            }
            for p in sorted(needs.pins, key=lambda p: p.requirement)
        ],
        "removed": [
            {
                "name": r.name,
                "removed_in": dict(r.removed_in),
                "unless": list(r.unless),
                "phase": r.phase.value,
                "strength": r.strength.value,
                "evidence": evidence_part(r.evidence),
            }
            for r in sorted(needs.removed, key=lambda r: (r.name, r.phase))
        ],
        "stops": [
            {"reason": s.reason, "phase": s.phase.value, "evidence": evidence_part(s.evidence)} for s in needs.stops
        ],
        "knobs": [
            {"variable": k.variable, "default": k.default, "effect": k.effect, "evidence": evidence_part(k.evidence)}
            for k in sorted(needs.knobs, key=lambda k: (k.variable, k.evidence))
        ],
        "downloads": [
            {
                "url": without_credentials(d.url),
                "host": d.host,
                "phase": d.phase.value,
                "checked": d.checked,
                "evidence": evidence_part(d.evidence),
            }
            for d in sorted(needs.downloads, key=lambda d: (d.url, d.evidence))
        ],
    }

"""The JSON document of `verify`: schema_version 1, to which things are only added."""

from __future__ import annotations

from ..verify.model import Verification
from .foreign_text import printable, without_credentials
from .json_parts import SCHEMA_VERSION, Json, evidence_part

__all__ = ["verify_document"]


def verify_document(verification: Verification) -> Json:
    """What `verify --json` prints."""
    plan, observed = verification.plan, verification.observed
    stopped = observed.stopped
    return {
        "schema_version": SCHEMA_VERSION,
        "project": verification.needs.project,
        "version": verification.needs.version,
        "python": plan.python,
        "build_backend": plan.backend,
        "hooks": list(plan.hooks),
        "agrees": verification.comparison.agrees,
        "observed": {
            "passed": list(observed.passed),
            "hook_answer": None if observed.answer is None else list(observed.answer),
            "imports": [
                {
                    "import_name": o.import_name,
                    "project": o.projects[0],
                    "phase": o.phase.value,
                    "strength": o.strength.value,
                    "stand_in": o.stubbed,
                    "evidence": evidence_part(o.evidence),
                }
                for o in observed.imports
            ],
            "pins": list(observed.pins),
            "programs": [
                {"program": p.program, "tool": p.tool, "phase": p.phase.value, "evidence": evidence_part(p.evidence)}
                for p in observed.programs
            ],
            "stand_ins": list(observed.stubs),
            "stopped": stopped
            and {
                "hook": stopped.hook,
                "phase": stopped.phase.value,
                "kind": stopped.kind.value,
                "reason": without_credentials(printable(stopped.reason)),
            },
            "notes": [without_credentials(printable(note)) for note in observed.notes],
        },
        "comparison": [
            {
                "kind": i.kind,
                "name": i.name,
                "standing": i.standing.value,
                "predicted": i.predicted,
                "observed": without_credentials(printable(i.observed)),
                "evidence": evidence_part(i.evidence),
            }
            for i in verification.comparison.items
        ],
    }

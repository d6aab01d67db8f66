"""What several JSON documents hold: errors, places in a package's files, imports, unknowns."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..build_needs.model import ImportNeed
from ..errors import ManifestError, PixiDiagnoseError
from ..evidence import Evidence, Unknown
from .foreign_text import without_credentials

__all__ = ["SCHEMA_VERSION", "Json", "dumps", "error_document", "evidence_part", "import_part", "unknown_parts"]

SCHEMA_VERSION = 1

Json = dict[str, Any]


def dumps(document: object) -> str:
    """JSON in ASCII: it survives every terminal and pipe, and holds no control character."""
    return json.dumps(document, indent=2) + "\n"


def error_document(error: PixiDiagnoseError) -> Json:
    """What is printed, or stands in an array, for a question that could not be answered."""
    said: Json = {"message": without_credentials(error.message), "hint": without_credentials(error.hint)}
    if isinstance(error, ManifestError):
        said["file"] = error.path
        if error.line is not None:
            said["start"] = {"line": error.line, "column": error.column or 1}
    return {"schema_version": SCHEMA_VERSION, "error": said}


def evidence_part(evidence: Iterable[Evidence]) -> list[Json]:
    """Lines of a package's files."""
    return [{"file": e.file, "line": e.line} for e in evidence]


def import_part(need: ImportNeed) -> Json:
    """A module that a build imports."""
    return {
        "import_name": need.import_name,
        "project": need.projects[0] if need.projects else "",
        **({"candidates": list(need.projects)} if len(need.projects) > 1 else {}),
        "phase": need.phase.value,
        "strength": need.strength.value,
        "condition": need.condition,
        "evidence": evidence_part(need.evidence),
    }


def unknown_parts(unknowns: Iterable[Unknown]) -> list[Json]:
    """What could not be known, each once, sorted."""
    distinct = sorted(set(unknowns), key=lambda u: (u.subject, u.reason, u.evidence))
    return [
        {"subject": u.subject, "reason": without_credentials(u.reason), "evidence": evidence_part(u.evidence)}
        for u in distinct
    ]

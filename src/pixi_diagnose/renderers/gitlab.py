"""GitLab's code quality report."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ..finding import Finding, Severity
from ..report import Report
from .foreign_text import printable, without_credentials
from .shown_paths import shown_path

__all__ = ["render"]

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def render(report: Report) -> str:
    """An array with one issue for each finding; equal findings have fingerprints of their own."""
    seen: dict[str, int] = {}
    return json.dumps([_issue(report, finding, seen) for finding in report.findings], indent=2) + "\n"


def _issue(report: Report, finding: Finding, seen: dict[str, int]) -> dict[str, Any]:
    location = report.locate(finding)
    path = shown_path(location.file if location else report.path)
    message = printable(without_credentials(finding.message))
    # without line numbers: an issue stays the same one when lines are added above it
    identity = "\0".join((finding.rule.code, path, finding.environment, *finding.platforms, finding.project, message))
    number = seen[identity] = seen.get(identity, 0) + 1
    lines = {"begin": location.start.line, "end": location.end.line} if location else {"begin": 1}
    return {
        "description": message,
        "check_name": f"{finding.rule.code} {finding.rule.name}",
        "fingerprint": hashlib.sha256(f"{identity}\0{number}".encode()).hexdigest(),
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": path, "lines": lines},
    }

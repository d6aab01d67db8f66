"""Workflow commands that GitHub turns into annotations of the changed files."""

from __future__ import annotations

from ..finding import Finding, Severity
from ..report import Report
from .foreign_text import printable, without_credentials
from .shown_paths import shown_path

__all__ = ["render"]

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report) -> str:
    """One command for each finding."""
    return "".join(f"{_command(report, finding)}\n" for finding in report.findings)


def _command(report: Report, finding: Finding) -> str:
    location = report.locate(finding)
    properties = {"file": shown_path(location.file if location else report.path)}
    if location:
        properties |= {"line": str(location.start.line), "endLine": str(location.end.line)}
        if location.start.line == location.end.line:  # GitHub takes columns within one line only
            properties |= {"col": str(location.start.column), "endColumn": str(location.end.column)}
    properties["title"] = f"{finding.rule.code} {finding.rule.name}"
    text = "\n".join((finding.message, *finding.explanation))
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {given}::{_data(text)}"


def _data(text: str) -> str:
    safe = printable(without_credentials(text))
    return safe.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

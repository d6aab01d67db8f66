"""One line for each finding, as compilers write them: `path:line:column: severity[CODE] message`."""

from __future__ import annotations

from ..finding import Finding
from ..report import Report
from .foreign_text import printable, without_credentials
from .shown_paths import shown_location, shown_path

__all__ = ["render"]


def render(report: Report) -> str:
    """The findings in the report's order, worst first; nothing where there is none."""
    return "".join(f"{_line(report, finding)}\n" for finding in report.findings)


def _line(report: Report, finding: Finding) -> str:
    location = report.locate(finding)
    place = shown_location(location) if location else shown_path(report.path)
    message = " ".join(finding.message.split())
    line = f"{place}: {finding.severity.value}[{finding.rule.code}] {message}"
    return printable(without_credentials(line))

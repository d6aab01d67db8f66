"""SARIF 2.1.0, as code scanning services read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..finding import Finding, Severity
from ..report import Location, Report
from ..rules import LISTED, ListedRule
from .foreign_text import printable, without_credentials
from .shown_paths import shown_path

__all__ = ["render"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}

Json = dict[str, Any]


def render(report: Report) -> str:
    """One run with the rules that found something and their results."""
    codes = {f.rule.code for f in report.findings}
    rules = sorted((r for r in LISTED if r.code in codes), key=lambda r: r.code)
    numbers = {rule.code: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {"name": "pixi-diagnose", "semanticVersion": __version__, "rules": [_rule(r) for r in rules]}
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not report.rejected}],
        "results": [_result(report, f, numbers[f.rule.code]) for f in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: ListedRule) -> Json:
    page = rule.page.strip()
    found = page.partition("## What it finds")[2].partition("\n## ")[0].strip()
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.name.replace("-", " ")},
        "fullDescription": {"text": " ".join(found.split()) or rule.name},
        "help": {"text": page, "markdown": page},
    }


def _result(report: Report, finding: Finding, number: int) -> Json:
    location = report.locate(finding)
    text = " ".join((_sentence(finding.message), *finding.explanation))
    return {
        "ruleId": finding.rule.code,
        "ruleIndex": number,
        "level": _LEVELS[finding.severity],
        "message": {"text": printable(without_credentials(text))},
        "locations": [_location(report, location)],
        "properties": {
            "confidence": finding.confidence.value,
            "environment": finding.environment,
            "platforms": list(finding.platforms),
            "project": finding.project,
        },
    }


def _sentence(message: str) -> str:
    return message if message.endswith((".", "!", "?")) else f"{message}."


def _location(report: Report, location: Location | None) -> Json:
    physical: Json = {"artifactLocation": {"uri": _uri(location.file if location else report.path)}}
    if location:
        physical["region"] = {
            "startLine": location.start.line,
            "startColumn": location.start.column,
            "endLine": location.end.line,
            "endColumn": location.end.column,
        }
    return {"physicalLocation": physical}


def _uri(path: str) -> str:
    shown = shown_path(path)
    return Path(shown).as_uri() if Path(shown).is_absolute() else quote(shown)

"""Readable cases of trees and what their builds need: a case is a section of a file in cases/build_needs.

A section has a title, the tree's files (each its name and its text), and what is expected, one line each and complete:
`on` (the target), `undeclared` (import, phase, strength, place), `hook`, `pin`, `tool`, `removed`, `knob`, `download`,
`stop` and `unknown`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pixi_diagnose.build_needs.model import BuildNeeds, BuildTarget
from pixi_diagnose.build_needs.providers import undeclared
from pixi_diagnose.evidence import Evidence
from pixi_diagnose.source_tree import SourceTree
from pixi_diagnose.source_tree.native_sources import is_native, look, telling

CASES = Path(__file__).parent.parent / "cases" / "build_needs"
FILE = re.compile(r"^`([^`\n]+)`\n\n```\w*\n(.*?)```\n", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"^```text\n(.*?)```\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Case:
    title: str
    files: dict[str, str]
    expected: list[str]

    @property
    def answer(self) -> list[str]:
        """The expected lines without the target."""
        return [entry for entry in self.expected if not entry.startswith("on ") and entry != "nothing"]


def cases() -> list[Case]:
    found = []
    for path in sorted(CASES.glob("*.md")):
        for section in path.read_text().split("\n## ")[1:]:
            title, _, body = section.partition("\n")
            files = dict(FILE.findall(body))
            expected = EXPECTED.findall(FILE.sub("", body))
            assert files, f"{path.name}: {title}: no file"
            assert len(expected) == 1, f"{path.name}: {title}: one block of expectations"
            found.append(Case(title, files, expected[0].splitlines()))
    return found


def tree(files: dict[str, str]) -> SourceTree:
    data = {name: text.encode() for name, text in files.items()}
    native = telling({name: source for name, text in data.items() if is_native(name) and (source := look(text))})
    names = {name: len(text) for name, text in data.items()}
    return SourceTree("directory", "a case", "", data, names, native=native)


def target(lines: list[str]) -> BuildTarget:
    """Read `on 3.12 osx-arm64 KNOB=1`."""
    words = lines[0].split()[1:] if lines and lines[0].startswith("on ") else []
    versions = [tuple(map(int, word.split("."))) for word in words if re.fullmatch(r"\d\.\d+", word)]
    variables = dict(word.split("=", 1) for word in words if "=" in word)
    subdir = next((word for word in words if "-" in word and "=" not in word), "linux-64")
    python = (versions[0][0], versions[0][1]) if versions else (3, 11)
    return BuildTarget(python=python, subdir=subdir, variables=variables)


def shown(needs: BuildNeeds, on: BuildTarget) -> Iterator[str]:
    for need in undeclared(needs, target=on):
        notes = [f"while {need.condition}"] if need.condition else []
        notes += [f"unless {' '.join(need.unless)}"] if need.unless else []
        notes += ["in the tree"] if need.in_tree else []
        yield line("undeclared", need.import_name, need.phase, need.strength, need.evidence, *notes)
    for requirement in needs.hook_requirements:
        yield f"hook {requirement}"
    for pin in needs.pins:
        yield line("pin", pin.requirement, pin.phase, "", pin.evidence)
    for tool in needs.tools:
        yield line("tool", tool.name, tool.phase, tool.strength, tool.evidence)
    for api in needs.removed:
        unless = [f"unless {' '.join(api.unless)}"] if api.unless else []
        yield line("removed", api.name, api.phase, api.strength, api.evidence, *unless)
    for knob in needs.knobs:
        yield f"knob {knob.variable} {knob.default or '-'}: {knob.effect}"
    for download in needs.downloads:
        yield line("download", download.url, download.phase, "checked" if download.checked else "", download.evidence)
    for stop in needs.stops:
        yield " ".join(["stop", stop.reason, *map(str, stop.evidence[:1])])
    for unknown in needs.unknowns:
        yield " ".join(["unknown", unknown.reason, *map(str, unknown.evidence[:1])])


def line(kind: str, name: str, phase: str, strength: str, evidence: tuple[Evidence, ...], *notes: str) -> str:
    return " ".join(word for word in (kind, name, phase, strength, str(evidence[0]), *notes) if word)

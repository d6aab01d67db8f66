"""What pixi accepts, rejects, deprecates and warns about: each case is a section of a file in cases/manifest.

A section has a title, the file's name, its text, and what is expected: `accepted`, or one line per problem in the order
in which pixi would name them: its kind, line and column, a part of the message and, after a bar, a part of the hint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from pixi_diagnose.manifest import read_manifest

CASES = Path(__file__).parent / "cases" / "manifest"
SECTION = re.compile(r"^## ([^\n]+)\n\n`([^\n]+)`\n\n```toml\n(.*?)```\n\n```text\n(.*?)```", re.MULTILINE | re.DOTALL)
KINDS = {"rejected": "invalid"}


@dataclass(frozen=True)
class Case:
    title: str
    file: str
    text: str
    expected: str


def cases() -> list[Case]:
    return [
        Case(*match.groups()) for path in sorted(CASES.glob("*.md")) for match in SECTION.finditer(path.read_text())
    ]


@pytest.mark.parametrize("case", cases(), ids=lambda case: re.sub(r"\W+", "-", case.title.lower()))
def test_a_manifest_has_the_problems_that_pixi_names(case: Case) -> None:
    manifest = read_manifest(case.text, case.file)
    expected = case.expected.splitlines()
    accepted = expected[-1] == "accepted"
    assert accepted == all(problem.kind in {"deprecated", "warning"} for problem in manifest.problems)
    for line, problem in zip(expected[: -1 if accepted else None], manifest.problems, strict=True):
        kind, place, rest = line.split(" ", 2)
        message, _, hint = rest.partition(" | ")
        assert problem.position is not None
        assert (KINDS.get(kind, kind), place) == (problem.kind, "{}:{}".format(*problem.position))
        assert message in problem.message
        assert hint in problem.hint

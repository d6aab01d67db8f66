"""No project's, release's or module's own name decides what its build needs: renamed copies get the same answer."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from pixi_diagnose.build_needs.analysis import analyse_build
from support.build_cases import Case, cases, shown, target, tree

PROJECT = "sample"
FIXED = {"setup", "__init__", "version", "_version", "build", "hatch_build", "pdm_build", "src"}
"""Names that a tool looks for, or that are also words of Python or of setup()."""


def own_names(case: Case) -> dict[str, str]:
    """Each module and folder of the tree, and its name in the copy."""
    parts = {part for file in case.files if file.endswith(".py") for part in PurePosixPath(file).with_suffix("").parts}
    return {name: f"zz{name[::-1]}" for name in sorted(parts - FIXED - {PROJECT})}


def renamed(text: str, names: dict[str, str]) -> str:
    """A text with every name of the tree replaced, the project's also inside of other words."""
    for name, new in names.items():
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", new, text)
    text = text.replace('version="1.0"', 'version="7.31.2"')
    return text.replace(PROJECT, "quokka").replace(PROJECT.upper(), "QUOKKA")


@pytest.mark.parametrize("case", cases(), ids=lambda case: re.sub(r"\W+", "-", case.title.lower()))
def test_a_renamed_copy_needs_the_same(case: Case) -> None:
    names = own_names(case)
    files = {renamed(file, names): renamed(text, names) for file, text in case.files.items()}
    on = target(case.expected)
    needs = analyse_build(tree(files), on, project="quokka", version="7.31.2")
    # Names that stand in the answer's order of the alphabet may change places.
    assert sorted(shown(needs, on)) == sorted(renamed(line, names) for line in case.answer)


def test_most_cases_have_names_to_change() -> None:
    texts = [("\n".join([*case.files, *case.files.values()]), own_names(case)) for case in cases()]
    assert sum(renamed(text, names) != text for text, names in texts) > 50

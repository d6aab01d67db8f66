"""What a build needs, read from small trees: each case is a section of a file in cases/build_needs."""

from __future__ import annotations

import re

import pytest

from pixi_diagnose.build_needs.analysis import analyse_build
from support.build_cases import Case, cases, shown, target, tree


@pytest.mark.parametrize("case", cases(), ids=lambda case: re.sub(r"\W+", "-", case.title.lower()))
def test_a_tree_needs_exactly_this(case: Case) -> None:
    on = target(case.expected)
    needs = analyse_build(tree(case.files), on)
    assert list(shown(needs, on)) == case.answer

"""Any text may stand where a build script is expected: mutations of our own cases are read to the end, and quickly."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixi_diagnose.build_needs.analysis import analyse_build
from pixi_diagnose.build_needs.hooks import UNFORESEEN
from pixi_diagnose.build_needs.model import BuildTarget
from support.build_cases import Case, cases, tree

SECONDS = 10
"""Far above what reading one of these takes."""
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
LINES = [line for case in cases() for text in case.files.values() for line in text.splitlines()]
NESTED = ("if unknown():\n", "try:\n", "def f():\n", "class A:\n", "for x in unknown():\n", "while unknown():\n")


def mutated(draw: st.DrawFn, text: str) -> str:
    """A text with some of its lines or tokens deleted, doubled, exchanged, or put one level deeper."""
    for _ in range(draw(st.integers(1, 4))):
        parts = TOKEN.findall(text) if draw(st.booleans()) else text.splitlines(keepends=True)
        if len(parts) < 2:
            break
        at, other = (draw(st.integers(0, len(parts) - 1)) for _ in range(2))
        match draw(st.sampled_from(["delete", "double", "exchange", "nest"])):
            case "delete":
                del parts[at]
            case "double":
                parts.insert(other, parts[at])
            case "exchange":
                parts[at], parts[other] = parts[other], parts[at]
            case "nest":
                lines = text.splitlines(keepends=True)
                parts = [draw(st.sampled_from(NESTED)), *(" " + line for line in lines), "\nexcept ImportError: pass\n"]
        text = "".join(parts)
    return text


@st.composite
def mutants(draw: st.DrawFn) -> Case:
    """A case of ours with one of its Python files, or any other, changed."""
    case = draw(st.sampled_from(cases()))
    file = draw(st.sampled_from(sorted(case.files)))
    return replace(case, files=case.files | {file: mutated(draw, case.files[file])})


def read(files: dict[str, str]) -> None:
    start = time.perf_counter()
    needs = analyse_build(tree(files), BuildTarget())
    assert time.perf_counter() - start < SECONDS
    assert not [unknown for unknown in needs.unknowns if unknown.reason.startswith(UNFORESEEN)]


@given(mutants())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_a_mutated_tree_is_read(case: Case) -> None:
    read(case.files)


@given(st.lists(st.sampled_from(LINES), max_size=30))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_lines_of_any_file_in_any_order_are_read(lines: list[str]) -> None:
    read({"setup.py": "\n".join(lines), "pyproject.toml": "\n".join(lines[::2]), "setup.cfg": "\n".join(lines[::3])})


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_any_text_is_read(text: str) -> None:
    read({"setup.py": text, "setup.cfg": text, "pyproject.toml": text, "CMakeLists.txt": text, "meson.build": text})

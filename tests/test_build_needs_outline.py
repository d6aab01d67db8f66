"""Bodies of functions that are parsed only when they are called are the same as in the whole file's syntax."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixi_diagnose.build_needs.interpreter.outline import SMALL, imports_only, outline

SOURCES = sorted(Path(__file__).parent.parent.glob("src/**/*.py"))
LARGE = [path for path in SOURCES if len(path.read_text(encoding="utf-8")) > SMALL]
FILLER = "# filler\n" * (SMALL // 9 + 1)
PIECES = (
    "def f(a, b=(1, 2)):\n", "def g(\n", "    a, b,\n", "): return 1\n", ") -> list[int]:\n", "async def h():\n",
    "    pass\n", "class A:\n", "    def m(self):\n", "        x = 1\n", '    """Text\n', "text\n", '"""\n',
    "    '''one'''\n", "'''\n", "x = [\n", "]\n", "# comment\n", "    # comment\n", "\n", "    return \\\n", "1\n",
    "if x:\n", "else:\n", "    def n(): pass\n", "@f\n", "x = '\"\"\"'\n", "    y = \"'''\"\n", "\tz = 2\n",
    "import a\n",
)  # fmt: skip


def check(text: str) -> int:
    """Compare the two readings of a text that is valid; how many bodies were cut out."""
    cut = outline(text)
    if cut is None:
        return 0
    assert cut.text.count("\n") == text.count("\n")
    try:
        top = ast.parse(cut.text)
    except SyntaxError:
        return 0  # it is read as a whole then
    found = 0
    for node in ast.walk(top):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (body := cut.take(node)) is not None:
            node.body = body
            found += 1
    assert ast.dump(top) == ast.dump(ast.parse(text))
    lines = [[getattr(node, "lineno", 0) for node in ast.walk(tree)] for tree in (top, ast.parse(text))]
    assert lines[0] == lines[1]
    return found


@pytest.mark.parametrize("path", LARGE, ids=lambda path: path.name)
def test_the_parts_of_a_real_module_are_the_whole(path: Path) -> None:
    check(path.read_text(encoding="utf-8"))


def test_most_real_modules_are_cut() -> None:
    assert sum(check(path.read_text(encoding="utf-8")) for path in LARGE[:30]) > 150


@given(st.lists(st.sampled_from(PIECES), max_size=25))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_pieces_in_any_order_are_cut_rightly_or_not_at_all(pieces: list[str]) -> None:
    text = FILLER + "".join(pieces)
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return
    check(text)


def test_what_looks_like_python_2_is_read_as_a_whole() -> None:
    assert outline(FILLER + "def f():\n    pass\n") is not None
    assert outline(FILLER + "def f():\n    print 'x'\n") is None
    assert outline(FILLER + "def f():\n    try: pass\n    except E, e: pass\n") is None


def test_import_lines_keep_their_numbers() -> None:
    text = "import a\nx = 1\nfrom b import (\n    c,\n)\nif x:\n    import d\nimport e  # why\n"
    nodes = ast.parse(imports_only(text)).body
    assert [(node.lineno, ast.unparse(node)) for node in nodes] == [
        (1, "import a"),
        (3, "from b import c"),
        (8, "import e"),
    ]

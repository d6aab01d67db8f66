"""Build scripts may be hostile or broken: reading one ends, stays small, and says what it gave up."""

from __future__ import annotations

import time

import pytest

from pixi_diagnose.build_needs import analyse_build
from pixi_diagnose.build_needs.interpreter.safe_regex import is_cheap
from pixi_diagnose.build_needs.model import BuildNeeds, BuildTarget
from pixi_diagnose.source_tree import SourceTree

SECONDS = 20
"""Far above what any of these takes, far below what running them would."""


def analyse(script: str | bytes, **files: str) -> BuildNeeds:
    data = {"setup.py": script.encode() if isinstance(script, str) else script}
    data |= {f"{name}.py": text.encode() for name, text in files.items()}
    tree = SourceTree("directory", "a case", "", data, {name: len(text) for name, text in data.items()})
    start = time.perf_counter()
    needs = analyse_build(tree, BuildTarget())
    assert time.perf_counter() - start < SECONDS
    return needs


ENDLESS = {
    "a loop without end": "import torch\nn = 0\nwhile True:\n    n += 1\n    for i in range(10**9):\n        n += i\n",
    "calls that double": "import torch\ndef f(n):\n    f(n + 1)\n    f(n + 2)\nf(0)\n",
    "branches that double": "import torch\ndef f(n):\n    if torch.x(n):\n        f(n)\n    else:\n        f(n)\nf(0)",
}


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_a_script_without_end_is_given_up_at_a_named_place(script: str) -> None:
    needs = analyse(script)
    assert [need.import_name for need in needs.imports] == ["setuptools.build_meta", "torch"]
    assert needs.unknowns
    assert needs.unknowns[0].evidence[0].file == "setup.py"


@pytest.mark.parametrize(
    "expression",
    [
        "'x' * 10**10",
        "10 ** 10 ** 10",
        "'%1000000000d' % 1",
        "f'{1:>1000000000}'",
        "'{:>1000000000}'.format(1)",
        "[0] * 10**10",
        "list(range(10**10))",
        "bytes(10**10)",
        "('x' * 1000).replace('x', 'y' * 100000)",
        "'x'.join(['y' * 100000] * 100000)",
        "1 << 10**10",
    ],
)
def test_large_values_are_never_made(expression: str) -> None:
    needs = analyse(f"import torch\nvalue = {expression}\nvalue = [value] * 3\nimport psutil\n")
    assert [need.import_name for need in needs.imports] == ["setuptools.build_meta", "torch", "psutil"]


def test_memory_does_not_grow_with_the_number_of_values() -> None:
    needs = analyse(
        "kept = []\ntext = 'x' * 900_000\nfor i in range(10_000):\n    text += str(i)\n    kept.append(text)\n"
    )
    assert "too much memory" in needs.unknowns[0].reason


@pytest.mark.parametrize("pattern", [r"(a+)+b", r"(a|a)*b", r"a*a*a*a*a*b", r"(.*)\1"])
def test_regular_expressions_that_may_never_end_are_not_run(pattern: str) -> None:
    assert not is_cheap(pattern, 20_000)
    needs = analyse(f"import re\nif re.search({pattern!r}, 'a' * 20_000):\n    import torch\n")
    assert [str(need.strength) for need in needs.imports[1:]] == ["conditional"]


def test_a_usual_version_pattern_is_run() -> None:
    assert is_cheap(r"""^__version__\s*=\s*['"]([^'"]*)['"]""", 15_000)


@pytest.mark.parametrize(
    "script",
    [
        b"\xff\xfe\x00 not text",
        b"import torch\x00",
        "(" * 500,
        "x = " + "-" * 5000 + "1",
        "x = " + "+".join(["1"] * 20_000),
        "def f(:\n",
        "from . import x\nfrom .... import y\n",
        "import setup\nimport setup.setup\n",
        "class A(A): pass\nA().b.c()\nsuper().x()\n",
        "from setuptools import setup\nsetup(**{1: 2}, *[1])\n",
        "exec(open('setup.py').read())\n",
        "lambda: (yield)\n",
        "raise\n",
        "return 1\n",
        "del x, y[0], z.w\nx[1:2:'a'] = 3\n",
        "import os\nos.environ[None] = 1\nos.chdir(None)\nopen(None)\nopen(b'x')\nos.path.join()\n",
    ],
)
def test_broken_scripts_give_an_answer(script: str | bytes) -> None:
    assert analyse(script).imports


def test_modules_that_import_each_other_end() -> None:
    needs = analyse("import one\n", one="import two\nimport torch\n", two="from one import missing\nimport one\n")
    assert "torch" in [need.import_name for need in needs.imports]


def test_equal_trees_give_equal_answers() -> None:
    script = "import os\nfor name in {'torch', 'numpy', 'psutil', 'scipy'}:\n    __import__(name)\n"
    assert analyse(script) == analyse(script)
    assert [need.import_name for need in analyse(script).imports[1:]] == ["numpy", "psutil", "scipy", "torch"]


def test_a_setup_script_that_was_not_kept_is_unknown() -> None:
    tree = SourceTree("sdist", "a case", "", {}, {"setup.py": 10**9}, complete=False)
    needs = analyse_build(tree, BuildTarget())
    assert [unknown.reason for unknown in needs.unknowns] == ["setup.py was not read"]

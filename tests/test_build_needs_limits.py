"""Build scripts may be hostile or broken: reading one ends, stays small, and says what it gave up."""

from __future__ import annotations

import time

import pytest

from pixi_diagnose.build_needs.analysis import analyse_build
from pixi_diagnose.build_needs.hooks import UNFORESEEN
from pixi_diagnose.build_needs.interpreter.safe_regex import is_cheap
from pixi_diagnose.build_needs.model import BuildNeeds, BuildTarget, Strength
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


LARGE = {
    "ten thousand lines": "x = 1\nif x == 2:\n    y = [x, x]\n" * 3_500,
    "ten thousand lines of functions": "".join(f"def f{i}(a, b=1):\n    return f{i - 1}(a)\n" for i in range(5_000)),
    "a long literal": "values = {" + "".join(f"'{i}': [{i}, {i}],\n" for i in range(30_000)) + "}\n",
    "a long string": "text = '" + "x" * 1_500_000 + "'\n",
    "a string that doubles": "x = 'x'\nwhile len(x) > 0:\n    x = x + x\n",
    "a list that holds itself": "x = []\nfor i in range(10**6):\n    x = [x, x]\n    x.append(x)\nprint(x == x)\n",
    "a list that doubles": "x = [1]\nfor i in range(100):\n    x = x + x\n    x.extend(x)\n    x += x\n",
    "formats that double": "x = 'x'\nfor i in range(100):\n    x = f'{x}{x}{x}'\n    x = '%s%s' % (x, x)\n",
    "a product of loops": "x = [a + b + c for a in range(999) for b in range(999) for c in range(999)]\n",
    "a generator without end": "def g():\n    while True:\n        yield 1\nprint(list(g()))\nsum(g())\n",
    "mutual recursion": "def f(n):\n    return g(n)\ndef g(n):\n    return f(n) + f(n)\nf(1)\n",
    "attributes that ask themselves": (
        "class A:\n    def __getattr__(self, n):\n        return getattr(self, n + n)\n"
        "    @property\n    def p(self):\n        return self.p\nA().p\nA().q\n"
    ),
    "classes of classes": "class A: pass\nfor i in range(10**6):\n    A = type('A', (A,), {'x': i})\nA().x\n",
    "text that executes itself": "s = 'exec(s)'\nexec(s)\neval('eval(s)')\n",
    "conditions inside each other": "".join(f"{' ' * i}if unknown():\n" for i in range(80)) + " " * 80 + "x = 1\n",
    "undecided branches in a row": "x = 0\n" + "if unknown():\n    x += 1\nelse:\n    x += 2\n" * 1_500,
    "an expression of many parts": "x = " + " or ".join(["unknown()"] * 3_000) + "\n",
    "a pattern of many alternatives": "import re\nre.match('|'.join(['(a?){20}'] * 500), 'a' * 5000)\n",
    "a wide unpacking": ", ".join(f"a{i}" for i in range(9_000)) + " = range(9000)\n",
}


@pytest.mark.parametrize("script", LARGE.values(), ids=LARGE)
def test_a_large_script_is_read_as_far_as_the_caps_allow(script: str) -> None:
    needs = analyse("import torch\n" + script)
    assert [need.import_name for need in needs.imports] == ["setuptools.build_meta", "torch"]
    assert not [unknown for unknown in needs.unknowns if unknown.reason.startswith(UNFORESEEN)]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (b"import torch\nprint 'version 2'\n", "setup.py is written for Python 2"),
        (b"import torch\ntry:\n    x\nexcept E, e:\n    pass\n", "setup.py is written for Python 2"),
        (b"import torch\x00\n", "setup.py cannot be parsed"),
        ("import torch\n".encode("utf-16"), "setup.py cannot be parsed"),
        (b"import torch\nx = (((\n", "setup.py cannot be parsed"),
        (b"import torch\nx = " + b"(" * 5_000 + b")" * 5_000, "setup.py cannot be parsed"),
        (b"import torch\n" + b"#" * 3_000_000, "setup.py is too long to be read"),
    ],
    ids=["print", "except", "null", "utf-16", "open", "deep", "long"],
)
def test_a_script_that_cannot_be_parsed_is_unknown_at_its_place(script: bytes, reason: str) -> None:
    unknown = analyse(script).unknowns[0]
    assert unknown.reason.startswith(reason)
    assert unknown.evidence[0].file == "setup.py"


def test_functions_that_only_move_data_do_not_use_up_the_steps() -> None:
    move = "def move(text):\n    return [c.upper() for word in text.split() for c in word if c != 'x']\n"
    calls = "".join(f"a{i} = move('{'many words ' * 8}')\n" for i in range(200))
    needs = analyse(f"from setuptools import setup\n{move}{calls}import torch\nsetup(setup_requires=['cython'])\n")
    assert [need.import_name for need in needs.imports] == ["setuptools.build_meta", "torch"]
    assert needs.hook_requirements == ("cython",)
    assert needs.unknowns[0].reason == "functions that had brought nothing are not followed any more"


def test_undecodable_bytes_do_not_hide_the_rest() -> None:
    needs = analyse(b"# -*- coding: latin-1 -*-\nauthor = 'Andr\xe9'\nimport torch\n")
    assert [need.import_name for need in needs.imports] == ["setuptools.build_meta", "torch"]


def test_of_a_package_beyond_the_cap_only_import_lines_are_read() -> None:
    filler = "".join(f"x{i} = {{'a': [{i}, {i}]}}\n" for i in range(2_000))
    modules = {f"m{i}": f"import other{i}\n{filler}" for i in range(8)}
    needs = analyse("".join(f"import m{i}\n" for i in range(8)), **modules)
    strengths = {need.import_name: need.strength for need in needs.imports}
    assert strengths["other0"] is Strength.HARD
    assert strengths["other7"] is Strength.CONDITIONAL
    assert needs.unknowns[0].reason == "the build imports more of its tree than is read"

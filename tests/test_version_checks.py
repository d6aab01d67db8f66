"""Versions that a build script itself insists on, read without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_diagnose.build_needs.analysis import analyse_build
from pixi_diagnose.build_needs.model import BuildTarget
from pixi_diagnose.source_tree import read_directory

REST = "\nfrom setuptools import setup\nsetup(name='p')\n"
PARSE = "import torch, numpy, sys\nfrom packaging.version import parse, Version\n"


def insisted(tmp_path: Path, script: str) -> list[str]:
    (tmp_path / "setup.py").write_text(PARSE + script + REST)
    needs = analyse_build(read_directory(tmp_path, location="."), BuildTarget())
    assert needs.stops == ()
    return [f"{v.project} {v.specifier}" for v in needs.versions]


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("assert torch.__version__ == '2.5.0', 'other torch'", ["torch ==2.5.0"]),
        ("assert '2.5.0' == torch.__version__", ["torch ==2.5.0"]),
        ("assert not torch.__version__ == '2.5.0'", ["torch !=2.5.0"]),
        ("if torch.__version__ < '2.6':\n    raise RuntimeError('old')", ["torch >=2.6"]),
        ("if parse(numpy.__version__) >= Version('2'):\n    sys.exit('too new')", ["numpy <2"]),
        ("if Version('2.6') > Version(torch.__version__):\n    raise RuntimeError('old')", ["torch >=2.6"]),
        ("if torch.__version__ == '2.6.0':\n    pass\nelse:\n    raise RuntimeError('other')", ["torch ==2.6.0"]),
        ("from importlib.metadata import version\nassert version('Cython') == '3.0'", ["cython ==3.0"]),
    ],
)
def test_a_script_that_ends_by_itself_insists(script: str, found: list[str], tmp_path: Path) -> None:
    assert insisted(tmp_path, script) == found


@pytest.mark.parametrize(
    "script",
    [
        "if torch.__version__ < '2.6':\n    print('slow')",
        "if torch.__version__ < '2.6':\n    sys.exit(0)",
        "try:\n    assert torch.__version__ == '2.5.0'\nexcept AssertionError:\n    pass",
        "if torch.cuda.is_available():\n    assert torch.__version__ == '2.5.0'",
        "if torch.cuda.is_available():\n    if torch.__version__ < '2.6':\n        raise RuntimeError('old')",
        "assert torch.__version__ != computed() if False else True",
        "assert torch.__version__ == 'nightly'",
    ],
)
def test_a_script_that_goes_on_or_cannot_be_judged_does_not(script: str, tmp_path: Path) -> None:
    assert insisted(tmp_path, script) == []


def test_text_is_not_compared_as_versions(tmp_path: Path) -> None:
    """numpy's `__version__` is a str: "1.9" > "1.10" there, so an order of it says nothing about versions."""
    assert insisted(tmp_path, "assert numpy.__version__ > '1.10'") == []

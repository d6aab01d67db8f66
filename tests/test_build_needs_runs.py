"""How many interpretations one build script takes: another one only where it can see what the first did not."""

from __future__ import annotations

import pytest

from pixi_diagnose.build_needs.analysis import analyse_build
from pixi_diagnose.build_needs.interpreter import Machine, Surroundings, TreeIndex, start
from pixi_diagnose.build_needs.model import BuildNeeds, BuildTarget, Phase, Strength
from pixi_diagnose.source_tree import SourceTree

TARGET = BuildTarget((3, 11), "linux-64")
ASKS = "setup(name='it', setup_requires=['numpy'])\n"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hook's argument of every interpretation that is made."""
    made: list[str] = []

    def started(index: TreeIndex, around: Surroundings) -> Machine:
        made.append(around.argv[1])
        return start(index, around)

    monkeypatch.setattr("pixi_diagnose.build_needs.hooks.start", started)
    return made


def needs(script: str) -> BuildNeeds:
    text = "import sys\nfrom setuptools import setup\n" + script
    names = {"setup.py": len(text)}
    return analyse_build(SourceTree("directory", "here", "", {"setup.py": text.encode()}, names), TARGET)


def seen(found: BuildNeeds, name: str) -> list[tuple[Phase, Strength]]:
    return [(need.phase, need.strength) for need in found.imports if need.import_name == name]


def test_what_the_first_hook_asks_for_needs_no_run_of_its_own(runs: list[str]) -> None:
    assert needs(ASKS).hook_requirements == ("numpy",)
    assert runs == ["egg_info"]


def test_a_script_that_tried_what_the_hook_then_brings_is_run_again(runs: list[str]) -> None:
    needs("try:\n    import numpy\nexcept ImportError:\n    numpy = None\n" + ASKS)
    assert runs[:2] == ["egg_info", "dist_info"]


def test_the_end_of_the_first_hook_runs_a_finally_around_setup(runs: list[str]) -> None:
    found = needs("try:\n    " + ASKS + "finally:\n    import torch\n")
    assert runs == ["egg_info", "dist_info"]
    assert (Phase.METADATA, Strength.HARD) in seen(found, "torch")


def test_a_word_that_no_metadata_hook_passes_is_not_looked_for_twice(runs: list[str]) -> None:
    found = needs("if 'bdist_wheel' in sys.argv:\n    import torch\nsetup(name='it')\n")
    assert runs == ["egg_info", "bdist_wheel"]
    assert seen(found, "torch") == [(Phase.WHEEL, Strength.HARD)]


@pytest.mark.parametrize("question", ["'dist_info' in sys.argv", "sys.argv[1] == 'dist_info'"])
def test_arguments_that_differ_between_the_metadata_hooks_are_given_both(runs: list[str], question: str) -> None:
    found = needs(f"if {question}:\n    import torch\nsetup(name='it')\n")
    assert runs == ["egg_info", "dist_info", "bdist_wheel"]
    assert seen(found, "torch") == [(Phase.METADATA, Strength.HARD)]


def test_without_all_that_is_guarded_and_with_it_again_is_no_third_world(runs: list[str]) -> None:
    script = "try:\n    import packaging\nexcept ImportError:\n    sys.exit('packaging is needed')\nsetup(name='it')\n"
    found = needs(script)
    assert runs == ["egg_info", "egg_info"]
    assert seen(found, "packaging") == [(Phase.METADATA, Strength.HARD)]

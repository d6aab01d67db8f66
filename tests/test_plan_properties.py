"""What holds for every plan, on generated manifests: it keeps its word, is stable, and touches only its own keys."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pixi_diagnose.document import Document, EditKind
from pixi_diagnose.evidence import KeyPath
from pixi_diagnose.finding import Plan
from pixi_diagnose.plan import without_comments
from support.worlds import World, world
from test_frontends_pixi import P6_FILES

CONDA = ("setuptools", "pytorch", "psutil", "packaging")
PYPI = ("torch", "flash", "numpy")


def generated(seed: int) -> str:
    """A manifest as a person might write it: in some layout, with comments anywhere."""
    draw = random.Random(seed)
    conda = [name for name in CONDA if draw.random() < 0.4]
    pypi = ["flash", *(name for name in PYPI if name != "flash" and draw.random() < 0.5)]
    listed = [name for name in draw.sample(pypi, len(pypi)) if draw.random() < 0.6]

    def comment(text: str) -> str:
        return f"  # {text}" if draw.random() < 0.5 else ""

    table = "feature.gpu." if draw.random() < 0.4 else ""
    lines = [f"# seed {seed}", "[workspace]", 'channels = [ "conda-forge" ]', "platforms = ['linux-64']", ""]
    lines += ["[dependencies]", f"python   = '3.11.*'{comment('keep this')}"]
    lines += [f'{name} = "*"{comment(f"for {name}")}' for name in conda]
    lines += ["", f"[{table}pypi-dependencies]{comment('from the index')}"]
    lines += [f"{name} = {{ version = '*' }}" if draw.random() < 0.4 else f'{name} = "*"' for name in pypi]
    if draw.random() < 0.2:
        lines += ["", f"[{table}pypi-options]", f"no-build-isolation = true{comment('all of them')}"]
    elif listed and draw.random() < 0.5:
        items = [f'  "{name}",{comment(f"needs {name}")}' for name in listed]
        lines += ["", f"[{table}pypi-options]", "no-build-isolation = [", *items, "]"]
    elif listed:
        lines += ["", f"[{table}pypi-options]", f"no-build-isolation = {listed!r}{comment('in this order')}"]
    lines += ["", "[environments]", "gpu = ['gpu']"] if table else []
    return ("\r\n" if draw.random() < 0.2 else "\n").join(lines) + "\n"


def touched(plan: Plan) -> set[KeyPath]:
    """What a plan's edits name, tables that they make included."""
    return {edit.key for edit in plan.edits}


def without(document: Document, keys: set[KeyPath]) -> object:
    """The values of a document but for these keys, and for tables that hold nothing else."""

    def pruned(value: object, at: KeyPath) -> object:
        if not isinstance(value, dict):
            return value
        kept = {k: pruned(v, (*at, k)) for k, v in value.items() if (*at, k) not in keys}
        return {k: v for k, v in kept.items() if v != {}}

    return pruned(document.data, ())


@pytest.mark.parametrize("seed", range(12))
def test_a_plan_keeps_its_word_is_stable_and_touches_only_its_own_keys(seed: int, tmp_path: Path) -> None:
    text = generated(seed)
    with world(tmp_path, P6_FILES) as packages:
        before = packages.diagnose({"pixi.toml": text}, every_tier=True)
        document = before.documents[before.path]
        for plan in before.plans:
            if plan.passes:
                holds(packages, document, plan)


def holds(packages: World, document: Document, plan: Plan) -> None:
    after = packages.diagnose({"pixi.toml": plan.text})
    assert {o for s in after.simulations for o in s.outcomes.values()} == {"ok"}
    assert not [f.message for f in after.findings if f.severity == "error"]
    assert after.plans == ()

    edited = Document(plan.text, document.path)
    assert edited.apply(plan.edits) == plan.text or any(e.kind is EditKind.REMOVE for e in plan.edits)
    assert without(edited, touched(plan)) == without(document, touched(plan))
    removed = [line for line in document.text.splitlines() if line not in plan.text.splitlines()]
    names = {str(part) for key in touched(plan) for part in key} | {"[", "]", '"', "'"}
    assert all(any(name in line for name in names) for line in removed)
    assert ("\r\n" in plan.text) == ("\r\n" in document.text)

    bare = without_comments(plan, {document.path: document})
    assert Document(bare.text).data == edited.data
    assert bare.text.count("#") <= document.text.count("#")

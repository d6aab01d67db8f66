"""What holds for every plan of uv and pip, on generated files: it keeps its word, is stable, and leaves the rest."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.document import EditKind
from pixi_diagnose.document.opening import open_document
from pixi_diagnose.finding import Plan
from pixi_diagnose.plan import without_comments
from pixi_diagnose.report import Report
from support.installer_bench import Bench, serving

NAMES = ("kernels", "kernels-old", "boxes", "trainer", "torch", "setuptools", "pinned", "upper")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with serving(tmp_path_factory.mktemp("bench")) as made:
        yield made


def remark(draw: random.Random, text: str) -> str:
    return f"  # {text}" if draw.random() < 0.4 else ""


def pyproject(draw: random.Random, *, settings: str) -> str:
    """A project as a person might write it, with these settings in it."""
    chosen = draw.sample(NAMES, draw.randint(2, 4))
    spelled = [f"'{n}'" if draw.random() < 0.3 else f'"{n}"' for n in chosen]
    grouped = draw.random() < 0.3
    main, other = (spelled[1:], spelled[:1]) if grouped else (spelled, [])
    wanted = f"[{', '.join(main)}]{remark(draw, 'what runs')}"
    if draw.random() < 0.5:
        wanted = "[\n" + "".join(f"  {item},{remark(draw, 'see above')}\n" for item in main) + "]"
    lines = ["# a project", "[project]", 'name = "app"', "version = '0.1'", 'requires-python = "==3.11.*"']
    lines += [f"dependencies = {wanted}", ""]
    lines += ["[dependency-groups]", f"dev = [{other[0]}]{remark(draw, 'for us')}", ""] if grouped else []
    return "\n".join([*lines, settings])


def uv_settings(draw: random.Random, table: str) -> str:
    """Settings for [tool.uv] (`table` "tool.uv."), or for uv.toml."""
    lines = [f"[{table[:-1]}]", f"package   = false{remark(draw, 'an app')}"] if table else []
    listed = draw.sample(NAMES[:4], draw.randint(0, 2))
    kind = draw.random()
    if kind < 0.2:
        lines += [f"no-build-isolation = true{remark(draw, 'all')}"]
    elif listed and kind < 0.6:
        lines += [f"no-build-isolation-package = {listed!r}{remark(draw, 'as told')}"]
    lines += ["", f"[[{table}index]]", 'url = "@INDEX@"', "default = true", ""]
    if draw.random() < 0.4:
        entry = draw.choice(['["torch==2.6.0"]', '[{ requirement = "torch", match-runtime = true }]', '["cython"]'])
        lines += [f"[{table}extra-build-dependencies]", f"{draw.choice(NAMES[:4])} = {entry}{remark(draw, 'once')}", ""]
    return "\n".join(lines)


def generated(seed: int) -> dict[str, str]:
    """The user's files, the manifest first."""
    draw = random.Random(seed)
    newline = "\r\n" if draw.random() < 0.2 else "\n"
    kind = draw.choice(["project", "project and uv.toml", "requirements"])
    if kind == "requirements":
        lines = ["# pinned by hand", "--index-url @INDEX@", ""]
        lines += [f"{name}{remark(draw, name)}" for name in draw.sample(NAMES, 3)]
        files = {"requirements.txt": "\n".join(lines) + "\n"}
        if draw.random() < 0.5:
            files["uv.toml"] = uv_settings(draw, "")
    elif kind == "project":
        files = {"pyproject.toml": pyproject(draw, settings=uv_settings(draw, "tool.uv."))}
    else:
        files = {"pyproject.toml": pyproject(draw, settings=""), "uv.toml": uv_settings(draw, "")}
        files["pyproject.toml"] += "\n[tool.uv]\npackage = false\n"
    return {name: text.replace("\n", newline) for name, text in files.items()}


def written(report: Report, plan: Plan) -> dict[str, str]:
    """All files after the plan, the manifest first."""
    texts = {path: document.text for path, document in report.documents.items()}
    texts |= {report.path: plan.text, **{change.path: change.text for change in plan.beside}}
    return {Path(path).name: text for path, text in texts.items()}


SEEDS = [(seed, "uv") for seed in range(14)] + [
    (seed, "pip") for seed in range(14) if "requirements.txt" in generated(seed)
]


@pytest.mark.parametrize(("seed", "frontend"), SEEDS)
def test_a_plan_keeps_its_word_is_stable_and_leaves_the_rest(seed: int, frontend: str, bench: Bench) -> None:
    files = generated(seed)
    asked = {"frontend": frontend, "python": "3.11", "plans": True}
    report = bench.files(files, every_tier=True, **asked)
    for plan in (p for p in report.plans if p.passes):
        edits = {report.path: plan.edits} | {change.path: change.edits for change in plan.beside}
        for path, text in {report.path: plan.text, **{c.path: c.text for c in plan.beside}}.items():
            before = report.documents[path].text if path in report.documents else ""
            only_what_is_named(before, text, path, [str(part) for e in edits[path] for part in e.key])
            if all(edit.kind is not EditKind.REMOVE for edit in edits[path]):
                assert open_document(text, path).apply(edits[path]) == text
        bare = without_comments(plan, report.documents)
        assert bare.text.count("#") <= report.documents[report.path].text.count("#")
        if not plan.commands:
            after = bench.files(written(report, plan), **asked)
            assert {o for s in after.simulations for o in s.outcomes.values()} == {"ok"}
            assert not [f.message for f in after.findings if f.severity == "error"]
            assert after.plans == ()


def only_what_is_named(before: str, after: str, path: str, named: list[str]) -> None:
    """Every line that went names a key or stands for one of a list; the line breaks and all other lines stay."""
    kept = after.splitlines()
    gone = [line for line in before.splitlines() if line not in kept]
    names = (*named, *NAMES, "[", "]")
    assert all(any(name in line for name in names) for line in gone), path
    comments = [line.partition("#")[2] for line in before.splitlines() if line.startswith("#")]
    assert all(f"#{comment}" in after for comment in comments)
    if before:
        assert ("\r\n" in after) == ("\r\n" in before)

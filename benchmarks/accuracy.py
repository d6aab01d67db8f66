# a program of one file, which prints
"""Precision and recall of the analyser against releases whose hooks were really run (truth.jsonl).

    python benchmarks/accuracy.py [--max-mb 5] [--only TEXT]

The sdists come from the user's own index and its cache. A row of quality `full` was run to its end and counts for
precision and recall; a `lower_bound` one, whose run ended early, counts for recall only. `tools` are what the metadata
hooks looked for; compilers and what only the wheel needs are not in the truth, so they have no precision.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pixi_diagnose.build_needs.model import BuildNeeds, BuildTarget, Phase, Strength
from pixi_diagnose.build_needs.providers import applicable_projects, undeclared
from pixi_diagnose.errors import PixiDiagnoseError
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.inspection import inspect_source

TRUTH = Path(__file__).with_name("truth.jsonl")
TARGET = BuildTarget((3, 11), "linux-64")
CLASSES = ("hard metadata", "hard wheel", "pin", "soft", "dynamic", "tool")
TOOL_NAMES = {"cuda": {"nvcc", "cuda"}, "rust": {"rustc", "cargo"}, "cc": {"c-compiler", "cxx-compiler"}}
"""The truth's word for a tool → the analyser's names for it. What asks for a library of the system ends in -config."""
LIBRARIES = ("-config", "graphviz")

Row = dict[str, Any]
Sets = dict[str, set[str]]


def main() -> None:
    """Run the analyser over the truth and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-mb", type=float, default=5, help="largest sdist that is read (default: 5)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only packages with this in their name")
    options = parser.parse_args()
    rows = [json.loads(line) for line in TRUTH.read_text(encoding="utf-8").splitlines()]
    rows = [r for r in rows if (r["bytes"] or 0) <= options.max_mb * 1e6 and options.only in r["package"]]
    start = time.perf_counter()
    with IndexSession() as session, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda row: analysed(row, session), rows))
    took = time.perf_counter() - start
    counts: Counter[tuple[str, str, str]] = Counter()
    for row, needs in zip(rows, answers, strict=True):
        name = f"{row['package']}=={row['version']}"
        if isinstance(needs, str):
            print(f"broken  {name}: {needs}")
            counts["broken", "", ""] += 1
            continue
        for kind, verdict, item in judged(row, needs):
            for category in (row["category"], "all"):
                counts[category, kind, verdict] += 1
            if verdict != "right":
                note = " (well-behaved)" if row["category"] == "neg" and verdict == "over" else ""
                said = "" if verdict == "over" or needs.unknowns else " and no unknown says so"
                print(f"{verdict:7} {kind:13} {name}: {item}{note}{said}")
    print(f"\n{len(rows)} releases in {took:.1f} s, {counts['broken', '', '']} broken\n")
    for category in ("all", *sorted({r["category"] for r in rows})):
        for kind in ("hard", *CLASSES):
            print_figures(category, kind, counts)


def analysed(row: Row, session: IndexSession) -> BuildNeeds | str:
    """What the analyser says of a release, or why it could not be read."""
    try:
        return inspect_source(f"{row['package']}=={row['version']}", TARGET, session).needs
    except PixiDiagnoseError as error:
        return error.message


def judged(row: Row, needs: BuildNeeds) -> Iterator[tuple[str, str, str]]:
    """(class, "right", "missed" or "over", item) for each item of either side. Hard items also as such, phase aside."""
    wanted, found = truth(row), prediction(needs)
    full = row["quality"] == "full"
    hard = {phase: wanted[f"hard {phase}"] for phase in ("metadata", "wheel")}
    for kind in ("hard", *CLASSES):
        if kind == "hard":
            want = hard["metadata"] | hard["wheel"]
            have = found["hard metadata"] | found["hard wheel"]
        else:
            want, have = wanted[kind], found[kind]
        for item in sorted(want | have):
            if item in want:
                yield kind, "right" if item in have or (kind == "soft" and item in found["any"]) else "missed", item
            elif full and kind != "tool" and not (kind == "soft" and want & alternatives(needs, item)):
                yield kind, "over", item


def alternatives(needs: BuildNeeds, project: str) -> set[str]:
    """The other names of a need: its further candidates, and its module's own name."""
    found = [need for need in needs.imports if project in need.projects[:1]]
    return {name for need in found for name in (*need.projects, named(need.import_name))}


def truth(row: Row) -> Sets:
    """What the run showed, by class, in canonical names."""
    declared = {name_of(text) for text in row["declared"] or ()}
    return {
        "hard metadata": set(map(canonicalize_name, row["hard_metadata"])),
        "hard wheel": set(map(canonicalize_name, row["hard_build"])),
        "pin": set(map(name_of, row["pins"])),
        "soft": set(map(canonicalize_name, row["soft"])),
        "dynamic": set(map(name_of, row["dynamic"])) - declared,
        "tool": set(row["tools_metadata"]),
    }


def prediction(needs: BuildNeeds) -> Sets:
    """What the analyser says, by class; `any` holds every undeclared project, whatever its strength."""
    missing = undeclared(needs, target=TARGET)
    hard = [need for need in missing if need.strength is Strength.HARD]
    tools = {tool.name for tool in needs.tools}
    return {
        "hard metadata": {need.projects[0] for need in hard if need.phase is Phase.METADATA},
        "hard wheel": {need.projects[0] for need in hard if need.phase is Phase.WHEEL},
        "pin": {name_of(pin.requirement) for pin in needs.pins},
        "soft": {need.projects[0] for need in missing if need.strength is Strength.GUARDED},
        # The truth's names of guarded modules are mostly the modules' own; those of Python 2 have no project at all.
        "any": {name for need in missing for name in (*need.projects, named(need.import_name))}
        | {named(api.name) for api in needs.removed},
        # The truth has the hook's answer as it is, whatever its markers say.
        "dynamic": set(map(name_of, needs.hook_requirements))
        - set(applicable_projects(needs.build_system.requires, TARGET)),
        "tool": tools
        | {word for word, names in TOOL_NAMES.items() if names & tools}
        | ({"system-lib"} if any(tool.endswith(LIBRARIES) for tool in tools) else set()),
    }


def named(module: str) -> str:
    """A module's first name as if it were a project's."""
    return canonicalize_name(module.partition(".")[0])


def name_of(requirement: str) -> str:
    """The canonical name of a requirement, or the text itself where it is none."""
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return requirement


def print_figures(category: str, kind: str, counts: Counter[tuple[str, str, str]]) -> None:
    """One line of figures, none for a class that this category does not have."""
    right, missed, over = (counts[category, kind, verdict] for verdict in ("right", "missed", "over"))
    if not right + missed + over:
        return
    precision = "   –" if kind == "tool" or not right + over else f"{right / (right + over):.2f}"
    recall = f"{right / (right + missed):.2f}" if right + missed else "   –"
    print(
        f"{category:6} {kind:14} precision {precision}  recall {recall}  ({right} right, {missed} missed, {over} over)"
    )


if __name__ == "__main__":
    main()

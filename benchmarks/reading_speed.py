"""How long the reading of build scripts takes, for the releases of truth.jsonl whose sdists are in the cache.

    python benchmarks/reading_speed.py [--max-mb 5] [--rounds 5] [--show 10] [--goal 60]

CPU time of one process, the best of several rounds, archives and tables read before. `30 in the middle` are the 30
around the median; as they have to be parsed in any case, the time that Python's own parser takes for their setup.py
alone is the measure to compare with. Exit status 1 where these 30 take more than the goal.

Both versions one after the other on a two-core machine under other work, in ms (before: every module was parsed as a
whole, every loop followed for ten thousand rounds):

| | before | then |
|---|---|---|
| 30 in the middle | 137 | 82 |
| the slowest | 771 | 163 |
| all 144 | 4143 | 1790 |

Later, in turns in one run, where Python's parser took 14 ms for the same 30 (before: syntax trees were left to the
garbage collector, setup() was reached by two runs where one can go on):

| | before | now |
|---|---|---|
| 30 in the middle | 84 | 73 |
| the slowest | 131 | 120 |

Then builds were also tried without nvcc where it may be done without, and products of lists followed (torch-cluster
takes three times as long, and is right), while others lost runs that told nothing: 91 for the 30, where the parser
took 18 and 20 million additions 0.77 s; the slowest 100. Of 423 million instructions for the 30, 160 are the parser's.
"""

from __future__ import annotations

import argparse
import ast
import gc
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from packaging.version import Version

from pixi_diagnose.build_needs.analysis import analyse_build
from pixi_diagnose.build_needs.model import BuildTarget
from pixi_diagnose.errors import PixiDiagnoseError, UsageError
from pixi_diagnose.index.model import Distribution
from pixi_diagnose.index.releases import Selection
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.index.tags import Target
from pixi_diagnose.manifest.model import Platform
from pixi_diagnose.source_tree import SourceTree

TRUTH = Path(__file__).with_name("truth.jsonl")
TARGET = BuildTarget((3, 11), "linux-64")
MIDDLE = 30


def main() -> None:
    """Read the trees, time their analysis, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-mb", type=float, default=5, help="largest sdist that is read (default: 5)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of which the best counts (default: 5)")
    parser.add_argument("--show", type=int, default=10, help="how many of the slowest are listed (default: 10)")
    parser.add_argument("--goal", type=float, default=60, help="ms for the 30 in the middle (default: 60)")
    options = parser.parse_args()
    trees = read_trees(options.max_mb)
    gc.collect()
    gc.freeze()
    machine = counting()
    parsing = best(options.rounds, trees, parsed)
    reading = best(options.rounds, trees, lambda tree: analyse_build(tree, TARGET))
    machine = min(machine, counting())
    by_time = sorted(reading, key=reading.__getitem__)
    start = max(0, len(by_time) // 2 - MIDDLE // 2)
    middle = by_time[start : start + MIDDLE]
    took, floor = sum(reading[n] for n in middle), sum(parsing[n] for n in middle)
    for name in by_time[::-1][: options.show]:
        print(f"{reading[name]:8.1f} ms  {name} (Python's parser: {parsing[name]:.1f} ms)")
    print(f"{len(trees)} releases: {sum(reading.values()):.0f} ms, the slowest {max(reading.values()):.0f} ms")
    print(f"{len(middle)} in the middle: {took:.0f} ms; Python's parser alone {floor:.0f} ms, {took / floor:.1f} times")
    print(f"the machine: 20 million additions in {machine:.2f} s, so {took / machine:.0f} ms where they take 1 s")
    sys.exit(took > options.goal)


def read_trees(max_mb: float) -> dict[str, SourceTree]:
    """The trees of the truth's releases, by release; those that the index does not give are left out."""
    rows = [json.loads(line) for line in TRUTH.read_text(encoding="utf-8").splitlines()]
    found: dict[str, SourceTree] = {}
    with IndexSession() as session:
        for row in rows:
            name = f"{row['package']}=={row['version']}"
            if (row["bytes"] or 0) > max_mb * 1e6:
                continue
            try:
                found[name] = read_tree(row["package"], row["version"], session)
            except PixiDiagnoseError as error:
                print(f"left out: {name}: {error.message}", file=sys.stderr)
    return found


def read_tree(project: str, version: str, session: IndexSession) -> SourceTree:
    """The sdist of a release, from the cache where it is kept there."""
    index = session.client.register(session.default_index())
    fits = Target.of(Platform(TARGET.subdir, TARGET.subdir, ()), ".".join(map(str, TARGET.python)))
    offers = session.offers(index, project, Selection(fits, no_binary=True)) or ()
    wanted = Version(version)
    offer = next((o for o in offers if o.kind == "sdist" and Version(o.version) == wanted), None)
    if offer is None:
        raise UsageError(f"the index has no sdist of {project}=={version}")
    url, sha256 = offer.url, offer.sha256
    return session.source_tree(Distribution(project, offer.version, "sdist", offer.filename, url, sha256, index))


def counting() -> float:
    """Seconds that 20 million additions take at best: how fast this machine is at the moment."""
    times = []
    for _part in range(8):
        start, total = time.process_time(), 0
        for number in range(1_000_000):
            total += number
        times.append(time.process_time() - start)
    return min(times) * 20


def parsed(tree: SourceTree) -> None:
    """What cannot be done without: the syntax of setup.py."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(tree.text("setup.py") or "")
        except (SyntaxError, ValueError):
            return


def best(rounds: int, trees: dict[str, SourceTree], task: Callable[[SourceTree], object]) -> dict[str, float]:
    """Milliseconds of CPU that a task takes at best for each tree."""
    times = dict.fromkeys(trees, float("inf"))
    for _round in range(rounds):
        for name, tree in trees.items():
            start = time.process_time()
            task(tree)
            times[name] = min(times[name], (time.process_time() - start) * 1000)
    return times


if __name__ == "__main__":
    main()

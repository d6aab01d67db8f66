"""What runs cost that have nothing to wait for: help, a lint of a locked workspace, a lock with 500 entries.

    python benchmarks/start_up.py [--runs 10] [--entries 500]

Processor time of whole processes (children included), the best of several runs, taken in turns with two peers: an empty
interpreter, and one that imports what any such program needs (`rich` and `packaging.requirements`). The workspaces are
made here, of wheels and conda packages; the second run of one is measured, offline.

Ratios to the peer say more than milliseconds on a machine whose speed varies. Exit status 1 where help takes more than
a quarter longer than the peer.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.locks import large_workspace

HELP_GOAL = 1.25
PEER = "import rich, packaging.requirements"


def main() -> None:
    """Make the workspaces, measure in turns, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--entries", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        environment = os.environ | {"XDG_CACHE_HOME": str(root / "cache")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        program = [sys.executable, "-m", "pixi_diagnose"]
        small, large = write(root / "small", 20), write(root / "large", given.entries)
        for workspace in (small, large):  # makes the cache, and writes bytecode
            subprocess.run([*program, "check", "-q", str(workspace)], env=environment, check=False, capture_output=True)
        measured = {
            "empty interpreter": [sys.executable, "-c", "pass"],
            "peer imports": [sys.executable, "-c", PEER],
            "--help": [*program, "--help"],
            "lint, 20 entries": [*program, "check", "--offline", str(small)],
            f"lint, {given.entries} entries": [*program, "check", "--offline", str(large)],
        }
        best = dict.fromkeys(measured, float("inf"))
        for _run in range(given.runs):
            for name, command in measured.items():
                best[name] = min(best[name], seconds(command, environment))
    peer = best["peer imports"]
    for name, took in best.items():
        print(f"{name:20} {took * 1000:6.0f} ms  {took / peer:5.2f} times the peer")
    sys.exit(best["--help"] / peer > HELP_GOAL)


def write(folder: Path, entries: int) -> Path:
    """A workspace with a good lock of so many entries."""
    manifest, lock = large_workspace(entries)
    folder.mkdir()
    (folder / "pixi.toml").write_text(manifest)
    (folder / "pixi.lock").write_text(lock)
    return folder


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """The processor time of one process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()

"""What runs cost that have nothing to wait for: help, a lint of a locked workspace, a lock with 500 entries.

    python benchmarks/start_up.py [--runs 10] [--entries 500]

Processor time of whole processes (children included), the best of several runs, taken in turns with two peers: an empty
interpreter, and one that imports what any such program needs (`rich` and `packaging.requirements`). The workspaces are
made here, of wheels and conda packages, and once more with an sdist that has to be built; the second run of one is
measured, offline: what the sdist's build needs is kept by then.

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

from support.locks import INDEX, large_workspace
from support.packages import PackageIndex, make_sdist, make_wheel
from support.server import Server

HELP_GOAL = 1.25
PEER = "import rich, packaging.requirements"
SETUP = """from setuptools import Extension, setup

setup(name="kernels", version="1.0", ext_modules=[Extension("kernels", ["kernels.c"])])
"""
SDIST = make_sdist("kernels", "1.0", {"setup.py": SETUP, "kernels.c": "int kernels;\n"})


def main() -> None:
    """Make the workspaces, measure in turns, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--entries", type=int, default=500)
    given = parser.parse_args()
    offered = PackageIndex([SDIST, make_wheel("setuptools", "80.9.0", {})]).routes()
    with tempfile.TemporaryDirectory() as folder, Server(offered) as server:
        root = Path(folder)
        environment = os.environ | {"XDG_CACHE_HOME": str(root / "cache")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        program = [sys.executable, "-m", "pixi_diagnose"]
        small, large = write(root / "small", 20), write(root / "large", given.entries)
        building = write(root / "building", given.entries, server.url)
        for workspace in (small, large, building):  # makes the cache, and writes bytecode
            subprocess.run([*program, "check", "-q", str(workspace)], env=environment, check=False, capture_output=True)
        measured = {
            "empty interpreter": [sys.executable, "-c", "pass"],
            "peer imports": [sys.executable, "-c", PEER],
            "--help": [*program, "--help"],
            "lint, 20 entries": [*program, "check", "--offline", str(small)],
            f"lint, {given.entries} entries": [*program, "check", "--offline", str(large)],
            "the same, and an sdist": [*program, "check", "--offline", str(building)],
        }
        best = dict.fromkeys(measured, float("inf"))
        for _run in range(given.runs):
            for name, command in measured.items():
                best[name] = min(best[name], seconds(command, environment))
    peer = best["peer imports"]
    for name, took in best.items():
        print(f"{name:24} {took * 1000:6.0f} ms  {took / peer:5.2f} times the peer")
    sys.exit(best["--help"] / peer > HELP_GOAL)


def write(folder: Path, entries: int, index: str = "") -> Path:
    """A workspace with a good lock of so many entries, and the sdist as one more where an index has it."""
    manifest, lock = large_workspace(entries)
    if index:
        first = f"- pypi: {index}/files/{SDIST.filename}"
        entry = f"{first}\n  name: kernels\n  version: '1.0'\n  sha256: {SDIST.sha256}\n  index: {INDEX}\n"
        head, packages = lock.split("packages:\n- conda:")
        lock = f"{head}      {first}\npackages:\n- conda:{packages}{entry}".replace(INDEX, f"{index}/simple")
        manifest = f'{manifest}kernels = "*"\n'.replace(INDEX, f"{index}/simple")
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

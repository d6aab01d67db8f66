"""Equal questions are answered once: a workspace of 30 environments × 4 platforms against one of its distinct ones.

    python benchmarks/many_environments.py [--environments 30] [--runs 3]

Both workspaces are made here, with a small channel and index on loopback; the large one asks what the small one asks,
over and over: every environment has one of three features, alone or in a solve group. Each is checked in processes of
its own, cold (an empty cache) and warm, plans included. The large one has to take at most twice the processor time of
the small one (its own and uv's; the wall clock says more of the machine than of the program).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.packages import PackageIndex, conda_record, make_wheel, pkg_info, write_channel
from support.worlds import World, world

PLATFORMS = ("linux-64", "linux-aarch64", "osx-arm64", "win-64")
FEATURES = ("one", "two", "three")
LIMIT = 2.0
LEAVES = 40

SDISTS = {
    f"native_{name}-1.0/{file}": text
    for name in FEATURES
    for file, text in (
        ("setup.py", f"import torch\nfrom setuptools import setup\nsetup(name='native-{name}', version='1.0')\n"),
        ("PKG-INFO", pkg_info(f"native-{name}", "1.0", [f"leaf{i}" for i in range(LEAVES)])),
    )
}


def manifest(environments: int) -> str:
    """A workspace with so many environments, each with one of the features."""
    lines = ["[workspace]", 'name = "many"', 'channels = ["conda-forge"]']
    lines += [f"platforms = {json.dumps(PLATFORMS)}", "", "[dependencies]", 'python = "3.11.*"', 'setuptools = "*"', ""]
    for name in FEATURES:
        lines += [f"[feature.{name}.dependencies]", f'lib-{name} = "*"', ""]
        lines += [f"[feature.{name}.pypi-dependencies]", f'native-{name} = "*"', 'torch = "==2.6.0"', ""]
    lines += ["[environments]"]
    for number in range(environments):
        name = FEATURES[number % len(FEATURES)]
        group = f', solve-group = "group-{name}"' if number // len(FEATURES) % 2 else ""
        lines.append(f'env{number} = {{ features = ["{name}"]{group} }}')
    return "\n".join(lines) + "\n"


def prepare(packages: World) -> None:
    """Fill the channel, with a chain of conda packages for every feature on every platform, and the index."""
    records = [conda_record("python", "3.11.7", "h0_0_cpython", subdir=p, purls=[]) for p in PLATFORMS]
    records.append(conda_record("setuptools", "80.9.0", depends=["python >=3.8"], purls=["pkg:pypi/setuptools"]))
    for name in FEATURES:
        parts = [f"lib-{name}", *(f"lib-{name}-{i}" for i in range(100))]
        for part, below in zip(parts, [*parts[1:], "python"], strict=True):
            records += [conda_record(part, "1.0", subdir=p, depends=[below], purls=[]) for p in PLATFORMS]
    write_channel(packages.root / "conda-forge", records, PLATFORMS)
    leaves = PackageIndex([make_wheel(f"leaf{i}", "1.0", {f"leaf{i}.py": ""}) for i in range(LEAVES)])
    packages.server.routes |= {path: route for path, route in leaves.routes().items() if "leaf" in path}


def seconds(folder: Path, cache: Path) -> float:
    """The processor time of one check of a workspace, in a process of its own."""
    command = [sys.executable, "-m", "pixi_diagnose", "check", "--json", str(folder)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"XDG_CACHE_HOME": str(cache)}
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    report = json.loads(done.stdout)
    outcomes = {e["outcomes"]["install"] for e in report["environments"] if e["name"] != "default"}
    if outcomes != {"fails"}:
        raise SystemExit(f"the workspace does not do what it is made for: {outcomes} {done.stderr}")
    return took


def main() -> None:
    """Measure both, print the figures, fail where the ratio is too high."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--environments", type=int, default=30)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as root, world(Path(root), SDISTS) as packages:
        prepare(packages)
        small = packages.write({"pixi.toml": manifest(2 * len(FEATURES))})
        large = packages.write({"pixi.toml": manifest(given.environments)})
        times: dict[str, list[float]] = {}
        for run in range(given.runs):
            for name, folder in (("small", small), ("large", large)):
                cache = Path(root) / f"cache-{name}-{run}"
                times.setdefault(f"{name} cold", []).append(seconds(folder, cache))
                times.setdefault(f"{name} warm", []).append(seconds(folder, cache))
    median = {what: statistics.median(taken) for what, taken in times.items()}
    worst = 0.0
    for kind in ("cold", "warm"):
        ratio = median[f"large {kind}"] / median[f"small {kind}"]
        worst = max(worst, ratio)
        print(f"{kind}: {median[f'large {kind}']:.2f} s against {median[f'small {kind}']:.2f} s, {ratio:.2f} times")
    raise SystemExit(0 if worst <= LIMIT else f"more than {LIMIT:.0f} times the time of the distinct questions")


if __name__ == "__main__":
    main()

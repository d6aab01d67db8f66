"""A good lock answers a whole run: nothing is asked of the network, and nothing is built while locking (pixi.md P9)."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pixi_diagnose.diagnose import Question, diagnose
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.outcome import Outcome
from pixi_diagnose.report import Report
from support.locks import conda_entry, large_workspace, lock_text, pypi_entry
from support.worlds import MACHINE, World, world

MANIFEST = """\
[workspace]
name = "locked"
channels = ["https://channel.example/forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.12.*"

[pypi-options]
index-url = "https://index.example/simple"

[pypi-dependencies]
app = "*"
"""


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def run(folder: Path, **question: object) -> Report:
    with IndexSession(cache_dir=folder / "cache") as session:
        return diagnose(str(folder), Question(machine=MACHINE, **question), session)  # type: ignore[arg-type]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_a_lock_of_wheels_needs_no_network(tmp_path: Path) -> None:
    manifest, lock = large_workspace(60)
    report = run(write(tmp_path, {"pixi.toml": manifest, "pixi.lock": lock}))
    (simulation,) = report.simulations
    assert simulation.resolution.source == "lock"
    assert simulation.resolution.python == "3.12.7"
    assert len(simulation.resolution.distributions) == 30
    assert simulation.outcomes == {"lock": Outcome.OK, "install": Outcome.OK}
    assert report.findings == ()
    assert report.exit_status == 0


def test_a_large_lock_imports_neither_http_client_nor_solver_nor_resolver(tmp_path: Path) -> None:
    manifest, lock = large_workspace(500)
    write(tmp_path, {"pixi.toml": manifest, "pixi.lock": lock})
    code = (
        "import sys, socket\n"
        "def refuse(*_, **__): raise AssertionError('a connection was attempted')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from pixi_diagnose.cli import main\n"
        "try: main(['check', '--json', sys.argv[1]])\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "heavy = ('httpx2', 'rattler', 'uv', 'yaml', 'pixi_diagnose.index.resolver', 'pixi_diagnose.index.overlay',\n"
        "         'pixi_diagnose.build_needs.analysis', 'pixi_diagnose.plan', 'packaging', 'html',\n"
        "         'concurrent.futures', 'subprocess', 'tempfile')\n"
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert json.loads(done.stdout)["environments"][0]["resolution"] == "lock"
    assert done.stderr.strip() == "[]"


SETUP = (
    "import torch\nfrom setuptools import setup\n\nsetup(name='kernels', version='1.0', install_requires=['numpy'])\n"
)
WORLD_MANIFEST = """\
[workspace]
name = "locked"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
kernels = "*"
"""


def world_lock(packages: World) -> str:
    """What a lock of the world's manifest holds: one project whose metadata only a build can tell."""
    head = "- conda: conda-forge/linux-64/python-3.11.7-h0_0_cpython.tar.bz2\n"
    numpy = packages.index.removesuffix("simple") + "numpy-1.26.0-py3-none-any.whl"
    sdist = next(f for f in packages.server.routes if f.endswith("kernels-1.0.tar.gz"))
    url = packages.server.url + sdist
    return (
        "version: 7\nplatforms:\n- name: linux-64\n  virtual-packages:\n  - __unix=0=0\n  - __linux=4.18\n"
        "  - __glibc=2.28\n  - __archspec=0=x86_64\nenvironments:\n  default:\n    channels:\n"
        f"    - url: conda-forge/\n    indexes:\n    - {packages.index}\n    packages:\n      linux-64:\n"
        f"      {head}      - pypi: {numpy}\n      - pypi: {url}\npackages:\n{head}  purls: []\n"
        f"- pypi: {numpy}\n  name: numpy\n  version: 1.26.0\n  index: {packages.index}\n"
        f"- pypi: {url}\n  name: kernels\n  version: '1.0'\n  index: {packages.index}\n  requires_dist:\n  - numpy\n"
    )


def test_a_source_in_the_lock_is_built_at_install_only(tmp_path: Path) -> None:
    files = {"kernels-1.0/setup.py": SETUP}
    with world(tmp_path, files) as packages:
        unlocked = packages.diagnose({"pixi.toml": WORLD_MANIFEST}, plans=False)
        locked = packages.diagnose({"pixi.toml": WORLD_MANIFEST, "pixi.lock": world_lock(packages)}, plans=False)
    assert unlocked.simulations[0].outcomes == {"lock": Outcome.FAILS, "install": Outcome.FAILS}
    assert locked.simulations[0].resolution.source == "lock"
    assert locked.simulations[0].outcomes == {"lock": Outcome.OK, "install": Outcome.FAILS}
    (build,) = locked.simulations[0].builds
    assert [p.phase for p in build.phases] == ["install"]
    assert "LCK502" not in {f.rule.code for f in locked.findings}


def test_a_stale_lock_is_told_and_everything_is_resolved_anew(tmp_path: Path) -> None:
    files = {"kernels-1.0/setup.py": SETUP}
    with world(tmp_path, files) as packages:
        edited = WORLD_MANIFEST + 'packaging = "*"\n'
        report = packages.diagnose({"pixi.toml": edited, "pixi.lock": world_lock(packages)}, plans=False)
    (finding,) = [f for f in report.findings if f.rule.code == "LCK502"]
    assert finding.message.endswith("the requirement 'packaging' could not be satisfied (required by '<environment>')")
    assert finding.place is not None
    assert finding.place.key == ("pypi-dependencies", "packaging")
    assert report.simulations[0].resolution.source == "solved"
    assert report.simulations[0].outcomes["lock"] is Outcome.FAILS


def test_a_lock_that_cannot_be_read_is_named_and_the_input_is_at_fault(tmp_path: Path) -> None:
    with world(tmp_path) as packages:
        manifest = WORLD_MANIFEST.replace('kernels = "*"', 'packaging = "*"')
        report = packages.diagnose({"pixi.toml": manifest, "pixi.lock": "version: 7\nenvironments: 1\n"})
    (unknown,) = [u for u in report.unknowns if u.subject == "pixi.lock"]
    assert unknown.reason == "pixi.lock cannot be read: environments is no mapping; resolved without it"
    assert report.simulations[0].resolution.source == "solved"
    assert report.exit_status == 2


def test_a_lock_of_a_newer_format_is_resolved_anew_as_pixi_does(tmp_path: Path) -> None:
    with world(tmp_path) as packages:
        manifest = WORLD_MANIFEST.replace('kernels = "*"', 'packaging = "*"')
        lock = lock_text([conda_entry("python", "3.11.7")]).replace("version: 7", "version: 8", 1)
        report = packages.diagnose({"pixi.toml": manifest, "pixi.lock": lock})
    (finding,) = [f for f in report.findings if f.rule.code == "LCK502"]
    assert finding.message == "pixi.lock is out of date: its format, version 8, is unknown to pixi 0.77"
    assert report.simulations[0].resolution.source == "solved"


@pytest.mark.usefixtures("no_network")
def test_each_environment_is_judged_by_itself(tmp_path: Path) -> None:
    """pixi resolves anew only what is out of date; offline, the rest is what the manifest declares."""
    lock = lock_text([conda_entry("python", "3.12.7"), pypi_entry("app", "1.0")])
    manifest = MANIFEST + "[feature.more.dependencies]\nother = '*'\n[environments]\nmore = ['more']\n"
    write(tmp_path, {"pixi.toml": manifest, "pixi.lock": lock})
    with IndexSession(cache_dir=tmp_path / "cache", offline=True) as session:
        report = diagnose(str(tmp_path), Question(machine=MACHINE, plans=False), session)
    assert {s.environment.name: s.resolution.source for s in report.simulations} == {
        "default": "lock",
        "more": "partial",
    }
    assert [f.message for f in report.findings if f.rule.code == "LCK502"] == [
        "pixi.lock is out of date: the environment 'more' does not exist in the lock file"
    ]


@pytest.mark.usefixtures("no_network")
def test_a_folder_in_the_lock_is_read(tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "setup.py").write_text("import torch\nfrom setuptools import setup\nsetup(name='local')\n")
    lock = lock_text([conda_entry("python", "3.12.7"), "- pypi: ./local\n  name: local"])
    manifest = MANIFEST.replace('app = "*"', 'local = { path = "local" }')
    write(tmp_path, {"pixi.toml": manifest, "pixi.lock": lock})
    with IndexSession(cache_dir=tmp_path / "cache", offline=True) as session:
        report = diagnose(str(tmp_path), Question(machine=MACHINE, plans=False), session)
    (simulation,) = report.simulations
    assert simulation.resolution.source == "lock"
    assert [(b.project, [p.phase for p in b.phases]) for b in simulation.builds] == [("local", ["install"])]
    needs = simulation.builds[0].subject.needs
    assert needs is not None
    assert "torch" in {n.import_name for n in needs.imports}

"""A pylock.toml as the input itself: what `uv pip sync` installs from it, held to the real one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_diagnose.diagnose import diagnose
from pixi_diagnose.errors import UsageError
from pixi_diagnose.finding import Finding
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.index.uv import uv_program
from pixi_diagnose.manifest import find_manifest
from pixi_diagnose.outcome import Outcome
from pixi_diagnose.question import Question
from pixi_diagnose.report import Report
from support.packages import make_sdist, make_wheel, pkg_info
from support.server import Response, Server
from support.worlds import MACHINE

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
WHEEL = make_wheel("demo", "1.0", {"demo.py": ""})
SDIST = make_sdist(
    "made",
    "1.0",
    {"PKG-INFO": pkg_info("made", "1.0"), "setup.py": "import torch\nfrom setuptools import setup\nsetup()\n"},
)
HEAD = 'lock-version = "1.0"\ncreated-by = "test"\n'
DEMO = '[[packages]]\nname = "demo"\nversion = "1.0"\nwheels = [{ url = "@DEMO@", hashes = { sha256 = "@SHA@" } }]\n'
MADE = '[[packages]]\nname = "made"\nversion = "1.0"\nsdist = { url = "@MADE@", hashes = { sha256 = "@SUM@" } }\n'


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    routes = {f"/{file.filename}": Response(file.data) for file in (WHEEL, SDIST)}
    with Server(routes) as server:
        yield server


def written(folder: Path, server: Server, text: str) -> Path:
    for mark, value in {
        "@DEMO@": f"{server.url}/{WHEEL.filename}",
        "@SHA@": WHEEL.sha256,
        "@MADE@": f"{server.url}/{SDIST.filename}",
        "@SUM@": SDIST.sha256,
    }.items():
        text = text.replace(mark, value)
    (folder / "pylock.toml").write_text(text)
    return folder / "pylock.toml"


def diagnosed(path: Path, **question: object) -> Report:
    with IndexSession(cache_dir=path.parent / "cache") as session:
        return diagnose(str(path), Question(machine=MACHINE, python=PYTHON, plans=False, **question), session)  # type: ignore[arg-type]


def line(report: Report, finding: Finding) -> int:
    location = report.locate(finding)
    assert location is not None
    return location.start.line


def synced(path: Path) -> subprocess.CompletedProcess[str]:
    """What the real uv says of it, into an environment with nothing in it."""
    kept = {
        "PATH": os.environ["PATH"],
        "HOME": str(path.parent),
        "UV_CACHE_DIR": str(path.parent / "uv"),
        "NO_COLOR": "1",
    }
    command = [uv_program(), "pip", "install", "-r", "pylock.toml", "--target", "target", "--dry-run"]
    command += ["--preview-features", "pylock", "--python", sys.executable]
    return subprocess.run(command, cwd=path.parent, env=kept, capture_output=True, text=True, check=False)


def test_what_it_locks_is_installed_and_what_has_no_wheel_is_built(tmp_path: Path, server: Server) -> None:
    path = written(tmp_path, server, HEAD + DEMO + MADE)
    report = diagnosed(path)
    (simulation,) = report.simulations
    assert simulation.resolution.source == "lock"
    assert [(d.project, d.kind) for d in simulation.resolution.distributions] == [("demo", "wheel"), ("made", "sdist")]
    assert simulation.outcomes == {"lock": Outcome.OK, "install": Outcome.FAILS}
    (finding,) = report.findings
    assert finding.rule.code == "ISO101"
    assert line(report, finding) == 8
    real = synced(path)
    assert "+ demo==1.0" in real.stderr
    assert "+ made==1.0" in real.stderr


@pytest.mark.parametrize(
    ("text", "said", "uv_says"),
    [
        ('requires-python = ">=3.99"\n' + DEMO, "does not satisfy", "incompatible with the `pylock.toml`"),
        (DEMO + DEMO, "Multiple packages with the name 'demo'", "demo"),
        (DEMO.replace("@DEMO@", "https://f.example/demo-1.0-cp27-cp27m-win32.whl"), "demo", "demo"),
    ],
)
def test_what_does_not_fit_fails_as_uv_fails(
    tmp_path: Path, server: Server, text: str, said: str, uv_says: str
) -> None:
    path = written(tmp_path, server, HEAD + text)
    report = diagnosed(path)
    (simulation,) = report.simulations
    real = synced(path)
    assert real.returncode != 0
    assert uv_says in real.stderr
    failure = simulation.resolution.failure
    assert failure is not None
    assert said in failure.message
    assert simulation.outcomes["lock"] is Outcome.FAILS
    assert [f.rule.code for f in report.findings] == ["IDX404"]


def test_uvs_settings_hold_for_it(tmp_path: Path, server: Server) -> None:
    path = written(tmp_path, server, HEAD + MADE)
    (tmp_path / "uv.toml").write_text("no-build = true\n")
    (simulation,) = diagnosed(path).simulations
    assert simulation.resolution.failure is not None
    assert "no-build forbids it" in simulation.resolution.failure.message
    assert synced(path).returncode != 0


def test_folders_and_files_beside_it_are_read(tmp_path: Path) -> None:
    file = f'{{ path = "files/{WHEEL.filename}", hashes = {{ sha256 = "{WHEEL.sha256}" }} }}'
    text = f'{HEAD}[[packages]]\nname = "demo"\nwheels = [{file}]\n'
    text += '[[packages]]\nname = "local"\ndirectory = { path = "local" }\n'
    for name in ("files", "local"):
        (tmp_path / name).mkdir()
    (tmp_path / "files" / WHEEL.filename).write_bytes(WHEEL.data)
    (tmp_path / "local" / "setup.py").write_text("import torch\n")
    (tmp_path / "pylock.toml").write_text(text)
    report = diagnosed(tmp_path / "pylock.toml")
    (simulation,) = report.simulations
    assert [(d.project, d.kind) for d in simulation.resolution.distributions] == [
        ("demo", "wheel"),
        ("local", "directory"),
    ]
    (build,) = simulation.builds
    assert build.phase("install").outcome is Outcome.FAILS  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        (HEAD + '[[packages]]\nname = "A B"\n', 4, "is not normalized"),
        (HEAD + '[[packages]]\nname = "a"\nwheels = [{ url = "x" }]\n', 5, "Missing required value"),
        ('created-by = "x"\n', 1, "lock-version"),
        ('lock-version = "9.0"\ncreated-by = "x"\npackages = []\n', 1, "9.0"),
    ],
)
def test_an_invalid_one_is_named_at_its_place(tmp_path: Path, text: str, at: int, said: str) -> None:
    (tmp_path / "pylock.toml").write_text(text)
    report = diagnosed(tmp_path / "pylock.toml")
    (finding,) = report.findings
    assert (report.rejected, finding.rule.code) == (True, "CFG901")
    assert said in finding.message
    assert line(report, finding) == at


def test_pip_and_pixi_do_not_take_it(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text(HEAD + "packages = []\n")
    for frontend in ("pip", "pixi"):
        with pytest.raises(UsageError, match=r"does not install from pylock\.toml"):
            diagnosed(tmp_path / "pylock.toml", frontend=frontend)


def test_one_in_a_folder_is_found_after_everything_else(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text("")
    assert find_manifest(tmp_path, {}).name == "pylock.toml"
    (tmp_path / "requirements.txt").write_text("")
    assert find_manifest(tmp_path, {}).name == "requirements.txt"

"""inspect: what it says of a release, an archive and a folder, and that a kept answer costs neither network nor uv."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pixi_diagnose.build_needs.model import BuildTarget, Phase
from pixi_diagnose.cli import main
from pixi_diagnose.index.session import FRESH, IndexSession
from pixi_diagnose.inspection import Inspection, inspect_source
from pixi_diagnose.outcome import Outcome
from support.packages import write_files
from support.worlds import World, sdists, world

TRAINER = {
    "trainer-1.0/setup.py": "import torch\nfrom setuptools import setup\nsetup(name='trainer', version='1.0')\n",
    "trainer-1.0/PKG-INFO": "Metadata-Version: 2.2\nName: trainer\nVersion: 1.0\nRequires-Python: >=3.9\n",
}
SETUP = "from setuptools import setup\nsetup()\n"
COMMAND = """\
from setuptools import setup
from setuptools.command.build_py import build_py

class Own(build_py):
    def run(self):
        import torch

setup(cmdclass={"build_py": Own})
"""
TABLE = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An index with one sdist, a cache of our own, and no settings of uv but the index."""
    for name in [n for n in os.environ if n.startswith("UV_")]:
        monkeypatch.delenv(name)
    with world(tmp_path / "world", TRAINER) as made:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        monkeypatch.setenv("UV_INDEX_URL", made.index)
        monkeypatch.setenv("COLUMNS", "80")
        yield made


def inspected(what: str | Path, **target: Any) -> Inspection:
    with IndexSession() as session:
        return inspect_source(str(what), BuildTarget(**target), session)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["inspect", *map(str, arguments)])


def project(root: Path, files: dict[str, str]) -> Path:
    return write_files(root / "own-thing", files)


# --- kept answers -----------------------------------------------------------------------------------------------------

WATCHED = """
import sys
events = []
sys.addaudithook(lambda event, _: event in {"subprocess.Popen", "socket.connect"} and events.append(event))
from pixi_diagnose.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    events.append(f"status {end.code}")
heavy = {"packaging", "tomli", "httpx2", "rattler", "asyncio", "ssl", "rich.console", "platformdirs", "subprocess"}
ours = ("manifest", "metadata", "source_tree", "conda", "resolve", "frontends", "build_needs.analysis", "index.pages")
print(events, sorted(m for m in sys.modules if m in heavy or m in {f"pixi_diagnose.{o}" for o in ours}))
"""


def watched(*arguments: str) -> str:
    command = [sys.executable, "-c", WATCHED, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]


def test_a_kept_answer_starts_no_program_opens_no_connection_and_imports_nothing_heavy(packages: World) -> None:
    first = watched("inspect", "trainer==1.0")
    assert "subprocess.Popen" in first
    assert "socket.connect" in first
    asked = len(packages.server.paths)
    for arguments in (["trainer==1.0"], ["--json", "trainer==1.0"], ["--offline", "trainer==1.0"]):
        assert watched("inspect", *arguments) == "['status 0'] []"
    assert len(packages.server.paths) == asked


def test_a_kept_archive_is_not_even_opened(tmp_path: Path) -> None:
    archive = tmp_path / "trainer-1.0.tar.gz"
    archive.write_bytes(sdists(TRAINER)[0].data)
    watched("inspect", str(archive))
    assert watched("inspect", str(archive)) == "['status 0'] []"


def test_the_page_decides_how_long_an_answer_holds_and_the_archive_is_fetched_once(
    packages: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = inspected("trainer==1.0")
    asked = len(packages.server.paths)
    now = time.time
    monkeypatch.setattr("time.time", lambda: now() + FRESH + 1)
    assert inspected("trainer==1.0") == before
    later = packages.server.paths[asked:]
    assert [path for path in later if path.endswith("/trainer/")]
    assert not [path for path in later if path.endswith(".tar.gz")]


def test_another_target_is_another_answer() -> None:
    assert inspected("trainer==1.0").target.python == (3, 11)
    assert inspected("trainer==1.0", python=(3, 12)).target.python == (3, 12)


def test_a_folder_is_read_anew_when_a_file_of_it_changed(tmp_path: Path) -> None:
    folder = project(tmp_path, {"setup.py": "import torch\n" + SETUP})
    assert [n.import_name for n in inspected(folder).missing] == ["torch"]
    assert inspected(folder) == inspected(folder)
    (folder / "setup.py").write_text("import numpy\n" + SETUP)
    assert [n.import_name for n in inspected(folder).missing] == ["numpy"]


def test_an_archive_of_the_same_name_with_another_content_is_another_one(tmp_path: Path) -> None:
    archive = tmp_path / "trainer-1.0.tar.gz"
    archive.write_bytes(sdists(TRAINER)[0].data)
    assert inspected(archive).missing
    archive.write_bytes(sdists(TRAINER | {"trainer-1.0/setup.py": SETUP})[0].data)
    assert not inspected(archive).missing


def test_credentials_of_the_default_index_are_not_written_down(
    packages: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX_URL", packages.index.replace("http://", "http://someone:hunter2@"))
    assert inspected("trainer==1.0").needs.project == "trainer"
    kept = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("facts*"))
    assert b"trainer" in kept
    assert b"hunter2" not in kept


def test_a_change_of_uvs_configuration_is_seen_at_once(
    packages: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_INDEX_URL")
    configuration = write_files(tmp_path / "config", {"uv/uv.toml": 'index-url = "http://127.0.0.1:9/simple"\n'})
    asking = "from pixi_diagnose.index.session import IndexSession as S\nwith S() as s: print(s.default_index())"

    def answer() -> str:
        return subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True).stdout.strip()

    assert answer() == "http://127.0.0.1:9/simple"
    (configuration / "uv" / "uv.toml").write_text(f'index-url = "{packages.index}"\n')
    assert answer() == packages.index


# --- what it says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "metadata", "wheel"),
    [
        (SETUP, "ok", "ok"),
        ("import torch\n" + SETUP, "fails", "fails"),
        ("import pkg_resources\n" + SETUP, "fails", "fails"),
        ("import os\nif os.listdir('/opt'):\n    import torch\n" + SETUP, "at-risk", "at-risk"),
        ("try:\n    import torch\nexcept ImportError:\n    pass\n" + SETUP, "ok", "ok"),
        ("print 'two'\n", "fails", "fails"),
        (COMMAND, "ok", "fails"),
    ],
)
def test_how_an_isolated_build_ends(tmp_path: Path, script: str, metadata: str, wheel: str) -> None:
    found = inspected(project(tmp_path, {"setup.py": script}))
    assert (found.outcome(Phase.METADATA), found.outcome(Phase.WHEEL)) == (Outcome(metadata), Outcome(wheel))


def test_a_release_of_the_index_is_judged_first_and_explained_below() -> None:
    said = run("trainer").stdout.splitlines()
    assert said[:3] == [
        "trainer 1.0 · sdist · Python 3.11 on linux-64 · no package code was run",
        "",
        "✗ An isolated build fails: nobody declares torch (setup.py:1)",
    ]
    assert "  torch                  metadata  setup.py:1  nobody" in said
    assert "Python    >=3.9" in said
    assert not [line for line in said if "Declare it" in line]  # its user cannot


def test_quiet_ends_after_the_verdict() -> None:
    assert run("-q", "trainer").stdout.splitlines()[2:] == [
        "✗ An isolated build fails: nobody declares torch (setup.py:1)"
    ]


def test_an_own_folder_is_told_what_to_declare(tmp_path: Path) -> None:
    script = "import numpy\nimport pkg_resources\n" + SETUP
    folder = project(tmp_path, {"pyproject.toml": f"\n{TABLE}", "setup.py": script})
    said = " ".join(run(folder).stdout.split())
    assert "Declare it: setuptools<81 and numpy in [build-system] requires (pyproject.toml:2)" in said
    (folder / "pyproject.toml").unlink()
    said = " ".join(run(folder).stdout.split())
    assert 'a pyproject.toml with [build-system] requires = ["setuptools<81", "numpy"]' in said


def test_what_is_declared_as_it_says_makes_the_folder_pass(tmp_path: Path) -> None:
    script = "import numpy\nimport pkg_resources\n" + SETUP
    table = TABLE.replace('["setuptools"]', '["setuptools<81", "numpy"]')
    folder = project(tmp_path, {"pyproject.toml": table, "setup.py": script})
    assert inspected(folder).outcome(Phase.WHEEL) is Outcome.OK
    assert "✓ An isolated build gets all that it imports" in run(folder).stdout


def test_a_folder_is_called_what_it_calls_itself(tmp_path: Path) -> None:
    folder = project(tmp_path, {"pyproject.toml": f'{TABLE}[project]\nname = "Some.Thing"\nversion = "2"\n'})
    assert run(folder).stdout.startswith("some-thing 2 · directory · ")
    (folder / "pyproject.toml").write_text(TABLE)
    assert run(folder).stdout.startswith("own-thing · directory · ")


def test_a_folder_without_a_project_is_an_error(tmp_path: Path) -> None:
    folder = project(tmp_path, {"pixi.toml": ""})
    result = run("--json", folder, "trainer")
    assert result.exit_code == 2
    missing, found = json.loads(result.stdout)
    assert "is no Python project: it has neither a pyproject.toml nor a setup.py" in missing["error"]["message"]
    assert "pixi-diagnose check" in missing["error"]["hint"]
    assert found["project"] == "trainer"


def test_optional_imports_are_one_line_and_all_of_them_on_request(tmp_path: Path) -> None:
    names = ("alpha", "beta", "gamma", "delta")
    script = "".join(f"try:\n    import {n}\nexcept ImportError:\n    pass\n" for n in names)
    folder = project(tmp_path, {"setup.py": script + SETUP})
    said = run(folder).stdout
    assert "goes on without  alpha (setup.py:2), beta (setup.py:6), gamma (setup.py:10) and" in said
    assert "nobody" not in said
    assert run("-v", folder).stdout.count("nobody; it goes on without") == len(names)


def test_a_tool_is_one_line_and_says_what_brings_it(tmp_path: Path) -> None:
    table = '[build-system]\nrequires = ["meson-python", "cython"]\nbuild-backend = "mesonpy"\n'
    meson = "project('own', 'c', 'cython')\n"
    said = run(project(tmp_path, {"pyproject.toml": table, "meson.build": meson})).stdout
    assert "cython, for the wheel (meson.build:1); declared" in said
    assert "c-compiler, for the wheel (meson.build:1)\n" in said


def test_a_download_says_from_where_when_and_whether_a_hash_is_compared(tmp_path: Path) -> None:
    script = "from urllib.request import urlretrieve\nurlretrieve('https://models.example/weights', 'w')\n" + SETUP
    folder = project(tmp_path, {"setup.py": script})
    assert "downloads  from models.example, for its metadata, no hash compared (setup.py:2)" in run(folder).stdout
    (download,) = json.loads(run("--json", folder).stdout)["downloads"]
    assert download == {
        "url": "https://models.example/weights",
        "host": "models.example",
        "phase": "metadata",
        "checked": False,
        "evidence": [{"file": "setup.py", "line": 2}],
    }


def test_what_a_script_says_at_its_end_is_cut_to_one_line(tmp_path: Path) -> None:
    folder = project(tmp_path, {"setup.py": f"raise SystemExit({('word ' * 100 + chr(10)) * 3!r})\n"})
    (line,) = (line for line in run("--json", folder).stdout.splitlines() if '"reason": "the build script' in line)
    assert len(line) > 500
    verdict = run(folder).stdout.split("\n\n")[1]
    assert len(verdict) < 300
    assert verdict.endswith("… (setup.py:1)")

"""verify runs the real hooks of small projects of our own, over a loopback index, and compares with the prediction.

The projects bring a backend of their own, or a stand-in for setuptools of a few lines that runs setup.py.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pixi_diagnose.build_needs.model import BuildNeeds, BuildSystem, BuildTarget
from pixi_diagnose.cli import main
from pixi_diagnose.errors import ArchiveError
from pixi_diagnose.verify.comparison import compare
from pixi_diagnose.verify.model import ObservedBuild, Plan, Standing
from pixi_diagnose.verify.throwaway import Throwaway
from support.packages import PackageIndex, make_sdist, make_tar, make_wheel, pkg_info, write_files
from support.server import Server

SETUPTOOLS = """
import os, sys
import setuptools

def _answer(wanted):
    setuptools.asked = []
    sys.path.insert(0, os.getcwd())
    # as the real one: the code has no file name but that of its globals
    exec(open("setup.py").read(), {"__name__": "__main__", "__file__": os.path.abspath("setup.py")})
    return setuptools.asked

def get_requires_for_build_wheel(config_settings=None):
    return _answer("requires")

def prepare_metadata_for_build_wheel(directory, config_settings=None):
    _answer("metadata")
    os.mkdir(os.path.join(directory, "twin-1.0.dist-info"))
    return "twin-1.0.dist-info"

class Legacy:
    get_requires_for_build_wheel = staticmethod(get_requires_for_build_wheel)
    prepare_metadata_for_build_wheel = staticmethod(prepare_metadata_for_build_wheel)

__legacy__ = Legacy()
"""
SETUP = "def setup(setup_requires=(), **given):\n    asked.extend(setup_requires)\n"
WHEELS = (
    make_wheel(
        "setuptools",
        "80.9.0",
        {"setuptools/__init__.py": SETUP, "setuptools/build_meta.py": SETUPTOOLS, "pkg_resources/__init__.py": ""},
    ),
    make_wheel(
        "setuptools",
        "84.0.0",
        {"setuptools/__init__.py": SETUP, "setuptools/build_meta.py": SETUPTOOLS},
    ),
    make_wheel("numpy", "1.26.0", {"numpy/__init__.py": ""}),
    make_wheel("vision", "1.0", {"vision/__init__.py": ""}, requires=["torch"]),
    make_wheel("cython", "3.0.0", {"Cython/__init__.py": ""}),
    make_wheel("torch", "2.6.0", {"torch/__init__.py": "raise SystemExit('the large one was installed')\n"}),
)
IN_TREE = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BACKEND = """
import os

def get_requires_for_build_wheel(config_settings=None):
    {requires}
    return []

def prepare_metadata_for_build_wheel(directory, config_settings=None):
    os.mkdir(os.path.join(directory, "twin-1.0.dist-info"))
    return "twin-1.0.dist-info"

def build_wheel(directory, config_settings=None, metadata_directory=None):
    {wheel}
    open(os.path.join(directory, "twin-1.0-py3-none-any.whl"), "w").close()
    return "twin-1.0-py3-none-any.whl"
"""


@pytest.fixture(scope="module")
def index() -> Iterator[Server]:
    with Server(PackageIndex(WHEELS).routes()) as server:
        yield server


@pytest.fixture(autouse=True)
def temporary(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, index: Server
) -> Path:
    """An index, a cache and a folder for temporary files of our own."""
    for name in [n for n in os.environ if n.startswith("UV_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("UV_INDEX_URL", f"{index.url}/simple")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "uv"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    return folder


def project(root: Path, files: dict[str, str]) -> str:
    return str(write_files(root / "twin", {"PKG-INFO": pkg_info("twin", "1.0", metadata_version="2.1")} | files))


def in_tree(root: Path, requires: str = "", wheel: str = "") -> str:
    backend = BACKEND.format(requires=requires or "pass", wheel=wheel or "pass")
    return project(root, {"pyproject.toml": IN_TREE, "backend.py": backend})


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["verify", *arguments])


def answer(*arguments: str) -> tuple[int, Any]:
    result = run("--yes", "--quiet", "--json", *arguments)
    return result.exit_code, json.loads(result.stdout)


def standing(document: Any) -> list[tuple[str, str, str]]:
    return [(item["kind"], item["name"], item["standing"]) for item in document["comparison"]]


def test_an_undeclared_import_at_module_level_is_seen_where_it_stands_and_agrees(tmp_path: Path) -> None:
    status, document = answer(project(tmp_path, {"setup.py": "import numpy\nfrom setuptools import setup\nsetup()\n"}))
    assert standing(document) == [("import", "numpy", "agreed")]
    assert document["observed"]["imports"] == [
        {
            "import_name": "numpy",
            "project": "numpy",
            "phase": "metadata",
            "strength": "hard",
            "stand_in": False,
            "evidence": [{"file": "setup.py", "line": 1}],
        }
    ]
    assert document["observed"]["passed"] == document["hooks"]
    assert status == 0


def test_a_guarded_import_is_seen_and_nothing_is_put_in_for_it(tmp_path: Path, index: Server) -> None:
    script = "try:\n    import cython_lint\nexcept ImportError:\n    pass\nfrom setuptools import setup\nsetup()\n"
    status, document = answer(project(tmp_path, {"setup.py": script}))
    assert standing(document) == [("import", "cython-lint", "agreed")]
    assert document["observed"]["imports"][0]["strength"] == "guarded"
    assert not any("cython-lint" in path for path in index.paths)
    assert status == 0


def test_a_handler_that_ends_the_script_makes_an_import_hard(tmp_path: Path) -> None:
    script = "try:\n    import numpy\nexcept ImportError:\n    raise SystemExit('install it first')\n"
    status, document = answer(project(tmp_path, {"setup.py": f"{script}from setuptools import setup\nsetup()\n"}))
    assert standing(document) == [("import", "numpy", "agreed")]
    assert document["observed"]["imports"][0]["strength"] == "hard"
    assert "install it first" in document["observed"]["notes"][0]
    assert status == 0


def test_an_import_that_does_not_mend_the_end_stays_guarded(tmp_path: Path) -> None:
    ends = "try:\n        import numpy\n    except ImportError:\n        pass\n    raise OSError(len(os.environ) * 0)"
    _, document = answer(in_tree(tmp_path, requires=ends))
    assert [(o["project"], o["strength"]) for o in document["observed"]["imports"]] == [("numpy", "guarded")]
    assert document["observed"]["notes"] == []
    assert document["observed"]["stopped"]["reason"] == "OSError: 0"


def test_several_imports_behind_one_handler_with_one_message_are_all_hard(tmp_path: Path) -> None:
    script = "try:\n    import Cython\n    import numpy\nexcept ImportError:\n    raise SystemExit('both are needed')\n"
    _, document = answer(project(tmp_path, {"setup.py": f"{script}from setuptools import setup\nsetup()\n"}))
    seen = [(o["project"], o["strength"], o["evidence"]) for o in document["observed"]["imports"]]
    assert seen == [
        ("cython", "hard", [{"file": "setup.py", "line": 2}]),
        ("numpy", "hard", [{"file": "setup.py", "line": 3}]),
    ]
    assert document["observed"]["stopped"] is None


def test_what_the_standard_library_looks_for_on_the_way_is_not_put_in(tmp_path: Path, index: Server) -> None:
    looks = "import sys; sys.modules.pop('copy', None); import copy\n    raise NameError('nvcc_version')"
    _, document = answer(in_tree(tmp_path, requires=looks))
    assert document["observed"]["imports"] == []
    assert document["observed"]["stopped"]["reason"] == "NameError: nvcc_version"
    assert not any("/org/" in path for path in index.paths)


def test_a_module_that_this_setuptools_no_longer_has_is_a_pin_and_no_import(tmp_path: Path) -> None:
    script = "import pkg_resources\nfrom setuptools import setup\nsetup()\n"
    status, document = answer(project(tmp_path, {"setup.py": script}))
    assert document["observed"]["pins"] == ["setuptools<81"]
    assert standing(document) == [("pin", "setuptools", "agreed")]
    assert status == 0


def test_what_setup_requires_asks_for_is_installed_before_the_next_hook(tmp_path: Path) -> None:
    status, document = answer(
        project(tmp_path, {"setup.py": "from setuptools import setup\nsetup(setup_requires=['cython'])\n"})
    )
    assert document["observed"]["hook_answer"] == ["cython"]
    assert ("hook answer", "cython", "agreed") in standing(document)
    assert status == 0


def test_what_only_the_wheel_needs_is_seen_only_when_the_wheel_is_built(tmp_path: Path) -> None:
    folder = in_tree(tmp_path, wheel="import numpy")
    status, document = answer(folder)
    assert (status, standing(document)) == (0, [])
    status, document = answer("--wheel", folder)
    assert (status, standing(document)) == (0, [("import", "numpy", "agreed")])
    assert document["observed"]["imports"][0]["phase"] == "wheel"


def test_a_computed_import_that_reading_does_not_see_is_a_difference(tmp_path: Path) -> None:
    folder = in_tree(tmp_path, requires="__import__(os.popen('echo numpy').read().strip())")
    status, document = answer(folder)
    assert standing(document) == [("import", "numpy", "only observed")]
    assert status == 1
    text = run("--yes", "--quiet", folder)
    assert "They differ in 1 item" in text.stdout
    assert "backend.py:5" in text.stdout


def test_a_large_project_gets_a_stand_in_and_is_never_installed(tmp_path: Path, index: Server) -> None:
    script = "import torch\nassert not torch.cuda.is_available()\nfrom setuptools import setup\nsetup()\n"
    status, document = answer(project(tmp_path, {"setup.py": script}))
    assert document["observed"]["stand_ins"] == ["torch"]
    assert document["observed"]["imports"][0]["stand_in"] is True
    assert ("import", "torch", "agreed") in standing(document)
    assert not any("torch-" in path for path in index.paths)
    assert status == 0


def test_a_large_project_that_is_declared_or_comes_with_one_is_not_installed_either(
    tmp_path: Path, index: Server
) -> None:
    table = '[build-system]\nrequires = ["setuptools", "torch", "vision"]\nbuild-backend = "setuptools.build_meta"\n'
    script = "import torch, vision\nfrom setuptools import setup\nsetup()\n"
    status, document = answer(project(tmp_path, {"pyproject.toml": table, "setup.py": script}))
    assert document["observed"]["passed"] == document["hooks"]
    assert document["observed"]["stand_ins"] == ["torch"]
    assert not any("torch-" in path for path in index.paths)
    assert status == 0


def test_a_program_that_a_hook_starts_is_recorded(tmp_path: Path) -> None:
    start = "__import__('subprocess').run(['git', '--version'])"
    _, document = answer(in_tree(tmp_path, requires=start))
    programs = document["observed"]["programs"]
    assert [(p["program"], p["tool"], p["evidence"]) for p in programs] == [
        ("git", "git", [{"file": "backend.py", "line": 5}])
    ]


def test_a_program_that_fails_is_for_want_of_no_module(tmp_path: Path) -> None:
    misses = "try:\n        import numpy; extra = 'fast.c'\n    except ImportError:\n        extra = 'slow.c'"
    fails = "__import__('subprocess').check_call([__import__('sys').executable, '-c', 'raise SystemExit(1)', extra])"
    _, document = answer(in_tree(tmp_path, requires=f"{misses}\n    {fails}"))
    assert [(o["project"], o["strength"]) for o in document["observed"]["imports"]] == [("numpy", "guarded")]
    assert "slow.c" in document["observed"]["stopped"]["reason"]


def test_a_project_that_is_asked_for_by_its_name_is_put_in(tmp_path: Path) -> None:
    asks = "import importlib.metadata; importlib.metadata.version('numpy')"
    status, document = answer(in_tree(tmp_path, requires=asks))
    assert standing(document) == [("import", "numpy", "agreed")]
    assert document["observed"]["imports"][0]["strength"] == "hard"
    assert status == 0


def test_a_name_that_this_setuptools_no_longer_has_is_a_pin(tmp_path: Path) -> None:
    script = "from setuptools import setup\nfrom setuptools import Feature\nsetup()\n"
    _, document = answer(project(tmp_path, {"setup.py": script}))
    assert document["observed"]["pins"] == ["setuptools<46"]
    assert document["observed"]["imports"] == []


def test_a_module_that_no_words_name_and_that_cannot_be_had_was_not_to_blame(tmp_path: Path) -> None:
    script = "try:\n    import winonly\nexcept ImportError:\n    pass\nraise OSError('no headers')\n"
    _, document = answer(project(tmp_path, {"setup.py": script}))
    assert [(o["import_name"], o["strength"]) for o in document["observed"]["imports"]] == [("winonly", "guarded")]
    assert document["observed"]["stopped"]["reason"] == "OSError: no headers"


def test_what_a_backend_asks_for_where_a_tool_is_missing_is_not_judged_where_it_is_there() -> None:
    system = BuildSystem(True, ("maturin",), "maturin")
    needs = BuildNeeds("twin", "1.0", system, hook_requirements=("puccinialin",))
    hooks = ("get_requires_for_build_wheel",)
    plan = Plan("twin", "maturin", ("maturin",), hooks, "3.11", 9.0)
    seen = compare(needs, ObservedBuild(answer=(), passed=hooks), plan, BuildTarget())
    assert [(item.name, item.standing) for item in seen.items] == [("puccinialin", Standing.UNJUDGED)]


def test_a_hook_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path, temporary: Path) -> None:
    pid = tmp_path / "pid"
    child = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    endless = f"__import__('subprocess').run([__import__('sys').executable, '-c', {child!r}])"
    status, document = answer("--timeout", "3", in_tree(tmp_path, requires=endless))
    assert document["observed"]["stopped"]["kind"] == "time"
    assert status == 2
    assert not is_running(int(pid.read_text()))
    assert list(temporary.iterdir()) == []


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("requires", ["pass", "raise SystemExit(3)"])
def test_nothing_is_left_behind(tmp_path: Path, temporary: Path, requires: str) -> None:
    folder = in_tree(tmp_path, requires=f"open('left', 'w').close()\n    {requires}")
    before = sorted(Path(folder).rglob("*"))
    _, document = answer(folder)
    assert (document["observed"]["stopped"] is None) is (requires == "pass")
    assert sorted(Path(folder).rglob("*")) == before
    assert list(temporary.iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Throwaway, "run", interrupted)
    result = run("--yes", "--quiet", in_tree(tmp_path))
    assert result.exit_code == 130
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_what_runs_and_leaves_nothing_behind(tmp_path: Path, number: signal.Signals, status: int) -> None:
    pid, temporary = tmp_path / "pid", tmp_path / "own"
    temporary.mkdir()
    child = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    endless = f"__import__('subprocess').run([__import__('sys').executable, '-c', {child!r}])"
    command = [sys.executable, "-m", "pixi_diagnose", "verify", "--yes", "-q", in_tree(tmp_path, requires=endless)]
    process = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(temporary)}, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (pid.exists() and pid.read_text()):
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said.strip()) == (status, "")
    assert not is_running(int(pid.read_text()))
    assert list(temporary.iterdir()) == []


def test_a_backend_without_a_metadata_hook_is_noted_and_no_difference(tmp_path: Path) -> None:
    folder = Path(in_tree(tmp_path))
    text = (folder / "backend.py").read_text()
    (folder / "backend.py").write_text(text.replace("def prepare_metadata_for_build_wheel", "def something_else"))
    status, document = answer(str(folder))
    assert document["observed"]["passed"] == ["get_requires_for_build_wheel"]
    assert document["observed"]["notes"] == [
        "the backend has no prepare_metadata_for_build_wheel: a frontend builds the wheel instead"
    ]
    assert (status, document["observed"]["stopped"]) == (0, None)
    status, document = answer("--wheel", str(folder))
    assert document["observed"]["passed"] == ["get_requires_for_build_wheel", "build_wheel"]
    assert status == 0


def test_a_table_that_no_frontend_accepts_is_where_the_run_ends(tmp_path: Path) -> None:
    _, document = answer(project(tmp_path, {"pyproject.toml": "[build-system]\nrequires = 3\n", "setup.py": ""}))
    assert document["observed"]["passed"] == []
    assert "`requires` must be an array of strings" in document["observed"]["stopped"]["reason"]


def test_without_yes_nothing_runs_where_nobody_can_be_asked(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    result = run(in_tree(tmp_path, requires=f"open({str(marker)!r}, 'w')"))
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert not marker.exists()


def test_it_says_beforehand_what_it_will_run(tmp_path: Path) -> None:
    result = run("--yes", in_tree(tmp_path))
    assert "get_requires_for_build_wheel, prepare_metadata_for_build_wheel of backend" in result.stderr
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in result.stderr


def test_an_sdist_is_verified_like_a_folder(tmp_path: Path) -> None:
    backend = BACKEND.format(requires="import numpy", wheel="pass")
    sdist = make_sdist("twin", "1.0", {"pyproject.toml": IN_TREE, "backend.py": backend})
    path = tmp_path / sdist.filename
    path.write_bytes(sdist.data)
    status, document = answer(str(path))
    assert (status, standing(document)) == (0, [("import", "numpy", "agreed")])


def test_an_archive_that_reaches_outside_is_refused(tmp_path: Path) -> None:
    hostile = tmp_path / "twin-1.0.tar"
    hostile.write_bytes(make_tar([("../outside.txt", "x")]))
    assert tarfile.is_tarfile(io.BytesIO(hostile.read_bytes()))
    with Throwaway(10) as place, pytest.raises(ArchiveError, match="cannot be unpacked"):
        place.unpack(hostile, "twin-1.0.tar")
    assert not (tmp_path / "temporary" / "outside.txt").exists()

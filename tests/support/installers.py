"""Cases of uv and pip: a small index of our own projects, a user's files for each tool, and what the real tools do."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import itertools
import marshal
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixi_diagnose.index.uv import uv_program

from .packages import PackageFile, PackageIndex, make_sdist, make_wheel, pkg_info, write_files
from .repositories import GitRepository

CASES = Path(__file__).parents[1] / "cases" / "installers"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SECONDS = 120
PROJECT = """\
[project]
name = "app"
version = "0.1.0"
requires-python = "=={python}.*"
dependencies = {dependencies}

[tool.uv]
{settings}

[[tool.uv.index]]
url = "{index}"
default = true

{tables}
"""
BUILD_SYSTEM = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[tool.setuptools]
py-modules = []
"""

Case = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a tool ended: "ok" or "fails" for each phase ("" where it was not reached), and the module that it named."""

    lock: str
    install: str = ""
    missing: str = ""


def cases(tool: str) -> list[Case]:
    """The cases of "uv_project", "uv_pip" or "pip"."""
    found: list[Case] = tomllib.loads((CASES / f"{tool}.toml").read_text())["case"]
    return found


def expected(case: Case) -> Ending:
    """How the real tool ends by the case's own words."""
    return Ending(case["lock"], case.get("install", ""), case.get("missing", ""))


def planned(tool: str) -> Mapping[str, Mapping[str, Any]]:
    """What `plan` recommends for the failing cases of a tool, by the case's name (cases/installers/plans.toml)."""
    found: Mapping[str, Mapping[str, Any]] = tomllib.loads((CASES / "plans.toml").read_text())[tool]
    return found


def projects(setuptools: PackageFile) -> PackageIndex:
    """The index of all cases: our projects as sdists, what they want as wheels, and this setuptools."""
    wheels = [
        make_wheel(name, version, {f"{module}/__init__.py": f"__version__ = '{version}'\n"})
        for name, version, module in (
            ("torch", "2.5.0", "torch"),
            ("torch", "2.6.0", "torch"),
            ("numpy", "2.1.0", "numpy"),
        )
    ]
    cython = {"Cython/__init__.py": "", "Cython/Build.py": "def cythonize(modules):\n    return modules\n"}
    older = make_wheel("shifty", "1.0", {"shifty.py": ""})
    index = PackageIndex([setuptools, *wheels, make_wheel("cython", "3.0.0", cython), older])
    for title, given in tomllib.loads((CASES / "projects.toml").read_text())["sdists"].items():
        name, _, version = title.rpartition("-")
        files = {path: text.lstrip("\n") for path, text in given.items() if path != "why"}
        name = name.replace("_", "-")
        index.add(make_sdist(name, version, {"PKG-INFO": pkg_info(name, version, metadata_version="2.1"), **files}))
    return index


def stub_setuptools() -> PackageFile:
    """A setuptools for predictions, which look at its version alone."""
    return make_wheel("setuptools", "82.0.0", {"setuptools/__init__.py": ""})


def real_setuptools() -> PackageFile | None:
    """The setuptools of this environment as a wheel, None where there is none that builds wheels on its own.

    It comes compiled: each build gets a fresh copy, and would compile it anew.
    """
    try:
        found = importlib.metadata.distribution("setuptools")
    except importlib.metadata.PackageNotFoundError:
        return None
    if int(found.version.partition(".")[0]) < 82:  # pkg_resources is one of the cases
        return None
    top = ("setuptools/", "_distutils_hack/", "distutils-precedence.pth")
    files = {
        str(path): Path(str(found.locate_file(path))).read_bytes()
        for path in found.files or ()
        if str(path).startswith(top) and not str(path).endswith((".pyc", ".exe"))
    }
    compiled = {_cached(path): _bytecode(path, source) for path, source in files.items() if path.endswith(".py")}
    entry_points = found.read_text("entry_points.txt") or ""
    return make_wheel("setuptools", found.version, files | compiled, entry_points=entry_points)


def _cached(path: str) -> str:
    return importlib.util.cache_from_source(path)


def _bytecode(path: str, source: bytes) -> bytes:
    """A .pyc that is taken without a look at its source (PEP 552)."""
    code = compile(source, path, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + (0b01).to_bytes(4, "little") + bytes(8) + marshal.dumps(code)


def write_case(case: Case, tool: str, folder: Path, index: str) -> Path:
    """The user's files of a case; returns the manifest."""
    folder.mkdir(parents=True)
    write_files(folder, case.get("files", {}))
    if "uv_toml" in case:
        (folder / "uv.toml").write_text(case["uv_toml"].replace("@INDEX@", index))
    if tool != "uv_project":
        manifest = folder / "requirements.txt"
        text = "\n".join((f"--index-url {index}", *case["dependencies"], ""))
        if "repository" in case:
            text = text.replace("@REPOSITORY@", GitRepository(folder / "repository", case["repository"]).url)
        manifest.write_text(text)
        return manifest
    settings = case.get("settings", "")
    own = case.get("own", "")
    text = PROJECT.format(
        python=PYTHON,
        dependencies=list(case["dependencies"]),
        settings=settings if own else f"package = false\n{settings}",
        index=index,
        tables=case.get("tables", "") + (BUILD_SYSTEM if own else ""),
    )
    manifest = folder / "pyproject.toml"
    manifest.write_text(text)
    if own:
        (folder / "setup.py").write_text(own.lstrip("\n"))
    return manifest


class RealTools:
    """Real uv and pip of this environment on one index, each run on a machine that has built nothing before.

    Wheels may be in uv's cache, which saves time, but for builds without isolation: uv installs cached wheels first of
    all, so that such a build sees what it would not see on a fresh machine.
    """

    def __init__(self, folder: Path, index: str) -> None:
        self.folder = folder
        self.index = index
        self._numbers = itertools.count(1)
        self.warm = folder / "warm"
        self.python = sys.executable
        self._run(["uv", "venv", "bare"], folder, self.warm)
        # `uv lock` builds with the environment of the interpreter that it is given: one with nothing in it
        self.python = str(folder / "bare" / "bin" / "python")
        wanted = ["setuptools", "torch==2.5.0", "numpy", "cython"]
        target = ["--target", str(folder / "unused"), "--index-url", index, "--no-build"]
        for names in (wanted, ["torch==2.6.0"]):
            done = self._run(["uv", "pip", "install", *target, *names], folder, self.warm)
            assert done.returncode == 0, done.stderr

    def run(self, case: Case, tool: str, *, warm: bool | None = None) -> Ending:
        """What the tool really does with a case. `warm`: uv's cache has the wheels; None decides as said above."""
        folder = self.folder / f"case{next(self._numbers)}"
        write_case(case, tool, folder, self.index)
        if warm is None:
            warm = "no-build-isolation" not in f"{case.get('settings')} {case.get('arguments')}"
        return self.run_in(folder, tool, list(case.get("arguments", ())), warm=warm)

    def run_in(self, folder: Path, tool: str, arguments: Sequence[str], *, warm: bool = False) -> Ending:
        """What the tool really does in a folder of the user's files."""
        tools = {"uv_project": self._uv_project, "uv_pip": self._uv_pip, "pip": self._pip}
        with self._cache(folder, warm=warm and tool != "pip") as cache:
            return tools[tool](folder, cache, arguments)

    def run_commands(self, folder: Path, commands: Sequence[str]) -> str:
        """Run the commands of a plan in a fresh environment: what the first that fails says, "" where none does."""
        with self._cache(folder, warm=False) as cache:
            self._run(["uv", "venv", ".venv"], folder, cache)
            for command in commands:
                done = self._run(self._spelled_out(shlex.split(command), folder), folder, cache)
                if done.returncode:
                    return f"{command}: {done.stdout}{done.stderr}"
        return ""

    def _spelled_out(self, words: list[str], folder: Path) -> list[str]:
        """A command as it is run here: for the environment of the folder, with this environment's pip."""
        python = str(folder / ".venv" / "bin" / "python")
        if words[:2] == ["uv", "pip"]:
            return [*words[:3], "--python", python, *words[3:]]
        own = ["--no-cache-dir", "--disable-pip-version-check"]
        pip = [sys.executable, "-m", "pip", "--python", python, *words[1:], *own]
        return words if words[0] == "uv" else pip

    @contextmanager
    def _cache(self, folder: Path, *, warm: bool) -> Iterator[Path]:
        """A cache of uv that has built nothing before; `warm`: with the wheels in it."""
        cache = folder.parent / f"{folder.name}.cache"
        if warm:
            shutil.copytree(self.warm, cache, copy_function=os.link)
        try:
            yield cache
        finally:
            shutil.rmtree(cache, ignore_errors=True)
            shutil.rmtree(folder / ".venv", ignore_errors=True)

    def _uv_project(self, folder: Path, cache: Path, arguments: Sequence[str]) -> Ending:
        locked = self._run(["uv", "lock"], folder, cache)
        if locked.returncode:
            return Ending("fails", missing=_named(locked.stderr))
        synced = self._run(["uv", "sync", "--frozen", *arguments], folder, cache)
        return Ending("ok", "fails", _named(synced.stderr)) if synced.returncode else Ending("ok", "ok")

    def _uv_pip(self, folder: Path, cache: Path, arguments: Sequence[str]) -> Ending:
        self._run(["uv", "venv", ".venv"], folder, cache)
        command = ["uv", "pip", "install", "--python", ".venv", "-r", "requirements.txt", *arguments]
        # without what the first run built: the second one is to build it on a fresh machine as well
        resolved = self._run([*command, "--dry-run", "--no-cache"], folder, cache)
        if resolved.returncode:
            return Ending("fails", missing=_named(resolved.stderr))
        installed = self._run(command, folder, cache)
        return Ending("ok", "fails", _named(installed.stderr)) if installed.returncode else Ending("ok", "ok")

    def _pip(self, folder: Path, cache: Path, arguments: Sequence[str]) -> Ending:
        self._run(["uv", "venv", ".venv"], folder, cache)
        command = ["-r", "requirements.txt", "--no-cache-dir", "--disable-pip-version-check", *arguments]
        python = str(folder / ".venv" / "bin" / "python")
        done = self._run([sys.executable, "-m", "pip", "--python", python, "install", *command], folder, cache)
        if done.returncode == 0:
            return Ending("ok", "ok")
        resolving = re.search(
            r"(Getting requirements to build wheel|Preparing metadata|Installing build dep)", done.stderr
        )
        unavailable = "Cannot import 'setuptools" in done.stderr or "BackendUnavailable" in done.stderr
        if unavailable:
            return Ending("fails", missing="setuptools")
        if resolving or "No matching distribution" in done.stderr:
            return Ending("fails", missing=_named(done.stdout + done.stderr))
        return Ending("ok", "fails", _named(done.stdout + done.stderr))

    def _run(self, command: list[str], folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
        program = [uv_program(), *command[1:]] if command[0] == "uv" else command
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_CONFIG_DIRS": str(self.folder / "config"),
            "UV_CACHE_DIR": str(cache),
            "UV_PYTHON": self.python,
            "UV_PYTHON_DOWNLOADS": "never",
            "PIP_CONFIG_FILE": os.devnull,
            "NO_COLOR": "1",
        }
        return subprocess.run(
            program, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )


def _named(output: str) -> str:
    """The top-level module that a tool's message names first."""
    match = re.search(r"No module named '?\"?([\w.]+)", output)
    return match[1].partition(".")[0] if match else ""

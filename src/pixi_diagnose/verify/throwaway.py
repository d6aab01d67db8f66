"""A temporary folder with a project's sources and a virtual environment of its own; it goes whatever happens."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, Self

from ..errors import ArchiveError, ResolverError
from ..index.uv import uv_program
from ..pep508 import canonicalize_name
from ..source_tree import IGNORED
from .tracer import STUB_MODULE, TRACE_MODULE, stub_text, trace_text

__all__ = ["HEAVY", "HookFailedError", "OutOfTimeError", "Throwaway"]

HEAVY = frozenset(
    {"torch", "torchvision", "torchaudio", "tensorflow", "tensorflow-gpu", "tensorflow-cpu", "triton", "jaxlib"}
    | {"paddlepaddle", "paddlepaddle-gpu", "mxnet", "mindspore", "tensorrt", "vllm", "cupy-cuda11x", "cupy-cuda12x"}
)
"""Projects of hundreds of megabytes and more (sizes of their wheels on the index), put in only on request."""
UNPACKED = 4 << 30
MEMBERS = 200_000
TAIL = 1 << 16
_ENDINGS = tuple(s for name in ("SIGTERM", "SIGHUP") if (s := getattr(signal, name, None)) is not None)
_SECRET = re.compile(r"TOKEN|PASSW|SECRET|CREDENTIAL|_KEY$|^(UV|PIP|CONDA|PYTHON|TWINE|NETRC|SSH)_?", re.IGNORECASE)


class HookFailedError(Exception):
    """A program in the environment ended with a status other than 0; `output` is the end of what it said."""

    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.output = output


class OutOfTimeError(Exception):
    """The time limit of the whole run is over."""


class Throwaway:
    """`with Throwaway(seconds) as place:` owns a temporary folder, and the time that all in it may take.

    Within the block a request to end (SIGTERM, a closed terminal) ends this program as an interrupt does: what runs is
    killed, the folder goes, and no further request disturbs that.
    """

    def __init__(self, seconds: float, *, install_heavy: bool = False) -> None:
        self._deadline = time.monotonic() + seconds
        self._heavy = frozenset() if install_heavy else HEAVY
        self._stubs: tuple[str, ...] = ()
        self._folder = tempfile.TemporaryDirectory(prefix="pixi-diagnose-verify-")
        self.root = Path(self._folder.name).resolve()
        self.source = self.root / "source"
        self.home = self.root / "home"
        self.log = self.root / "trace.jsonl"
        self.venv = self.root / "venv"
        self._handlers: dict[signal.Signals, Any] = {}
        self.home.mkdir()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only there can signals be handled
            self._handlers = {s: signal.signal(s, _end) for s in _ENDINGS}
        return self

    def __exit__(self, *_: object) -> None:
        handlers = self._handlers | ({signal.SIGINT: signal.getsignal(signal.SIGINT)} if self._handlers else {})
        for number in handlers:
            signal.signal(number, signal.SIG_IGN)
        try:
            self._folder.cleanup()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    @property
    def python(self) -> str:
        """The interpreter of the virtual environment."""
        scripts, name = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
        return str(self.venv / scripts / name)

    def is_heavy(self, project: str) -> bool:
        """Whether a project is one of those that are put in only on request."""
        return canonicalize_name(project) in self._heavy

    def unpack(self, archive: Path, location: str) -> None:
        """Unpack an sdist below the folder. Raises ArchiveError for a hostile, broken or unknown one."""
        target = self.root / "unpacked"
        target.mkdir()
        try:
            if zipfile.is_zipfile(archive):
                _unzip(archive, target)
            else:
                with tarfile.open(archive) as tar:
                    _check_size(((m.name, m.size) for m in tar), location)
                    tar.extractall(target, filter="data")
        except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
            raise ArchiveError(f"{location} cannot be unpacked: {error}", location=location) from None
        found = list(target.iterdir())
        self.source = found[0] if len(found) == 1 and found[0].is_dir() else target

    def copy(self, folder: Path) -> None:
        """Copy a project's folder (with its history, which may give the version), so that the user's stays as it is."""
        ignored = shutil.ignore_patterns(*(IGNORED - {".git", ".hg", ".svn"}))
        shutil.copytree(folder, self.source, symlinks=True, ignore=ignored)

    def make_environment(self, version: str) -> None:
        """Make the virtual environment, with the tracer in it. Raises ResolverError where uv cannot."""
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        python = sys.executable if version == here else version
        try:
            self._uv(["venv", "--no-project", "--no-python-downloads", "--python", python, str(self.venv)])
        except HookFailedError as error:
            raise ResolverError(f"uv made no environment for Python {version}: {last_line(error.output)}") from None
        text = trace_text(str(self.log), str(self.source.resolve()))
        self._put_module(TRACE_MODULE, text)

    def install(self, requirements: Iterable[str]) -> None:
        """Put requirements in, from wheels only, none of the heavy ones. Raises HookFailedError and OutOfTimeError."""
        wanted = list(requirements)
        if not wanted:
            return
        overrides = self.root / "overrides.txt"
        overrides.write_text("".join(f"{name} ; sys_platform == 'none'\n" for name in sorted(self._heavy)))
        command = ["pip", "install", "--no-build", "--python", self.python, "--overrides", str(overrides)]
        self._uv([*command, "--", *wanted])

    def put_stub(self, import_name: str) -> None:
        """Let a stand-in of this name be found where nothing else is."""
        self._stubs = tuple(dict.fromkeys((*self._stubs, import_name)))
        # Its file sorts, and so runs, before the tracer's: what it gives is no miss.
        self._put_module(STUB_MODULE, stub_text(self._stubs))

    def run(self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None) -> None:
        """A runner for pyproject_hooks: package code in its own process group, which does not outlive this call."""
        environment = {key: value for key, value in os.environ.items() if not _SECRET.search(key)}
        environment.pop("VIRTUAL_ENV", None)
        scripts = str(Path(self.python).parent)
        temporary = self.root / "tmp"
        temporary.mkdir(exist_ok=True)
        environment |= {
            "PATH": os.pathsep.join([scripts, environment.get("PATH", os.defpath)]),
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "TMPDIR": str(temporary),
            "XDG_CACHE_HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home),
        }
        self._call(cmd, cwd, environment | dict(extra_environ or {}))

    def records(self) -> Iterator[dict[str, Any]]:
        """What was traced since the last call."""
        with contextlib.suppress(FileNotFoundError):
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
            self.log.unlink()
            for line in lines:
                with contextlib.suppress(ValueError):  # the last line of a killed process
                    yield json.loads(line)

    def _uv(self, arguments: Sequence[str]) -> None:
        self._call([uv_program(), *arguments], None, dict(os.environ))

    def _put_module(self, name: str, text: str) -> None:
        packages = next(self.venv.glob("lib/python*/site-packages"), self.venv / "Lib" / "site-packages")
        (packages / f"{name}.py").write_text(text, encoding="utf-8")
        (packages / f"{name}.pth").write_text(f"import {name}\n", encoding="utf-8")

    def _call(self, command: Sequence[str], cwd: str | None, environment: Mapping[str, str]) -> None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise OutOfTimeError
        output = self.root / "output.txt"
        with output.open("wb") as stream:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status = process.wait(remaining)
            except subprocess.TimeoutExpired:
                raise OutOfTimeError from None
            finally:
                _end_group(process)
        if status:
            raise HookFailedError(_tail(output))


def _end(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)  # as shells tell it


def last_line(output: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "it said nothing")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started and left running."""
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - TAIL))
        return stream.read().decode("utf-8", "replace")


def _check_size(members: Iterable[tuple[str, int]], location: str) -> None:
    total = 0
    for number, (_, size) in enumerate(members):
        total += size
        if total > UNPACKED or number > MEMBERS:
            raise ArchiveError(f"{location} is too large to be unpacked", location=location)


def _unzip(archive: Path, target: Path) -> None:
    """ZipFile drops `..` and roots from names, and writes links as plain files: what is refused here is the size."""
    with zipfile.ZipFile(archive) as file:
        _check_size(((m.filename, m.file_size) for m in file.infolist()), archive.name)
        file.extractall(target)  # noqa: S202 - ZipFile keeps names inside

"""The uv program as a resolver: finding it, making sure that it cannot build anything, running it (uv.md U6)."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from ..errors import IndexAccessError, ResolverError
from ..lazy_dataclass import dataclass

__all__ = ["UvAnswer", "compile_requirements", "default_index", "private_cache", "uv_program"]

BUILDS = "builds-v0"
"""Where uv makes the environments of its builds; in our cache a plain file, so that no build can start (uv.md U6.9)."""
SECONDS = 900
UNUSED_DAYS = 14


@dataclass(frozen=True, slots=True)
class UvAnswer:
    """How a run ended: exit status (0 solved, 1 no solution, 2 it failed), the lock (pylock.toml), and what it said.

    `selected` are the files whose releases it took up on the way, in order, each once; most are in the lock.
    """

    status: int
    output: str
    message: str
    selected: tuple[str, ...] = ()


_SELECTED = re.compile(r"^DEBUG Selecting: \S+ \[[^\]]*\] \((\S+)\)$", re.MULTILINE)
_ASKING = threading.Lock()


def default_index() -> str:
    """The index that uv uses when nobody says otherwise, as the user's uv configuration and environment have it.

    Raises ResolverError if uv cannot be run, IndexAccessError if it has no default index.
    """
    with _ASKING:  # once, however many threads want it (and `sysconfig`, which uv asks, is not safe between them)
        return _default_index(tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith("UV_"))))


@cache
def _default_index(_environment: tuple[tuple[str, str], ...]) -> str:  # equal settings are asked once
    with tempfile.TemporaryDirectory() as folder:
        command = ["pip", "compile", "-", "--emit-index-url", "--no-header", "--offline", "--python", sys.executable]
        answer = _run(command, "", folder, os.environ)
    for line in answer.output.splitlines():
        name, _, url = line.strip().partition(" ")
        if name in {"--index-url", "-i", "--default-index"} and url:
            return url
    raise IndexAccessError("uv is configured to use no default index", url="", hint="name an index-url in the manifest")


def compile_requirements(
    requirements: Iterable[str],
    *,
    indexes: Sequence[str],
    port: int,
    cache_dir: Path,
    arguments: Sequence[str] = (),
    constraints: Sequence[str] = (),
    overrides: Sequence[str] = (),
    excludes: Sequence[str] = (),
) -> UvAnswer:
    """Resolve requirements with uv, which sees only the overlay on the loopback `port` and never builds.

    `indexes` come in order of priority. Raises ResolverError where uv cannot be run.
    """
    command = ["pip", "compile", "-", "--format", "pylock.toml", "--no-build", "--no-config", "--no-header"]
    command += ["--python", sys.executable, "--no-python-downloads", "--no-progress", "--color", "never", *arguments]
    command += ["--default-index", indexes[-1]]
    for url in indexes[:-1]:
        command += ["--index", url]
    with tempfile.TemporaryDirectory() as folder:
        given = (("--constraints", constraints), ("--overrides", overrides), ("--excludes", excludes))
        for option, lines in given:
            if lines:
                path = Path(folder) / f"{option.strip('-')}.txt"
                path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                command += [option, str(path)]
        text = "".join(f"{line}\n" for line in requirements)
        return _run(command, text, folder, _environment(port, cache_dir))


def private_cache(directory: Path) -> Path:
    """The cache that uv works with, below `directory`: the tripwire is in place, and proved with the uv installed.

    Raises ResolverError where it does not work: then nothing is resolved rather than something built.
    """
    path = directory / "uv"
    tripwire = path / BUILDS
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not tripwire.is_file():
            try:
                tripwire.touch(exist_ok=False)
            except FileExistsError:
                if not tripwire.is_file():  # a folder is in its place; else another process was faster
                    raise
    except OSError as error:
        raise ResolverError(f"the cache directory {directory} cannot be prepared: {error.strerror}") from None
    program = uv_program()
    status = Path(program).stat()
    proof = path / f"proof-{status.st_size:x}-{status.st_mtime_ns:x}"
    if not proof.exists():
        _prove_tripwire(path)
        proof.touch()
        _sweep(path)
    return path


# What is built to prove the tripwire: ours, harmless, and it would say so if it ran.
PROOF_PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
PROOF_BACKEND = """\
import pathlib
pathlib.Path(__file__).with_name("ran").touch()
"""


def _prove_tripwire(cache_dir: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        project.mkdir()
        (project / "pyproject.toml").write_text(PROOF_PYPROJECT, encoding="utf-8")
        (project / "backend.py").write_text(PROOF_BACKEND, encoding="utf-8")
        command = ["pip", "compile", "-", "--no-config", "--no-header", "--offline", "--python", sys.executable]
        answer = _run(command, f"{project.as_uri()}\n", folder, _environment(0, cache_dir))
        ran = (project / "ran").exists()
    if ran or answer.status == 0 or BUILDS not in answer.message:
        raise ResolverError(
            "this uv could not be kept from running package code, so it is not used",
            hint="install a uv that pixi-diagnose was tested with (0.11.1 to 0.13)",
        )


def _sweep(cache_dir: Path) -> None:
    """Every conda environment, target and index has views of its own: the folders of those long unused go."""
    oldest = time.time() - UNUSED_DAYS * 86400
    for folder in (*cache_dir.glob("simple-v*/index/*"), *cache_dir.glob("wheels-v*/index/*")):
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def _environment(port: int, cache_dir: Path) -> dict[str, str]:
    """The environment of uv: nothing of the user's that steers it, and no way out but the loopback port."""
    dropped = ("UV_", "PIP_", "CONDA_")
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.upper().startswith(dropped) and not key.upper().endswith("_PROXY") and key != "VIRTUAL_ENV"
    }
    proxy = f"http://127.0.0.1:{port}"
    proxies = {name: proxy for base in ("http_proxy", "https_proxy", "all_proxy") for name in (base, base.upper())}
    own = {"UV_CACHE_DIR": str(cache_dir), "UV_HTTP_TIMEOUT": str(SECONDS), "UV_HTTP_RETRIES": "0"}
    return kept | proxies | own | {"RUST_LOG": "uv_resolver::resolver=debug"}  # it says what it takes up and gives up


def _run(arguments: Sequence[str], text: str, folder: str, environment: Mapping[str, str]) -> UvAnswer:
    try:
        done = subprocess.run(
            [uv_program(), *arguments],
            input=text,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            cwd=folder,
            env=dict(environment),
            check=False,
        )
    except OSError as error:
        raise ResolverError(f"uv cannot be run: {error.strerror}", hint="pip install uv") from None
    except subprocess.TimeoutExpired:
        raise ResolverError(f"uv found no answer within {SECONDS // 60} minutes") from None
    said = [line for line in done.stderr.splitlines(keepends=True) if not line.startswith("DEBUG ")]
    selected = tuple(dict.fromkeys(_SELECTED.findall(done.stderr)))
    return UvAnswer(done.returncode, done.stdout, "".join(said), selected)


@cache
def uv_program() -> str:
    """The path of the program uv: the package's own, else the one on PATH. Raises ResolverError without one."""
    try:
        import uv  # a program in Python's clothes; it may also be there without them

        return uv.find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
        if found is None:
            raise ResolverError("the program uv was not found", hint="pip install uv") from None
        return found

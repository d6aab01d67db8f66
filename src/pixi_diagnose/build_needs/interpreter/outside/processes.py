"""Programs that a build script runs or looks for, and what it fetches."""

from __future__ import annotations

import posixpath
import re
import shlex
from pathlib import PurePosixPath

from ...model import Strength
from ...tables import is_foreign_program, program_tool
from ..machine import Machine
from ..models import Call, function
from ..values import Choice, Opaque, Value
from . import scripts

__all__: list[str] = []

_ASKING = frozenset({"--version", "-V", "-v", "--help", "-dumpversion", "-dumpmachine"})
_ASKING_GIT = frozenset({"describe", "log", "rev-parse", "show", "status", "--version", "tag", "config", "branch"})
_RAISING = {"check_call", "check_output"}
_OF_EVERY_MACHINE = frozenset({"c", "m", "dl", "pthread", "rt", "gcc_s", "stdc++", "kernel32", "System"})
"""Shared libraries that come with the system (glibc, libgcc, Windows, macOS)."""
_SAVING = (".urlretrieve", ".download", ".download_url_to_file")
"""Downloads that are given the name of the file that they write."""


def _words(command: Value) -> list[str]:
    """The words of a command, "" for those that are not known."""
    if isinstance(command, Choice):
        command = next((o for o in command.options if isinstance(o, str | list | tuple)), command)
    if isinstance(command, str):
        try:
            return shlex.split(command)[:64]
        except ValueError:
            return command.split()[:64]
    if isinstance(command, list | tuple):
        words: list[str] = []
        for item in command[:64]:
            if isinstance(item, str | PurePosixPath):
                words.append(str(item))
            elif isinstance(item, Opaque) and item.origin == "sys.executable":
                words.append("python")
            elif isinstance(item, Opaque) and item.tool:
                words.append(item.tool)
            else:
                words.append("")
        return words
    return []


@function(
    "subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen",
    "subprocess.getoutput", "subprocess.getstatusoutput", "os.system", "os.popen", "os.execvp", "os.spawnvp",
    "distutils.spawn.spawn", "setuptools._distutils.spawn.spawn", "pexpect.run", "sh.Command",
)  # fmt: skip
def _run(call: Call) -> Value:
    m = call.m
    command = call.argument(0, "args", call.keywords.get("command"))
    words = _words(command)
    name = call.path.rpartition(".")[2]
    fails = name in _RAISING or name == "spawn" or call.keywords.get("check") is True
    guard = m.catches(FileNotFoundError) or m.catches(OSError)
    if not _only_asks(words):
        m.files.complete = False
    for part in _commands(words):
        _note_program(call, part, fails=fails, guarded=guard is not None)
    if words and program_tool(words[0]) in m.around.absent_tools and not _in_shell(call):
        m.fail(FileNotFoundError, words[0], call.frame, call.node)
    if m.guards:
        m.guards[-1].maybe = True
    if words[:3] == ["python", "-m", "pip"] and name in {"call", "system"} and not _has_pip(m):
        return 1
    tool = program_tool(words[0]) if words else None
    return Opaque(f"the output of {words[0]}" if words and words[0] else f"{call.path}()", tool or "")


def _has_pip(m: Machine) -> bool:
    """Whether pip is there: what pixi, uv and build make for a build has none unless it is declared."""
    around = m.around
    return around.everything or "pip" in around.assumed or around.provides("pip") or m.is_present("pip")


def _only_asks(words: list[str]) -> bool:
    """Whether a command only reports something and leaves no files behind."""
    if not words:
        return False
    program = words[0].rpartition("/")[2]
    if program == "git":
        return len(words) > 1 and words[1] in _ASKING_GIT
    return program.endswith("-config") or program in {"nvcc", "which", "uname"} or bool(_ASKING & set(words[1:]))


def _commands(words: list[str]) -> list[list[str]]:
    """The commands of a shell's line, by `;`, `&&` and `||`; `cd` takes the next ones to a folder of the tree."""
    parts: list[list[str]] = [[]]
    for word in words:
        if word in {";", "&&", "||", "&"}:
            parts.append([])
        elif word.endswith(";"):
            parts[-1].append(word[:-1])
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def _in_shell(call: Call) -> bool:
    return call.path.startswith("os.") or call.keywords.get("shell") is True or "getoutput" in call.path


def _note_program(call: Call, words: list[str], *, fails: bool, guarded: bool) -> None:
    m = call.m
    program = words[0].rpartition("/")[2]
    # `subprocess.run` of an absent program raises whatever `check` says; a shell only returns a status.
    survives = guarded or (_in_shell(call) and not fails)
    strength = Strength.GUARDED if survives else m.strength()
    if re.fullmatch(r"python[\d.]*(?:\.exe)?|pypy[\d.]*", program):
        _python(call, words[1:], strength, fails=fails)
        return
    if program == "cd" and len(words) == 2:
        inside = m.files.inside(words[1])
        m.shell_folder = inside if inside is not None and m.files.is_folder(words[1]) else ""
        return
    if program in {"pip", "pip3"}:
        _pip(call, words[1:], strength)
        return
    tool = program_tool(program)
    if tool:
        m.see_tool(tool, call.evidence, strength)
    elif is_foreign_program(words[0]) and m.files.is_file(posixpath.join(m.shell_folder, words[0])) is not True:
        m.see_tool(words[0], call.evidence, strength)
    if program in {"curl", "wget"}:
        m.see_download(next((w for w in words if "://" in w), ""), call.evidence)
    if program == "git" and len(words) > 1 and words[1] in {"clone", "submodule", "fetch"}:
        m.see_download(next((w for w in words if "://" in w or w.startswith("git@")), "git submodules"), call.evidence)


def _python(call: Call, words: list[str], strength: Strength, *, fails: bool) -> None:
    if len(words) >= 2 and words[0] == "-m" and words[1]:
        root = words[1].partition(".")[0]
        if root == "pip":
            _pip(call, words[2:], strength if fails else Strength.GUARDED)
        elif not call.m.is_standard(root):
            call.m.see_import(root, strength if fails else Strength.GUARDED, call.evidence)
        return
    folder = call.m.shell_folder
    call.m.shell_folder = ""
    if words and words[0].endswith(".py"):
        scripts.run_program(call, posixpath.join(folder, words[0]), words[1:], survives=not fails)


def _pip(call: Call, words: list[str], strength: Strength) -> None:
    call.m.see_import("pip", strength, call.evidence)
    if "install" in words:
        wanted = [w for w in words if w and not w.startswith("-") and w != "install"]
        call.m.see_download(f"pip install {' '.join(wanted)}".strip(), call.evidence)


@function("shutil.which", "distutils.spawn.find_executable", "setuptools._distutils.spawn.find_executable")
def _which(call: Call) -> Value:
    name = call.argument(0, "cmd", call.keywords.get("executable"))
    tool = program_tool(name) if isinstance(name, str) else None
    if tool:
        call.m.see_tool(tool, call.evidence, Strength.GUARDED)
        if tool in call.m.around.absent_tools:
            return None
    return Opaque(f"which({name!r})" if isinstance(name, str) else "which()", tool or "")


@function("ctypes.util.find_library")
def _find_library(call: Call) -> Value:
    """A shared library of the machine, None where it is not there."""
    name = call.argument(0, "name")
    if not isinstance(name, str):
        return Opaque("find_library()")
    return f"lib{name}.so" if name in _OF_EVERY_MACHINE else Opaque(f"find_library({name!r})", f"lib{name}")


def _address(url: Value) -> str:
    """An address as far as it is known, empty for nothing."""
    if isinstance(url, str):
        return url
    if isinstance(url, Choice):
        return next((text for option in url.options if (text := _address(option))), "")
    return url.origin if isinstance(url, Opaque) and "://" in url.origin else ""


# -- graphics cards ---------------------------------------------------------------------------------------------------


@function(
    "torch.cuda.get_device_capability", "torch.cuda.get_device_properties", "torch.cuda.get_device_name",
    "torch.cuda.current_device",
)  # fmt: skip
def _graphics_card(call: Call) -> Value:
    """Questions that torch answers with an error where the machine has no GPU (torch.cuda's `_lazy_init`)."""
    call.m.see_tool("gpu", call.evidence, Strength.GUARDED if call.m.catches(RuntimeError) else None)
    if call.m.guards:
        call.m.guards[-1].maybe = True
    return Opaque(f"{call.path}()", "gpu")


# -- downloads --------------------------------------------------------------------------------------------------------


@function(
    "urllib.request.urlretrieve", "urllib.request.urlopen", "urllib.request.Request", "urllib.urlretrieve",
    "urllib.urlopen", "urllib2.urlopen", "requests.get", "requests.Session.get", "requests.request", "httpx.get",
    "wget.download", "gdown.download", "urllib3.PoolManager.request", "six.moves.urllib.request.urlopen",
    "six.moves.urllib.request.urlretrieve", "torch.hub.download_url_to_file", "pooch.retrieve",
)  # fmt: skip
def _download(call: Call) -> Value:
    url = call.argument(0, "url")
    if not call.path.endswith("Request"):
        call.m.see_download(_address(url), call.evidence)
    elif isinstance(url, str | Opaque):
        return url
    if call.m.guards:
        call.m.guards[-1].maybe = True
    if call.path.endswith(_SAVING):
        target = call.argument(1, next((n for n in ("filename", "dst", "out", "output") if n in call.keywords), ""))
        call.m.files.note_written(target)
        return (target, Opaque("headers")) if call.path.endswith("urlretrieve") else target
    return Opaque(f"{call.path}()")


@function("hashlib.md5", "hashlib.sha1", "hashlib.sha224", "hashlib.sha256", "hashlib.sha512", "hashlib.new")
def _hash(call: Call) -> Value:
    call.m.seen.hash_seen = True
    return Opaque("a hash")

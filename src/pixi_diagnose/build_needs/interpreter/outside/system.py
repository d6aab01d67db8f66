"""os, sys, platform, sysconfig: what is decided by the target, and what stays unknown about the machine."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from itertools import product
from math import prod
from pathlib import PurePosixPath
from typing import NamedTuple

from ...tables import program_tool
from ..control import Raised
from ..files import ROOT
from ..machine import Machine
from ..models import CONSTANTS, Call, constant, function
from ..values import Choice, Made, Opaque, Outside, Value, mentions

__all__: list[str] = []


class _VersionInfo(NamedTuple):
    """`sys.version_info`."""

    major: int
    minor: int
    micro: int = 0
    releaselevel: str = "final"
    serial: int = 0


_PLATFORMS = {
    "linux": ("linux", "posix", "Linux"),
    "osx": ("darwin", "posix", "Darwin"),
    "win": ("win32", "nt", "Windows"),
}
_MACHINES = {
    "64": "x86_64",
    "32": "i686",
    "aarch64": "aarch64",
    "arm64": "arm64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}


def _platform(m: Machine) -> tuple[str, str, str]:
    return _PLATFORMS.get(m.around.target.subdir.partition("-")[0], _PLATFORMS["linux"])


def _machine(m: Machine) -> str:
    system, _, architecture = m.around.target.subdir.partition("-")
    name = _MACHINES.get(architecture, "x86_64")
    return {"x86_64": "AMD64", "arm64": "ARM64"}.get(name, name) if system == "win" else name


CONSTANTS.update(
    {
        "sys.platform": lambda m: _platform(m)[0],
        "os.name": lambda m: _platform(m)[1],
        "os.sep": lambda _m: "/",
        "os.path.sep": lambda _m: "/",
        "os.pathsep": lambda _m: ":",
        "os.curdir": lambda _m: ".",
        "os.pardir": lambda _m: "..",
        "os.linesep": lambda _m: "\n",
        "os.extsep": lambda _m: ".",
        "os.devnull": lambda _m: "/dev/null",
        "os.F_OK": lambda _m: 0,
        "os.environ": lambda _m: Outside("os.environ"),
        "os.environb": lambda _m: Outside("os.environ"),
        "os.getcwd": lambda _m: Outside("os.getcwd"),
        "sys.version_info": lambda m: _VersionInfo(*m.around.target.python),
        "sys.version": lambda m: "{}.{}.0 (main)".format(*m.around.target.python),
        "sys.hexversion": lambda m: (m.around.target.python[0] << 24) + (m.around.target.python[1] << 16) + 0xF0,
        "sys.maxsize": lambda m: 2**31 - 1 if m.around.target.subdir.endswith("-32") else 2**63 - 1,
        "sys.byteorder": lambda _m: "little",
        "sys.path": lambda m: m.sys_path,
        "sys.dont_write_bytecode": lambda _m: False,
        "sys.implementation.name": lambda _m: "cpython",
        "sys.executable": lambda _m: Opaque("sys.executable"),
        "sys.prefix": lambda _m: Opaque("sys.prefix"),
        "sys.base_prefix": lambda _m: Opaque("sys.base_prefix"),
        "sys.exec_prefix": lambda _m: Opaque("sys.exec_prefix"),
        "sys.flags": lambda _m: Opaque("sys.flags"),
        "sys.modules": lambda _m: Outside("sys.modules"),
        "string.digits": lambda _m: "0123456789",
        "typing.TYPE_CHECKING": lambda _m: False,
        "typing_extensions.TYPE_CHECKING": lambda _m: False,
    }
)


@constant("sys.argv")
def _argv(m: Machine) -> Value:
    m.seen.argv_taken = True
    return m.argv


@function("platform.system", "platform.uname")
def _system(call: Call) -> Value:
    name = _platform(call.m)[2]
    if call.path.endswith("uname"):
        return (name, Opaque("the host's name"), Opaque("a release"), Opaque("a version"), _machine(call.m))
    return name


@function("os.uname")
def _uname(call: Call) -> Value:
    parts = (Opaque("the host's name"), Opaque("a release"), Opaque("a version"))
    return (_platform(call.m)[2], *parts, _machine(call.m))


@function("platform.machine", "platform.processor")
def _machine_name(call: Call) -> Value:
    return _machine(call.m)


@function("platform.python_implementation")
def _implementation(_call: Call) -> Value:
    return "CPython"


@function("platform.python_version", "platform.python_version_tuple")
def _python_version(call: Call) -> Value:
    major, minor = call.m.around.target.python
    return (str(major), str(minor), "0") if call.path.endswith("tuple") else f"{major}.{minor}.0"


@function("platform.architecture")
def _architecture(call: Call) -> Value:
    return ("32bit" if call.m.around.target.subdir.endswith("-32") else "64bit", "ELF")


@function("platform.platform", "distutils.util.get_platform", "sysconfig.get_platform")
def _platform_tag(call: Call) -> Value:
    name = _platform(call.m)[0]
    machine = _machine(call.m)
    return {"linux": f"linux-{machine}", "darwin": f"macosx-11.0-{machine}", "win32": f"win-{machine.lower()}"}[name]


# -- leaving ----------------------------------------------------------------------------------------------------------


@function("sys.exit", "os._exit", "os.abort", "builtins.exit")
def _exit(call: Call) -> Value:
    message = call.argument(0)
    shown = message if isinstance(message, str) else ""
    handled = call.frame.scope.names.get("·handled")
    blame = handled.blame if isinstance(handled, Raised) else ""
    raised = Raised(SystemExit, shown, blame=blame, file=call.frame.module.file, line=call.evidence.line, value=message)
    raised.conditional = bool(call.m.conditions)
    raise raised


# -- paths ------------------------------------------------------------------------------------------------------------


def _paths(call: Call) -> list[str] | None:
    """All arguments as path strings, None where one is not known."""
    parts: list[str] = []
    for argument in call.args:
        part = str(argument) if isinstance(argument, PurePosixPath) else argument
        if not isinstance(part, str) or "\0" in part:
            return None
        parts.append(part)
    return parts or None


def _unknown_path(call: Call) -> Value:
    tool = next((t for a in call.args if (t := mentions(a))), "")
    if not tool and call.path.endswith("join") and isinstance(last := call.args[-1], str):
        tool = program_tool(posixpath.basename(last)) or ""  # a program in some folder of PATH
    return Opaque(f"{call.path}()", tool)


@function(
    "os.path.join", "os.path.dirname", "os.path.basename", "os.path.normpath", "os.path.split", "os.path.splitext",
    "os.path.isabs", "os.path.commonprefix", "os.path.normcase", "os.fspath", "os.fsdecode",
)  # fmt: skip
def _pure_path(call: Call) -> Value:
    name = call.path.rpartition(".")[2]
    if name == "commonprefix":
        return Opaque("commonprefix()")
    parts = _paths(call)
    if parts is None or not call.m.allocate(sum(map(len, parts))):
        return _unknown_path(call)
    if name in {"fspath", "fsdecode", "normcase"}:
        return parts[0]
    return getattr(posixpath, name)(*parts[: None if name == "join" else 1])


@function("os.path.abspath", "os.path.realpath", "os.path.relpath", "os.path.expanduser", "os.path.expandvars")
def _absolute(call: Call) -> Value:
    name = call.path.rpartition(".")[2]
    parts = _paths(call)
    if parts is None or parts[0].startswith("~") or (name == "expandvars" and "$" in parts[0]):
        return _unknown_path(call)
    if name.startswith("expand"):
        return parts[0]
    full = posixpath.normpath(posixpath.join(call.m.files.folder, parts[0]))
    if name == "relpath":
        start = parts[1] if len(parts) > 1 else call.m.files.folder
        return posixpath.relpath(full, posixpath.join(call.m.files.folder, start))
    return full


@function("os.getcwd", "os.getcwdb")
def _getcwd(call: Call) -> Value:
    return call.m.files.folder


@function("os.chdir")
def _chdir(call: Call) -> Value:
    inside = call.m.files.inside(call.argument(0))
    if inside is not None:
        call.m.files.folder = posixpath.join(ROOT, inside) if inside else ROOT
    return None


@function("os.cpu_count", "multiprocessing.cpu_count", "os.getpid", "os.getuid", "time.time")
def _number_of_the_machine(call: Call) -> Value:
    return Opaque(f"{call.path}()")


@function("os.remove", "os.unlink", "os.chmod", "os.umask", "shutil.rmtree",
          "warnings.warn", "warnings.filterwarnings", "warnings.simplefilter", "logging.basicConfig",
          "sys.stdout.write", "sys.stderr.write", "sys.stdout.flush", "sys.stderr.flush", "sys.setrecursionlimit",
          "time.sleep", "atexit.register", "gc.collect", "os.path.walk")  # fmt: skip
def _no_value(_call: Call) -> Value:
    return None


@function("contextlib.suppress")
def _suppress(call: Call) -> Value:
    return Made("contextlib.suppress", call.args, {}, call.evidence)


@function("functools.partial")
def _partial(call: Call) -> Value:
    return call.args[0] if len(call.args) == 1 and not call.keywords else Opaque("a partial function")


@function("functools.wraps", "functools.lru_cache", "functools.cache")
def _decorator(_call: Call) -> Value:
    return Outside("functools.cache")


@function("copy.copy", "copy.deepcopy")
def _copy(call: Call) -> Value:
    value = call.argument(0)
    if isinstance(value, list | dict) and call.m.allocate(len(value)):
        return value.copy()
    return value


@function("itertools.chain", "itertools.chain.from_iterable")
def _chain(call: Call) -> Value:
    groups = call.argument(0) if call.path.endswith("from_iterable") else call.args
    if not isinstance(groups, list | tuple):
        return Opaque("chain()")
    return [item for group in groups for item in (group if isinstance(group, list | tuple) else [Opaque("items")])]


@function("itertools.product")
def _product(call: Call) -> Value:
    """Its tuples, for each way in which one argument that is a choice of lists may be."""
    uncertain = [i for i, group in enumerate(call.args) if isinstance(group, Choice)]
    if len(uncertain) == 1:
        before, choice, after = call.args[: uncertain[0]], call.args[uncertain[0]], call.args[uncertain[0] + 1 :]
        ways = [_product(replace(call, args=[*before, option, *after])) for option in choice.options]
        return Choice(tuple(ways), choice.origin)
    sizes = [len(group) if isinstance(group, list | tuple) else 0 for group in call.args]
    if call.keywords or 0 in sizes or prod(sizes) > call.m.limits.rounds or not call.m.allocate(prod(sizes)):
        return Opaque("product()", next((tool for group in call.args if (tool := mentions(group))), ""))
    return list(product(*call.args))

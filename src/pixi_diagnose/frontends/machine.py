"""The machine that a frontend runs on: its conda platform, and which tools its PATH offers to every build."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import field

from ..lazy_dataclass import dataclass
from .build_tools import build_tools
from .host import Detected, Host, runnable_subdirs
from .installed import program_path

__all__ = ["Machine"]

_SYSTEMS = {"linux": "linux", "darwin": "osx", "win32": "win"}
_ARCHITECTURES = {"x86_64": "64", "amd64": "64", "arm64": "arm64", "aarch64": "aarch64", "ppc64le": "ppc64le"}
_PATH = "this machine's PATH"


@dataclass(frozen=True, slots=True)
class Machine:
    """`subdir` is conda's name of the platform, `tools` maps a tool's name to what gives it ("this machine's PATH").

    `pixi` and `uv` are the paths of the installed ones, "" for none; `virtual_packages` are conda's ("__glibc" → its
    version), and `variables` the environment of a command.
    """

    subdir: str = "linux-64"
    tools: Mapping[str, str] = field(default_factory=dict)
    pixi: str = ""
    uv: str = ""
    virtual_packages: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def subdirs(self) -> tuple[str, ...]:
        """The platforms that it runs: its own, then those that pixi 0.77 falls back to emulating."""
        return runnable_subdirs(self.subdir)

    @property
    def host(self) -> Host:
        """The same as pixi sees it, with what variables say of it."""
        return Host(self.subdir, self.variables, self.virtual_packages)

    @classmethod
    def here(cls) -> Machine:
        """The machine that this program runs on."""
        system = _SYSTEMS.get(sys.platform, sys.platform)
        architecture = _ARCHITECTURES.get(platform.machine().lower(), platform.machine().lower())
        subdir = f"{system}-{architecture}"
        if subdir == "osx-aarch64":
            subdir = "osx-arm64"
        return cls(subdir, _PathTools(), program_path("pixi"), program_path("uv"), Detected(), os.environ)


class _PathTools(Mapping[str, str]):
    """The tools on this machine's PATH, each looked for when it is first asked for (all of them take 40 ms)."""

    def __init__(self) -> None:
        self._commands = {"nvcc": ("nvcc",)} | {name: tool.commands for name, tool in build_tools().items()}
        self._found: dict[str, bool] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._found:
            self._found[name] = any(map(program_path, self._commands.get(name, ())))
        if not self._found[name]:
            raise KeyError(name)
        return _PATH

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._commands if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

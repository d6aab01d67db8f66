"""The machine that a frontend runs on: its conda platform, and which tools its PATH offers to every build."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Machine"]

_SYSTEMS = {"linux": "linux", "darwin": "osx", "win32": "win"}
_ARCHITECTURES = {"x86_64": "64", "amd64": "64", "arm64": "arm64", "aarch64": "aarch64", "ppc64le": "ppc64le"}
_PATH_TOOLS = ("nvcc",)


@dataclass(frozen=True, slots=True)
class Machine:
    """`subdir` is conda's name of the platform, `tools` maps a tool's name to what gives it ("this machine's PATH")."""

    subdir: str = "linux-64"
    tools: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Machine:
        """The machine that this program runs on."""
        system = _SYSTEMS.get(sys.platform, sys.platform)
        architecture = _ARCHITECTURES.get(platform.machine().lower(), platform.machine().lower())
        subdir = f"{system}-{architecture}"
        if subdir == "osx-aarch64":
            subdir = "osx-arm64"
        return cls(subdir, {tool: "this machine's PATH" for tool in _PATH_TOOLS if shutil.which(tool)})

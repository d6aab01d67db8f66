"""Which of an environment's platforms pixi would pick on the machine that it runs on (pixi 0.77, read and seen).

pixi takes the first platform whose subdir runs here and whose virtual packages this machine has; what every machine of
the subdir is assumed to have is not asked for. Virtual packages are looked up one by one: most platforms declare none
that decides, and py-rattler, which finds the rarer ones, takes 100 ms to load.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from ..lazy_dataclass import dataclass
from ..locks.conda_matching import version_meets
from ..manifest.model import Platform
from ..manifest.platforms import SUBDIRS, declared_beyond_defaults, is_version

__all__ = ["Detected", "Host", "runnable_subdirs"]

_OVERRIDES = {
    "__cuda": "CONDA_OVERRIDE_CUDA",
    "__cuda_arch": "CONDA_OVERRIDE_CUDA_ARCH",
    "__linux": "CONDA_OVERRIDE_LINUX",
    "__osx": "CONDA_OVERRIDE_OSX",
    "__win": "CONDA_OVERRIDE_WIN",
    "__glibc": "CONDA_OVERRIDE_GLIBC",
}
_SYSTEMS = {"__osx": "osx", "__win": "win"} | dict.fromkeys(("__linux", "__glibc", "__musl", "__eglibc"), "linux")
_OTHER_LIBCS = {"__musl", "__eglibc"}
_CUDA_DEVICES = ("nvidia", "nvhost", "nvmap", "nvgpu", "dxg")
"""What the nodes in /dev through which a CUDA driver is reached start with: servers, Tegra boards, WSL."""


def runnable_subdirs(subdir: str) -> tuple[str, ...]:
    """A machine's own conda subdir, then those that pixi falls back to, which the machine emulates."""
    system = subdir.partition("-")[0]
    if system == "osx":
        return tuple(dict.fromkeys((subdir, "osx-64")))
    if system == "win":
        return (subdir, "win-32" if subdir == "win-64" else "win-64")
    return (subdir,)


@dataclass(frozen=True, slots=True)
class Host:
    """A machine as pixi sees it: `native` is its conda subdir, `variables` the environment of the command.

    `detected` has the virtual packages that are found on it, by name.
    """

    native: str
    variables: Mapping[str, str]
    detected: Mapping[str, str]

    @property
    def subdir(self) -> str:
        """The subdir that PIXI_OVERRIDE_PLATFORM names, the machine's own without; what is no subdir is ignored."""
        named = self.variables.get("PIXI_OVERRIDE_PLATFORM", "")
        return named if named in SUBDIRS else self.native

    def best_platform(self, platforms: Iterable[Platform], *, alone: bool = False) -> Platform | None:
        """The platform that pixi installs and runs here, None where none of them runs.

        `platforms` are the environment's in the workspace's order. `alone`: the workspace has no other; one for
        WebAssembly then counts as running anywhere.
        """
        declared = tuple(platforms)
        for subdir in runnable_subdirs(self.subdir):
            for candidate in declared:
                if candidate.subdir == subdir and self._has_all(candidate):
                    return candidate
        webassembly = (p for p in declared if alone and p.subdir.endswith("-wasm32") and self._has_all(p))
        return next(webassembly, None)

    def provided(self, name: str) -> str | None:
        """The version of a virtual package ("__glibc") that this machine has, CONDA_OVERRIDE_* counted; None for none.

        An empty variable takes the package away, one that cannot be read is ignored. A package of another system cannot
        be added; the libc's variable says nothing of such a one either.
        """
        carried = self.subdir.startswith(_SYSTEMS.get(name, ""))
        if name == "__archspec":  # whatever the microarchitecture is called: only versions are compared
            return None if self.variables.get("CONDA_OVERRIDE_ARCHSPEC") == "" else self.detected.get(name)
        if name == "__cuda_arch" and self.provided("__cuda") is None:
            return None
        if name in _OTHER_LIBCS and carried and self._override("__glibc"):
            return None
        override = self._override(name) if name != "__glibc" or carried else None
        if override is None:
            return self.detected.get(name)
        return override if override and (carried or name in self.detected) else None

    def _has_all(self, candidate: Platform) -> bool:
        for package in declared_beyond_defaults(candidate):
            version = self.provided(package.name)
            if version is None or not version_meets(f">={package.version}", version):
                return False
        return True

    def _override(self, name: str) -> str | None:
        """What a variable says of a package: "" that it is absent, None nothing."""
        value = self.variables.get(_OVERRIDES.get(name, ""))
        if not value:
            return value
        readable = re.fullmatch(r"\d+\.\d+", value, re.ASCII) if name == "__cuda_arch" else is_version(value)
        return value if readable else None


class Detected(Mapping[str, str]):
    """The virtual packages of this machine, each looked for when it is first asked for."""

    def __getitem__(self, name: str) -> str:
        if sys.platform == "linux":
            if (look := _ON_LINUX.get(name)) and (found := look()):
                return found
            if name.startswith("__cuda") and not _has_cuda_device():
                raise KeyError(name)
        return _by_rattler()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_by_rattler())

    def __len__(self) -> int:
        return len(_by_rattler())


def _linux_version() -> str:
    found = re.match(r"\d+\.\d+(?:\.\d+){0,2}", platform.release())
    return found[0] if found else ""


def _glibc_version() -> str:
    try:
        family, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (OSError, ValueError):  # another libc
        return ""
    return version if family == "glibc" else ""


_ON_LINUX: Mapping[str, Callable[[], str]] = {
    "__unix": lambda: "0",
    "__archspec": lambda: "1",
    "__linux": _linux_version,
    "__glibc": _glibc_version,
}
"""What is read as rattler reads it, but without loading rattler; "" where it has to look itself."""


def _has_cuda_device() -> bool:
    """Whether a CUDA driver could start: without a device it gives no version."""
    return any(node.name.startswith(_CUDA_DEVICES) for node in Path("/dev").iterdir())


@cache
def _by_rattler() -> Mapping[str, str]:
    import rattler
    from rattler.exceptions import DetectVirtualPackageError

    try:
        found = [package.into_generic() for package in rattler.VirtualPackage.detect()]
    except DetectVirtualPackageError:  # pixi, too, then goes on without any
        return {}
    return {package.name.normalized: str(package.version) for package in found}

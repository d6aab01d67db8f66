"""Which wheels fit a target: the tags of a declared platform and a CPython version, best first (pixi.md P8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING

from ..lazy_dataclass import dataclass

if TYPE_CHECKING:
    from ..manifest.model import Platform

__all__ = ["Target", "describe_misfits"]

ARCHITECTURES = {
    "64": "x86_64",
    "32": "i686",
    "aarch64": "aarch64",
    "arm64": "arm64",
    "armv7l": "armv7l",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
OLDEST_GLIBC = {"x86_64": 5, "i686": 5}  # PEP 513; every other architecture starts with manylinux2014 (PEP 599)
LEGACY_MANYLINUX = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
WINDOWS = {"x86_64": "win_amd64", "arm64": "win_arm64", "i686": "win32"}
MAC_FORMATS = {
    "x86_64": ("x86_64", "intel", "fat64", "fat32", "fat3", "universal2", "universal"),
    "arm64": ("arm64", "universal2"),
}
# The values that `uv pip compile --python-platform` (uv 0.13.8) knows; it serves for markers only, as the overlay
# decides on tags itself.
UV_PLATFORMS = {
    "linux-64": "x86_64-unknown-linux-gnu",
    "linux-aarch64": "aarch64-unknown-linux-gnu",
    "linux-riscv64": "riscv64-unknown-linux",
    "osx-64": "x86_64-apple-darwin",
    "osx-arm64": "aarch64-apple-darwin",
    "win-64": "x86_64-pc-windows-msvc",
    "win-arm64": "aarch64-pc-windows-msvc",
    "win-32": "i686-pc-windows-msvc",
}
# Defaults of pixi 0.77 where a platform declares nothing (pixi.md P8).
DEFAULT_GLIBC = "2.28"
DEFAULT_MACOS = "13.0"


@dataclass(frozen=True, slots=True)
class Target:
    """What a resolution is for. `ranks` maps "python-abi-platform" to its rank, 0 the best.

    `key` names the target in caches: equal keys accept equal wheels and evaluate markers equally.
    """

    key: str
    subdir: str
    python: str
    ranks: dict[str, int] = field(compare=False)

    @classmethod
    def of(cls, platform: Platform, python_version: str) -> Target:
        """The target of a platform (its virtual packages decide on platform tags) and "3.12" or "3.12.7"."""
        minor = _major_minor(python_version)
        platforms = tuple(_platform_tags(platform))
        ranks = _ranks(minor, platforms)
        key = f"{platform.subdir} {python_version} {platforms[0] if platforms else 'any'} {len(platforms)}"
        return cls(key, platform.subdir, python_version, ranks)

    def rank(self, tag: str) -> int | None:
        """The rank of a wheel's tag ("cp312-cp312-linux_x86_64", compressed sets allowed), None where it misfits."""
        rank = self.ranks.get(tag)
        if rank is not None or "." not in tag:
            return rank
        return min((self.ranks[t] for t in _expanded(tag) if t in self.ranks), default=None)

    @property
    def uv_platform(self) -> str | None:
        """What uv calls this platform, None where it has no name for it."""
        return UV_PLATFORMS.get(self.subdir)

    def markers(self) -> dict[str, str]:
        """The marker environment; platform_release and platform_version are empty (pixi.md P8)."""
        system, _, arch = self.subdir.partition("-")
        machine = ARCHITECTURES.get(arch, arch)
        names = {
            "linux": ("posix", "linux", "Linux"),
            "osx": ("posix", "darwin", "Darwin"),
            "win": ("nt", "win32", "Windows"),
        }
        os_name, sys_platform, platform_system = names.get(system, ("posix", system, system.capitalize()))
        if system == "win":
            machine = {"x86_64": "AMD64", "arm64": "ARM64", "i686": "x86"}.get(machine, machine)
        full = self.python if self.python.count(".") >= 2 else f"{self.python}.0"
        return {
            "implementation_name": "cpython",
            "implementation_version": full,
            "os_name": os_name,
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": platform_system,
            "platform_version": "",
            "python_full_version": full,
            "python_version": ".".join(self.python.split(".")[:2]),
            "sys_platform": sys_platform,
        }


def _major_minor(python_version: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", python_version)
    if match is None:
        raise ValueError(f"not a Python version: {python_version!r}")
    return int(match[1]), int(match[2])


def _platform_tags(platform: Platform) -> Iterator[str]:
    system, _, arch = platform.subdir.partition("-")
    machine = ARCHITECTURES.get(arch, arch)
    if system == "linux":
        yield from _linux_tags(platform, machine)
    elif system == "osx":
        yield from _mac_tags(_version(platform.virtual("__osx") or DEFAULT_MACOS), machine)
    elif system == "win" and machine in WINDOWS:
        yield WINDOWS[machine]


def _linux_tags(platform: Platform, machine: str) -> Iterator[str]:
    musl = platform.virtual("__musl")
    if musl is not None:
        major, minor = _version(musl)
        for older in range(minor, 0, -1):
            yield f"musllinux_{major}_{older}_{machine}"
    else:
        _, minor = _version(platform.virtual("__glibc") or DEFAULT_GLIBC)
        for older in range(minor, OLDEST_GLIBC.get(machine, 17) - 1, -1):
            yield f"manylinux_2_{older}_{machine}"
            if older in LEGACY_MANYLINUX:
                yield f"{LEGACY_MANYLINUX[older]}_{machine}"
    yield f"linux_{machine}"  # taken by uv and pixi 0.77, although no public index offers it


def _mac_tags(version: tuple[int, int], machine: str) -> Iterator[str]:
    major, minor = version
    formats = MAC_FORMATS.get(machine, ())
    for newer in range(major, 10, -1):
        for name in formats:
            yield f"macosx_{newer}_0_{name}"
    # macOS 10 knew no arm64: from then on only fat binaries serve it
    old_formats = formats if machine == "x86_64" else formats[1:]
    for older in range(16 if major > 10 else minor, 3, -1):
        for name in old_formats:
            yield f"macosx_10_{older}_{name}"


def _version(text: str) -> tuple[int, int]:
    numbers = [int(n) for n in re.findall(r"\d+", text)[:2]]
    return (numbers[0] if numbers else 0), (numbers[1] if len(numbers) > 1 else 0)


@lru_cache(maxsize=16)
def _ranks(python: tuple[int, int], platforms: tuple[str, ...]) -> dict[str, int]:
    """Every tag in uv's order (uv 0.13.8): native, none, older abi3, py3-none; then the same for `any`."""
    major, minor = python
    current = f"cp{major}{minor}"
    heads = [f"{current}-{current}", f"{current}-abi3", f"{current}-none"]
    heads += [f"cp{major}{older}-abi3" for older in range(minor - 1, 1, -1)]
    generic = [f"py{major}{minor}-none", f"py{major}-none"]
    generic += [f"py{major}{older}-none" for older in range(minor - 1, -1, -1)]
    tags = [f"{head}-{platform}" for head in (*heads, *generic) for platform in platforms]
    tags += [f"{head}-any" for head in (f"{current}-none", *generic)]
    return {tag: rank for rank, tag in reversed(list(enumerate(tags)))}


def _expanded(tag: str) -> Iterator[str]:
    python, abi, platform = tag.split("-")
    for p in python.split("."):
        for a in abi.split("."):
            for system in platform.split("."):
                yield f"{p}-{a}-{system}"


# --- why none fits --------------------------------------------------------------------------------------------------


_ANY = "any platform"


def describe_misfits(filenames: Iterable[str], target: Target) -> str:
    """Why none of a release's wheels fits, in words: "its wheels are for cp38–cp311 only"."""
    from .pages import split_wheel  # what reads pages is slow to import, and a lock needs none

    return _describe(frozenset(parts[3] for name in filenames if (parts := split_wheel(name))), target)


@lru_cache(maxsize=1024)
def _describe(compressed: frozenset[str], target: Target) -> str:
    """The releases of a project mostly have wheels for the same few tags."""
    tags = [tag for each in sorted(compressed) for tag in _expanded(each)]
    if not tags:
        return "no wheel on the index"
    minor = _major_minor(target.python)
    mine = _my_system(target)
    systems = {tag: _system(tag.rpartition("-")[2]) for tag in tags}
    if mine.startswith("macOS"):
        systems = {tag: mine if system == "macOS universal2" else system for tag, system in systems.items()}
    pythons_fit = [t for t in tags if _python_fits(t, minor)]
    if mine and not pythons_fit and not {mine, _ANY} & set(systems.values()):
        return f"its wheels are for {_listed(sorted(set(systems.values())))} only ({_pythons(tags)})"
    if not pythons_fit:
        return f"its wheels are for {_pythons(tags)} only"
    systems = {tag: systems[tag] for tag in pythons_fit}
    if mine not in systems.values():
        return f"its wheels are for {_listed(sorted(set(systems.values())))} only"
    here = [tag.rpartition("-")[2] for tag, system in systems.items() if system == mine]
    versions = sorted({version for platform in here if (version := _too_new(platform))})
    if versions:
        return f"its wheels need {versions[0][1]}, which this platform does not promise"
    return f"its wheels ({', '.join(sorted(set(tags))[:3])}) do not fit"


def _python_fits(tag: str, minor: tuple[int, int]) -> bool:
    python, abi, _ = tag.split("-")
    major, current = minor
    if abi == "abi3":
        own = re.fullmatch(rf"cp{major}(\d+)", python)
        return own is not None and int(own[1]) <= current
    if abi == "none":
        own = re.fullmatch(rf"py{major}(\d*)", python)
        return python == f"cp{major}{current}" or (own is not None and int(own[1] or 0) <= current)
    return python == abi == f"cp{major}{current}"


def _pythons(tags: Iterable[str]) -> str:
    """The Pythons in words: "cp38–cp311" where there are more than two of CPython 3, else a list."""
    names = {t.split("-")[0] if t.split("-")[1] != "abi3" else f"{t.split('-')[0]}-abi3" for t in tags}
    names |= {t.split("-")[1] for t in tags if re.fullmatch(r"cp\d+t", t.split("-")[1])}
    numbered = sorted(int(m[1]) for n in names if (m := re.fullmatch(r"cp3(\d+)", n)))
    rest = sorted(n for n in names if not re.fullmatch(r"cp3\d+", n))
    spans = [f"cp3{numbered[0]}–cp3{numbered[-1]}"] if len(numbered) > 2 else [f"cp3{n}" for n in numbered]
    return _listed(spans + rest)


def _system(platform: str) -> str:
    if platform == "any":
        return _ANY
    if platform.startswith("win"):
        arch = {"win32": "32-bit", "win_arm64": "arm64"}.get(platform, "x86_64")
        return f"Windows {arch}"
    match = re.match(r"(manylinux(?:_\d+_\d+|\d+)|musllinux_\d+_\d+|macosx_\d+_\d+|linux)_(.+)", platform)
    if match is None:
        return platform
    family = {"ma": "Linux", "mu": "Linux (musl)", "li": "Linux"}.get(match[1][:2], "")
    return f"{'macOS' if match[1].startswith('macosx') else family} {match[2]}"


def _my_system(target: Target) -> str:
    """The target's own platform, "" for one that stands for all of them."""
    if not target.ranks:
        return ""
    return _system(min(target.ranks, key=target.ranks.__getitem__).rpartition("-")[2])


def _too_new(platform: str) -> tuple[tuple[int, int], str] | None:
    match = re.match(r"(manylinux|musllinux|macosx)_(\d+)_(\d+)_", platform)
    if match is None:
        return None
    name = {"manylinux": "glibc", "musllinux": "musl", "macosx": "macOS"}[match[1]]
    return (int(match[2]), int(match[3])), f"{name} {match[2]}.{match[3]}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""Platforms of a pixi workspace: entries, virtual packages, target selectors, `[system-requirements]` (pixi.md P8)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from .fields import Node, Problems, Table
from .model import Platform, VirtualPackage

__all__ = [
    "SUBDIRS",
    "bare_platform",
    "check_platform_name",
    "check_selector",
    "combined_platform",
    "declared_beyond_defaults",
    "derived_name",
    "is_version",
    "platform_with",
    "read_platform",
    "read_system_requirements",
    "selector_matches",
    "virtual_packages_of",
]

SUBDIRS = (
    "noarch",
    "linux-32",
    "linux-64",
    "linux-aarch64",
    "linux-armv6l",
    "linux-armv7l",
    "linux-loong64",
    "linux-ppc64",
    "linux-ppc64le",
    "linux-ppc",
    "linux-s390x",
    "linux-riscv32",
    "linux-riscv64",
    "freebsd-64",
    "osx-64",
    "osx-arm64",
    "win-32",
    "win-64",
    "win-arm64",
    "emscripten-wasm32",
    "wasi-wasm32",
    "zos-z",
)
_FAMILIES = {"linux": ("linux",), "unix": ("linux", "osx", "freebsd", "emscripten"), "win": ("win",)}
_FAMILIES |= {"osx": ("osx",), "macos": ("osx",)}

# The order decides a derived platform's name (P8).
_FRIENDLY = {
    "cuda": "__cuda",
    "archspec": "__archspec",
    "glibc": "__glibc",
    "linux": "__linux",
    "macos": "__osx",
    "windows": "__win",
}
_DEFAULT_VERSIONS = {
    "linux": (("__linux", "4.18"), ("__glibc", "2.28")),
    "win": (("__win", "10.0"),),
    "osx": (("__osx", "13.0"),),
}
_ARCHITECTURES = {
    "32": "x86",
    "64": "x86_64",
    "arm64": "aarch64",
    "armv6l": "aarch64",
    "armv7l": "aarch64",
    "wasm32": "",
    "z": "",
}
_PLATFORM_NAME = r"[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_VERSION = r"(?:\d+!)?[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*(?:\+[A-Za-z0-9._-]+)?"
_NAME_LIMIT = 64


def bare_platform(subdir: str) -> Platform:
    """A platform named after its conda subdir, with pixi's default virtual packages."""
    return Platform(subdir, subdir, _defaults(subdir))


def platform_with(name: str, subdir: str, declared: Iterable[VirtualPackage]) -> Platform:
    """A named platform: the declared virtual packages, and the subdir's defaults for the others."""
    own = tuple(declared)
    names = {package.name for package in own}
    return Platform(name, subdir, (*own, *(default for default in _defaults(subdir) if default.name not in names)))


def declared_beyond_defaults(platform: Platform) -> tuple[VirtualPackage, ...]:
    """The virtual packages that differ from the subdir's defaults."""
    defaults = _defaults(platform.subdir)
    return tuple(package for package in platform.virtual_packages if package not in defaults)


def derived_name(subdir: str, declared: Iterable[VirtualPackage]) -> str:
    """The name that pixi gives to a platform without one: `linux-64-cuda-12`; default values do not count."""
    defaults = _defaults(subdir)
    packages = {package.name: package for package in declared if package not in defaults}
    parts = [subdir]
    for key, name in _FRIENDLY.items():
        package = packages.pop(name, None)
        if package is not None:
            parts.append(f"{key}-{_segment(package.build if key == 'archspec' else package.version)}")
    for name in sorted(packages):
        package = packages[name]
        value = package.version if package.build == "0" else f"{package.version}={package.build}"
        parts.append(f"{_segment(name.lstrip('_'))}-{_segment(value)}")
    return "-".join(parts)


def combined_platform(subdir: str, pinned: Sequence[Platform]) -> Platform:
    """What an environment gets on a subdir for which its features name several platforms: the highest packages."""
    if not pinned:
        return bare_platform(subdir)
    if len(pinned) == 1:
        return pinned[0]
    highest: dict[str, VirtualPackage] = {}
    for package in (package for platform in pinned for package in declared_beyond_defaults(platform)):
        known = highest.get(package.name)
        if known is None or _version_key(package.version) > _version_key(known.version):
            highest[package.name] = package
    declared = [highest[name] for name in sorted(highest)]
    return platform_with(derived_name(subdir, declared), subdir, declared)


def _version_key(version: str) -> tuple[tuple[int, str], ...]:
    """An ordering of the plain versions that virtual packages have."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"[._-]", version))


def check_platform_name(name: str) -> str:
    """The name itself if a platform may be called so; ValueError otherwise."""
    if len(name) > _NAME_LIMIT or not re.fullmatch(_PLATFORM_NAME, name) or name in _FAMILIES:
        raise ValueError(f"'{name}' is not a valid platform name (allowed: letters, digits and '-')")
    return name


def check_selector(text: str) -> str:
    """The key of a target table if pixi can read it; ValueError otherwise."""
    if "(" in text:
        raise ValueError(f"'{text}' is not a valid target selector: expressions are only supported for packages")
    if text in _FAMILIES or text in SUBDIRS:
        return text
    if any(sign in text for sign in "*?["):
        if len(text) <= _NAME_LIMIT and re.fullmatch(r"[A-Za-z0-9*-]+", text):
            return text
    elif re.fullmatch(_PLATFORM_NAME, text) and len(text) <= _NAME_LIMIT:
        return text
    raise ValueError(f"'{text}' is not a known platform")


def selector_matches(selector: str, platform: Platform) -> bool:
    """Whether a target's key selects a platform: by family, by subdir, by name, or by a `*` pattern of names."""
    if selector in _FAMILIES:
        return platform.subdir.partition("-")[0] in _FAMILIES[selector]
    if selector in SUBDIRS:
        return selector == platform.subdir
    if "*" in selector:
        return fnmatchcase(platform.name, selector)
    return selector == platform.name


def read_platform(problems: Problems, node: Node) -> Platform | None:
    """One entry of `platforms`: a subdir, or a table of name, platform and virtual packages (P8)."""
    if isinstance(node.value, str):
        subdir = problems.parsed(node, _check_subdir)
        return None if subdir is None else _placed(problems, node, bare_platform(subdir))
    if not isinstance(node.value, dict):
        problems.wanted(node, "a string or a table")
        return None
    mark = problems.mark
    table = Table(problems, node)
    name_node, platform_node = table.take("name"), table.take("platform")
    name = None if name_node is None else problems.string(name_node)
    subdir = None if platform_node is None else problems.string(platform_node)
    declared = _read_virtual_packages(problems, table)
    table.finish()
    if problems.errors_since(mark):
        return None
    return _checked_platform(problems, node, name, subdir, declared)


def _checked_platform(
    problems: Problems, node: Node, name: str | None, subdir: str | None, declared: list[VirtualPackage]
) -> Platform | None:
    stated = subdir if subdir is not None else name
    if stated is None:
        problems.invalid(node, "a platform entry must set at least one of 'name' or 'platform'")
        return None
    if stated not in SUBDIRS:
        where = Node(stated, (*node.key, "name" if subdir is None else "platform"))
        message = f"'{stated}' is not a known conda platform"
        problems.invalid(where, message if subdir else f"{message}; set 'platform' when using a custom name")
        return None
    chosen = derived_name(stated, declared) if name is None else name
    try:
        check_platform_name(chosen)
    except ValueError as error:
        problems.invalid(node if name is None else Node(name, (*node.key, "name")), str(error))
        return None
    if chosen == stated and declared:
        message = "virtual packages cannot be added to a platform that is named after its conda subdir"
        problems.invalid(node, message, hint="give the entry another 'name', or drop the virtual packages")
        return None
    names = {package.name for package in declared}
    if "__cuda_arch" in names and "__cuda" not in names:
        problems.invalid(node, "'__cuda_arch' requires '__cuda' to be declared as well")
        return None
    platform = platform_with(chosen, stated, declared) if chosen != stated else bare_platform(stated)
    return _placed(problems, node, platform)


def _read_virtual_packages(problems: Problems, table: Table) -> list[VirtualPackage]:
    declared = _read_cuda(problems, table)
    for key, name in _FRIENDLY.items():
        if key == "cuda":
            continue
        for spelling in (key, "osx") if key == "macos" else (key,):
            value = table.string(spelling) if key == "archspec" else table.parsed(spelling, _check_version)
            if value is not None:
                package = VirtualPackage(name, "0", value) if key == "archspec" else VirtualPackage(name, value)
                declared.append(package)
    values: Mapping[str, object] = table.node.value if isinstance(table.node.value, dict) else {}
    for key in sorted(name for name in values if name.startswith("__")):
        raw = table.string(key)
        if raw is None:
            continue
        version, _, build = raw.partition("=")
        if any(package.name == key for package in declared):
            problems.add("invalid", f"'{key}' is declared more than once", (*table.node.key, key), at="key")
        elif not is_version(version):
            problems.invalid(Node(raw, (*table.node.key, key)), f"'{version}' is not a valid virtual-package version")
        else:
            declared.append(VirtualPackage(key, version, build or "0"))
    return declared


def _read_cuda(problems: Problems, table: Table) -> list[VirtualPackage]:
    node = table.take("cuda")
    if node is None:
        return []
    if isinstance(node.value, str):
        version = problems.parsed(node, _check_version)
        return [] if version is None else [VirtualPackage("__cuda", version)]
    if not isinstance(node.value, dict):
        problems.wanted(node, "a version string or a table")
        return []
    inner = Table(problems, node)
    driver, arch = inner.parsed("driver", _check_version), inner.parsed("arch", _check_version)
    inner.finish()
    if driver is None:
        if not problems.errors_since(inner.mark):
            at = node if arch is None else Node(arch, (*node.key, "arch"))
            problems.invalid(at, "a 'cuda' table must set 'driver' (and may set 'arch')")
        return []
    return [VirtualPackage("__cuda", driver), *([VirtualPackage("__cuda_arch", arch)] if arch is not None else [])]


def read_system_requirements(problems: Problems, node: Node) -> dict[str, str]:
    """The deprecated `[system-requirements]` table as virtual package → version; archspec is read and not used."""
    table = Table(problems, node)
    found: dict[str, str | None] = {
        "__osx": table.parsed("macos", _check_version),
        "__linux": table.parsed("linux", _check_version),
        "__cuda": table.parsed("cuda", _check_version),
    }
    libc = table.take("libc")
    if libc is not None:
        family, version = _read_libc(problems, libc)
        found[f"__{family}"] = version
    found["archspec"] = table.string("archspec")
    table.finish()
    order = ("__linux", "__cuda", "__osx")
    listed = [*order, *(name for name in found if name not in order)]
    return {name: version for name in listed if (version := found[name]) is not None}


def _read_libc(problems: Problems, node: Node) -> tuple[str, str | None]:
    if isinstance(node.value, str):
        return "glibc", problems.parsed(node, _check_version)
    if not isinstance(node.value, dict):
        problems.wanted(node, "a string or a table")
        return "glibc", None
    table = Table(problems, node)
    family = table.string("family")
    version = table.required("version", lambda field: problems.parsed(field, _check_version))
    table.finish()
    return family or "glibc", version


def virtual_packages_of(requirements: Mapping[str, str], subdir: str) -> tuple[VirtualPackage, ...]:
    """What system requirements declare on one subdir: only packages that exist there (no CUDA on macOS)."""
    system = subdir.partition("-")[0]
    return tuple(
        VirtualPackage(name, version)
        for name, version in requirements.items()
        if (name == "__osx" and system == "osx")
        or (name == "__cuda" and system != "osx")
        or (name not in {"__osx", "__cuda", "archspec"} and system == "linux")
    )


def _defaults(subdir: str) -> tuple[VirtualPackage, ...]:
    system, _, machine = subdir.partition("-")
    packages = [VirtualPackage("__unix", "0")] if system in _FAMILIES["unix"] else []
    packages += [VirtualPackage(name, version) for name, version in _DEFAULT_VERSIONS.get(system, ())]
    architecture = "m1" if subdir == "osx-arm64" else _ARCHITECTURES.get(machine, machine)
    if architecture:
        packages.append(VirtualPackage("__archspec", "0", architecture))
    return tuple(packages)


def _placed(problems: Problems, node: Node, platform: Platform) -> Platform:
    return Platform(platform.name, platform.subdir, platform.virtual_packages, problems.place(node.key))


def _check_subdir(text: str) -> str:
    if text not in SUBDIRS:
        raise ValueError(f"'{text}' is not a known platform. Valid platforms are {', '.join(SUBDIRS)}")
    return text


def is_version(text: str) -> bool:
    """Whether a text is a conda version."""
    return re.fullmatch(_VERSION, text) is not None


def _check_version(text: str) -> str:
    if not is_version(text):
        raise ValueError(f"'{text}' is not a valid version")
    return text


def _segment(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")

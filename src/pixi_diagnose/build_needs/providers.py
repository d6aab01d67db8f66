"""Who provides an import in a standard isolated build: what is declared, what the hook asks for, or setuptools."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from ..pep508 import canonicalize_name
from .model import BuildNeeds, BuildTarget, ImportNeed, Phase, Strength
from .tables import brought_with, newest_setuptools, setuptools_makes_wheels, vendored_by_setuptools

__all__ = ["Provider", "applicable_projects", "named_after", "possible_projects", "provider", "undeclared"]

_OF_SETUPTOOLS = frozenset({"setuptools", "pkg_resources", "_distutils_hack", "distutils"})


@cache
def _name_of(requirement: str, python: tuple[int, int], subdir: str) -> str:
    """The canonical name of a requirement string that applies there, empty otherwise."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return ""
    if parsed.marker is not None and not parsed.marker.evaluate(marker_environment(python, subdir)):
        return ""
    return canonicalize_name(parsed.name)


def marker_environment(python: tuple[int, int], subdir: str) -> dict[str, str]:
    """The marker variables of a target."""
    system, _, architecture = subdir.partition("-")
    platform, name, kind = {
        "linux": ("linux", "Linux", "posix"),
        "osx": ("darwin", "Darwin", "posix"),
        "win": ("win32", "Windows", "nt"),
    }.get(system, ("linux", "Linux", "posix"))
    machine = {"64": "AMD64" if system == "win" else "x86_64", "32": "i686"}.get(architecture, architecture)
    version = ".".join(map(str, python))
    return {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_name": "cpython",
        "implementation_version": f"{version}.0",
        "platform_python_implementation": "CPython",
        "sys_platform": platform,
        "platform_system": name,
        "os_name": kind,
        "platform_machine": machine,
        "platform_release": "",
        "platform_version": "",
        "extra": "",
    }


def applicable_projects(requirements: Iterable[str], target: BuildTarget) -> frozenset[str]:
    """The canonical names of the requirements that apply to a target."""
    names = {_name_of(text, target.python, target.subdir) for text in requirements}
    return frozenset(names - {""})


def possible_projects(root: str, named: Iterable[str]) -> frozenset[str]:
    """The named candidates for a module and the usual spellings of its project: `python-x`, `x-python`, `pyx`."""
    name = canonicalize_name(root)
    return frozenset([*named, f"python-{name}", f"{name}-python", f"py-{name}", f"py{name}"])


def named_after(root: str, projects: Iterable[str]) -> bool:
    """Whether one of the projects is called after a module (`requests-toolbelt`, `robotframework`).

    As a rule such a project provides the module or requires the one that does. Short names say too little.
    """
    name = canonicalize_name(root)
    return len(name) >= 5 and any(project.startswith(name) for project in projects)


class Provider:
    """The answers that `provider` gives."""

    DECLARED = "declared"
    HOOK = "hook"
    SETUPTOOLS = "setuptools"
    BROUGHT = "brought"


def provider(
    need: ImportNeed,
    needs: BuildNeeds,
    setuptools_version: str | None = None,
    *,
    available: frozenset[str] = frozenset(),
    target: BuildTarget | None = None,
) -> str | None:
    """Who provides an import in a standard isolated build, None for nobody.

    "declared": `[build-system].requires`; "hook": the answer of get_requires_for_build_wheel, for imports that run
    after it was installed; "setuptools": a copy that setuptools vendors; "brought": it comes with a declared one, by
    our table or among `available`, the canonical names of what a resolution of the declared ones gave.
    `setuptools_version` is the one that the build will have, by default the newest that is allowed.
    """
    target = target or BuildTarget()
    declared = applicable_projects(needs.build_system.requires, target)
    wanted = possible_projects(need.import_name.partition(".")[0], need.projects)
    root = need.import_name.partition(".")[0]
    if wanted & declared:
        return Provider.DECLARED
    hook = applicable_projects(needs.hook_requirements, target)
    if wanted & hook and (need.after_setup_requires or need.phase is Phase.WHEEL):
        return Provider.HOOK
    answered = declared | (hook if need.after_setup_requires or need.phase is Phase.WHEEL else frozenset())
    brought = frozenset(b for project in answered for b in brought_with(project)) | available
    if "setuptools" in declared | brought:
        version = setuptools_version or newest_setuptools(needs.build_system.requires, target.python)
        if root in _OF_SETUPTOOLS or root in vendored_by_setuptools(version):
            return Provider.DECLARED if root in _OF_SETUPTOOLS else Provider.SETUPTOOLS
        if root == "wheel" and not setuptools_makes_wheels(version) and need.after_setup_requires:
            return Provider.HOOK
    return Provider.BROUGHT if wanted & brought or named_after(root, answered) else None


def undeclared(
    needs: BuildNeeds,
    setuptools_version: str | None = None,
    *,
    available: frozenset[str] = frozenset(),
    target: BuildTarget | None = None,
) -> tuple[ImportNeed, ...]:
    """The imports that nothing provides in a standard isolated build, in order; each project once per phase.

    A need of a fallback (`unless`) is left out where the module that makes it needless is provided.
    """
    found: list[ImportNeed] = []
    for need in needs.imports:
        brought = available | {b for o in found if o.strength is Strength.HARD for b in brought_with(o.projects[0])}
        if brought & set(need.projects):
            # It comes with a project that is missing before it.
            continue
        if provider(need, needs, setuptools_version, available=available, target=target) is not None:
            continue
        if need.strength is Strength.HARD and any(
            o.strength is Strength.HARD and o.projects[:1] == need.projects[:1] for o in found
        ):
            # Without it the metadata hooks fail already.
            continue
        found.append(need)
    return tuple(found)

"""Environments that tell markers apart: two markers that hold in the same of them count as the same.

Tools normalise the markers that they lock, so their text is no measure.
"""

from __future__ import annotations

from functools import lru_cache

from .pypi_matching import MarkerReader

__all__ = ["probes"]

_SYSTEMS = {"linux": ("Linux", "posix"), "darwin": ("Darwin", "posix"), "win32": ("Windows", "nt")}
_MACHINES = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "x86_64"), ("darwin", "arm64"), ("win32", "AMD64"))
_PYTHONS = ("2.7.18", *(f"3.{minor}.1" for minor in range(21)))


@lru_cache(maxsize=8)
def probes(requires_python: str = "") -> tuple[MarkerReader, ...]:
    """One for each system and Python series that a requires-python allows; all where it says nothing readable."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        allowed = SpecifierSet(requires_python)
    except InvalidSpecifier:
        allowed = SpecifierSet()
    return tuple(
        _probe(system, machine, python) for system, machine in _MACHINES for python in _PYTHONS if python in allowed
    )


@lru_cache(maxsize=256)
def _probe(system: str, machine: str, python: str) -> MarkerReader:
    platform_system, os_name = _SYSTEMS[system]
    return MarkerReader(
        {
            "sys_platform": system,
            "platform_system": platform_system,
            "os_name": os_name,
            "platform_machine": machine,
            "python_version": python.rpartition(".")[0],
            "python_full_version": python,
            "implementation_name": "cpython",
            "implementation_version": python,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_version": "",
        }
    )

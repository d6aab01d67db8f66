"""pixi.lock files as pixi writes them, made up: as large as wanted, or around a few given entries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

__all__ = ["CHANNEL", "INDEX", "conda_entry", "large_workspace", "lock_text", "pypi_entry"]

CHANNEL = "https://channel.example/forge"
INDEX = "https://index.example/simple"
PLATFORM = "linux-64"


def conda_entry(name: str, version: str, build: str = "h0_0", depends: Iterable[str] = (), purls: str = "[]") -> str:
    """A conda package of the channel; `purls` is "[]", a project's name, or "" for none said."""
    lines = [f"- conda: {CHANNEL}/{PLATFORM}/{name}-{version}-{build}.conda"]
    lines += [f"  sha256: {_digest(name)}", f"  md5: {_digest(name)[:32]}"]
    wanted = list(depends)
    if wanted:
        lines += ["  depends:", *(f"  - {d}" for d in wanted)]
    lines += ["  license: MIT"]
    if purls:
        lines += [f"  purls: {purls}"] if purls == "[]" else ["  purls:", f"  - pkg:pypi/{purls}?source=hash-mapping"]
    return "\n".join([*lines, "  size: 1000", "  timestamp: 1700000000000"])


def pypi_entry(name: str, version: str, requires: Iterable[str] = (), *, suffix: str = "-py3-none-any.whl") -> str:
    """A project of the index, by default a wheel."""
    lines = [f"- pypi: https://files.example/{_digest(name)[:2]}/{name}-{version}{suffix}"]
    lines += [f"  name: {name}", f"  version: {_quoted(version)}", f"  sha256: {_digest(name)}", f"  index: {INDEX}"]
    wanted = list(requires)
    if wanted:
        lines += ["  requires_dist:", *(f"  - {r}" for r in wanted)]
    return "\n".join([*lines, "  requires_python: '>=3.8'"])


def lock_text(entries: Iterable[str], *, environment: str = "default", head: str = "") -> str:
    """A version 7 lock of one environment on linux-64 that holds these entries; `head` goes before its packages."""
    every = list(entries)
    selectors = "\n".join(f"      {entry.partition(chr(10))[0]}" for entry in every)
    return (
        f"version: 7\nplatforms:\n- name: {PLATFORM}\n  virtual-packages:\n  - __unix=0=0\n  - __linux=4.18\n"
        f"  - __glibc=2.28\n  - __archspec=0=x86_64\nenvironments:\n  {environment}:\n    channels:\n"
        f"    - url: {CHANNEL}/\n    indexes:\n    - {INDEX}\n{head}    packages:\n      {PLATFORM}:\n{selectors}\n"
        "packages:\n" + "\n".join(every) + "\n"
    )


def large_workspace(size: int) -> tuple[str, str]:
    """A manifest and its good lock with `size` entries, half of them conda packages: chains with many extras."""
    half = size // 2
    conda = [conda_entry("python", "3.12.7", "h0_0_cpython", ["__glibc >=2.17,<3.0.a0", "lib1 >=1.2,<2.0a0"])]
    for i in range(1, half):
        following = [f"lib{j} >=1.2.3,<2.0a0" for j in range(i + 1, min(i + 4, half))]
        conda.append(conda_entry(f"lib{i}", "1.4.2", f"h{i:05x}_0", [*following, "__glibc >=2.17,<3.0.a0"]))
    pypi = []
    for i in range(half, size):
        following = [f"project{j}>=1.2,<3" for j in range(i + 1, min(i + 4, size))]
        optional = [f"tool{j}>=1.0,!=1.5.* ; extra == 'extra{j}'" for j in range(16)]
        conditional = ["pywin32>=300 ; sys_platform == 'win32'", "tomli ; python_full_version < '3.11'"]
        suffix = "-py3-none-any.whl" if i % 3 else "-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
        pypi.append(pypi_entry(f"project{i}", "2.0.1", [*following, *conditional, *optional], suffix=suffix))
    manifest = (
        f'[workspace]\nname = "large"\nchannels = ["{CHANNEL}"]\nplatforms = ["{PLATFORM}"]\n\n'
        f'[dependencies]\npython = "3.12.*"\n\n[pypi-options]\nindex-url = "{INDEX}"\n\n'
        f'[pypi-dependencies]\nproject{half} = ">=2"\n'
    )
    return manifest, lock_text([*conda, *pypi])


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _quoted(version: str) -> str:
    return version if version.count(".") > 1 else f"'{version}'"

"""pixi.lock is read fast where pixi wrote it, and as py-rattler (pixi's own reader) reads it everywhere else (P9)."""

from __future__ import annotations

import string
import tempfile
from pathlib import Path

import pytest
import rattler
from hypothesis import given, settings
from hypothesis import strategies as st

from pixi_diagnose.errors import LockError
from pixi_diagnose.locks.model import PixiLock
from pixi_diagnose.locks.pixi_lock import read_pixi_lock
from pixi_diagnose.locks.regular_yaml import IrregularYamlError, read_regular_yaml
from support.locks import CHANNEL, INDEX, conda_entry, large_workspace, lock_text, pypi_entry

LOCK = lock_text(
    [
        conda_entry("python", "3.12.7", "h0_0_cpython"),
        conda_entry("numpy", "1.26.0", "py312_0", ["python >=3.12,<3.13.0a0"], "numpy"),
        pypi_entry("click", "8.1.7", ["colorama ; sys_platform == 'win32'"]),
        pypi_entry("docopt", "0.6.2", suffix=".tar.gz"),
    ]
)
VERSION_6 = """\
version: 6
environments:
  default:
    channels:
    - url: https://channel.example/forge/
    indexes:
    - https://index.example/simple
    options:
      channel-priority: disabled
    packages:
      linux-64:
      - conda: https://channel.example/forge/linux-64/python-3.12.7-h0_0.conda
      - pypi: ./local
      - pypi: https://files.example/click-8.1.7-py3-none-any.whl
packages:
- conda: https://channel.example/forge/linux-64/python-3.12.7-h0_0.conda
  sha256: 0000000000000000000000000000000000000000000000000000000000000000
  license: 'A: B'
- pypi: ./local
  name: local
  version: 0.1.0
  sha256: 0000000000000000000000000000000000000000000000000000000000000000
  requires_dist:
  - click
  requires_python: '>=3.9'
  editable: true
- pypi: https://files.example/click-8.1.7-py3-none-any.whl
  name: click
  version: 8.1.7
"""
VERSION_5 = """\
version: 5
environments:
  default:
    channels:
    - url: https://channel.example/forge/
    packages:
      linux-64:
      - conda: https://channel.example/forge/noarch/tzdata-2024a-0.conda
packages:
- kind: conda
  name: tzdata
  version: 2024a
  build: '0'
  subdir: noarch
  noarch: generic
  url: https://channel.example/forge/noarch/tzdata-2024a-0.conda
  sha256: 0000000000000000000000000000000000000000000000000000000000000000
  md5: 00000000000000000000000000000000
"""


Conda = tuple[str, str, str, tuple[str, ...]]
"""Name, location, subdir, depends."""
Project = tuple[str, str, tuple[str, ...]]
"""Name, location, requires_dist."""
Reading = dict[tuple[str, str], tuple[list[Conda], list[Project]]]


def as_rattler_reads(text: str, folder: Path) -> Reading:
    """Environment and platform → conda and PyPI packages."""
    file = folder / "pixi.lock"
    file.write_text(text)
    found = {}
    for name, environment in rattler.LockFile.from_path(file).environments():
        for platform in environment.platforms():
            conda: list[Conda] = []
            pypi: list[Project] = []
            for package in environment.packages(platform) or []:
                if isinstance(package, rattler.lock.PypiLockedPackage):
                    pypi.append((package.name, package.location, tuple(package.requires_dist)))
                elif isinstance(package, rattler.lock.CondaLockedPackage):
                    record = package.package_record
                    assert record is not None
                    conda.append((record.name.normalized, package.location, record.subdir, tuple(record.depends)))
            found[name, platform.name] = sorted(conda), sorted(pypi)
    return found


def as_read(lock: PixiLock) -> Reading:
    return {
        (name, platform): (
            sorted((c.name, c.location, c.subdir, c.depends) for c in packages.conda),
            sorted((p.name, p.location, p.requires_dist) for p in packages.pypi),
        )
        for name, environment in lock.environments.items()
        for platform, packages in environment.packages.items()
    }


@pytest.mark.parametrize("text", [LOCK, VERSION_6, VERSION_5, large_workspace(40)[1]], ids=["7", "6", "5", "larger"])
def test_it_is_read_as_pixis_own_library_reads_it(text: str, tmp_path: Path) -> None:
    assert as_read(read_pixi_lock(text, "pixi.lock")) == as_rattler_reads(text, tmp_path)


def test_what_pixi_wrote_is_read_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("rattler was asked")

    monkeypatch.setattr("pixi_diagnose.locks.pixi_lock._rewritten", fail)
    for text in (LOCK, VERSION_6, VERSION_5):
        assert read_pixi_lock(text, "pixi.lock").environments


@pytest.mark.parametrize(
    "edit",
    [
        lambda t: "# written by hand\n" + t,
        lambda t: t.replace("  license: MIT\n", "  license: >-\n    MIT\n", 1),
        lambda t: t.replace(f"channels:\n    - url: {CHANNEL}/\n", f"channels: [{{url: {CHANNEL}/}}]\n"),
        lambda t: t.replace("\n", "\r\n"),
        lambda t: t.rstrip("\n"),
    ],
    ids=["comment", "folded scalar", "flow collection", "line breaks", "no last line break"],
)
def test_yaml_of_another_hand_says_the_same(edit: object) -> None:
    assert callable(edit)
    assert as_read(read_pixi_lock(edit(LOCK), "pixi.lock")) == as_read(read_pixi_lock(LOCK, "pixi.lock"))


def test_old_versions_are_read_by_the_library() -> None:
    text = """\
version: 1
metadata:
  content_hash:
    linux-64: "0"
  channels:
  - url: https://channel.example/forge/
    used_env_vars: []
  platforms:
  - linux-64
  sources: []
package:
- platform: linux-64
  name: tzdata
  version: 2024a
  category: main
  manager: conda
  dependencies: []
  url: https://channel.example/forge/noarch/tzdata-2024a-0.conda
  hash:
    md5: "00000000000000000000000000000000"
  build: '0'
  subdir: noarch
"""
    lock = read_pixi_lock(text, "pixi.lock")
    assert lock.version == 1
    assert [c.name for c in lock.environments["default"].packages["linux-64"].conda] == ["tzdata"]


def test_what_an_entry_leaves_out_is_derived_as_pixi_derives_it() -> None:
    packages = read_pixi_lock(LOCK, "pixi.lock").environments["default"].packages["linux-64"]
    numpy = next(c for c in packages.conda if c.name == "numpy")
    assert (numpy.version, numpy.build, numpy.subdir, numpy.channel) == ("1.26.0", "py312_0", "linux-64", f"{CHANNEL}/")
    assert numpy.purls == ("pkg:pypi/numpy?source=hash-mapping",)
    python = next(c for c in packages.conda if c.name == "python")
    assert python.purls == ()


def test_a_distribution_without_an_index_is_from_the_first_of_its_environment() -> None:
    text = LOCK.replace(f"  index: {INDEX}\n", "").replace(
        f"    indexes:\n    - {INDEX}\n", "    indexes:\n    - https://first.example/simple\n    - https://b.example/\n"
    )
    packages = read_pixi_lock(text, "pixi.lock").environments["default"].packages["linux-64"]
    assert {p.index for p in packages.pypi} == {"https://first.example/simple"}


def test_before_version_7_a_folder_has_no_version_and_no_project_an_index() -> None:
    environment = read_pixi_lock(VERSION_6, "pixi.lock").environments["default"]
    assert environment.channel_priority == "disabled"
    assert [(p.name, p.version, p.index, p.is_directory) for p in environment.packages["linux-64"].pypi] == [
        ("local", "", "", True),
        ("click", "8.1.7", "", False),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "does not say its version"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        ("version: 7\nenvironments: []\npackages: []\n", "environments is no mapping"),
        (LOCK.replace("- pypi: https", "- wheel: https"), "neither conda, conda_source nor pypi"),
        (LOCK.replace("  name: click\n", ""), "click-8.1.7-py3-none-any.whl, has no name"),
        (LOCK.replace("- name: linux-64", "- name: osx-64"), "environments.default.packages.linux-64 is not among"),
        (LOCK.replace("packages:\n- conda", "others:\n- conda"), "which is not among its packages"),
        ("version: 7\nplatforms: {{\n", "at line 3 column 1"),
    ],
)
def test_the_part_that_cannot_be_read_is_named(text: str, says: str) -> None:
    with pytest.raises(LockError, match=says.replace(".", r"\.")) as error:
        read_pixi_lock(text, "pixi.lock")
    assert error.value.path == "pixi.lock"


def test_a_version_that_pixi_does_not_know_is_told() -> None:
    with pytest.raises(LockError, match=r"version 8, is unknown to pixi 0\.77") as error:
        read_pixi_lock(LOCK.replace("version: 7", "version: 8", 1), "pixi.lock")
    assert error.value.version == 8


LINES = LOCK.split("\n")
EDITS = st.tuples(
    st.integers(0, len(LINES) - 1),
    st.one_of(
        st.text(string.ascii_letters + " :-'\"[]{}#&*|>!\t0123456789é\0", max_size=12),
        st.sampled_from(["", "- ", "  - x", "packages:", "null", "- - a", "  name: [", "version: 7", "\x85", "? a"]),
    ),
    st.sampled_from(["replace", "insert", "append", "cut", "indent"]),
)


def mutated(edits: list[tuple[int, str, str]]) -> str:
    lines = list(LINES)
    for number, text, how in edits:
        i = number % len(lines)
        if how == "replace":
            lines[i] = text
        elif how == "insert":
            lines.insert(i, text)
        elif how == "append":
            lines[i] += text
        elif how == "indent":
            lines[i] = " " * (len(text) % 4) + lines[i]
        else:
            lines[i] = lines[i][: len(text)]
    return "\n".join(lines)


@settings(max_examples=60, deadline=None)
@given(st.lists(EDITS, min_size=1, max_size=4))
def test_a_damaged_lock_is_read_or_refused_with_a_reason(edits: list[tuple[int, str, str]]) -> None:
    text = mutated(edits)
    try:
        read_pixi_lock(text, "pixi.lock")
    except LockError:
        with pytest.raises(LockError, match=r"\w{3}"):
            read_pixi_lock(text, "pixi.lock")


@settings(max_examples=80, deadline=None)
@given(st.lists(EDITS, min_size=1, max_size=3))
def test_what_the_fast_reader_takes_the_library_takes_for_the_same(edits: list[tuple[int, str, str]]) -> None:
    text = mutated(edits)
    try:
        read_regular_yaml(text)
    except IrregularYamlError:
        return
    try:
        read_pixi_lock(text, "pixi.lock")
    except LockError:
        return
    # pixi may refuse a value that is not looked at here (a hash, a size); what it accepts says the same
    with tempfile.TemporaryDirectory() as folder:
        try:
            theirs = as_rattler_reads(text, Path(folder))
        except Exception:  # noqa: BLE001 - the library has no base class for its errors
            return
    assert as_read(read_pixi_lock(text, "pixi.lock")) == theirs

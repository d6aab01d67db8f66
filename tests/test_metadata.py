"""What a release says of itself without running it: which file is believed, by whom, and what becomes unknown."""

from __future__ import annotations

import pytest

from pixi_diagnose.evidence import Evidence, Unknown
from pixi_diagnose.metadata import (
    MetadataSource,
    StaticMetadata,
    metadata_settled,
    static_metadata,
    unread_metadata,
    usable_requirement,
    wheel_metadata,
)
from pixi_diagnose.source_tree import SourceTree
from support.packages import pkg_info

PROJECT_TABLE = '[project]\nname = "pack"\nversion = "1.0"\ndependencies = ["numpy>=2"]\n'


def tree(kind: str = "sdist", **files: str) -> SourceTree:
    named = {NAMES.get(name, name): text.encode() for name, text in files.items()}
    return SourceTree(kind, "pack-1.0.tar.gz", "", named, {name: len(data) for name, data in named.items()})


NAMES = {"pyproject": "pyproject.toml", "info": "PKG-INFO", "egg": "pack.egg-info/requires.txt"}


def read(kind: str = "sdist", version: str = "1.0", **files: str) -> StaticMetadata:
    return static_metadata(tree(kind, **files), "pack", version)


def frontends(metadata: StaticMetadata) -> str:
    return " ".join(name for name, static in metadata.static_for if static)


# --- the order of sources: uv.md U2 and U6.3 ---


def test_a_static_project_table_is_believed_by_pixi_and_uv_but_pip_builds_every_sdist() -> None:
    found = read(pyproject=PROJECT_TABLE, info=pkg_info("pack", "1.0", ["other"], metadata_version="2.1"))
    assert (found.source, found.requires) == (MetadataSource.PYPROJECT, ("numpy>=2",))
    assert frontends(found) == "pixi uv"
    assert not found.approximate


def test_optional_dependencies_become_extra_markers() -> None:
    text = PROJECT_TABLE + '[project.optional-dependencies]\nGPU_x = ["cupy; sys_platform == \'linux\'", "numba"]\n'
    found = read(pyproject=text)
    assert found.provides_extra == ("gpu-x",)
    assert found.requires[1:] == (
        "cupy ; (sys_platform == 'linux') and extra == 'gpu-x'",
        "numba ; extra == 'gpu-x'",
    )


@pytest.mark.parametrize("field", ["dependencies", "optional-dependencies", "requires-python"])
def test_a_dynamic_requirement_field_leaves_the_table_to_the_build_and_names_its_line(field: str) -> None:
    found = read(pyproject=f'[project]\nname = "pack"\nversion = "1.0"\ndynamic = [\n  "readme",\n  "{field}",\n]\n')
    assert frontends(found) == ""
    assert found.dynamic_because == (Evidence("pyproject.toml", 6, f'"{field}",'),)
    assert field in found.dynamic_reason


def test_a_line_that_names_several_fields_is_given_once() -> None:
    found = read(pyproject='[project]\nname = "pack"\nversion = "1"\ndynamic = ["dependencies", "requires-python"]\n')
    assert [str(line) for line in found.dynamic_because] == ["pyproject.toml:4"]


def test_a_dynamic_version_is_static_for_an_sdist_whose_name_says_it() -> None:
    text = '[project]\nname = "pack"\ndynamic = ["version"]\ndependencies = []\n'
    assert frontends(read(pyproject=text)) == "pixi uv"
    assert frontends(read("directory", version="", pyproject=text)) == ""


def test_pkg_info_of_2_2_is_believed_without_a_project_table() -> None:
    found = read(info=pkg_info("pack", "1.0", ["numpy"], requires_python=">=3.9", extras=["gpu"]))
    assert (found.source, found.requires, found.requires_python) == (MetadataSource.PKG_INFO, ("numpy",), ">=3.9")
    assert (found.provides_extra, frontends(found)) == (("gpu",), "pixi uv")


def test_dynamic_is_compared_with_its_case_as_uv_does() -> None:
    """setuptools writes lower case, so such an sdist locks without a build: uv 0.13.8 and pixi 0.77, uv.md U2."""
    lower = read(info=pkg_info("pack", "1.0", ["numpy"], dynamic=["requires-dist"]))
    assert (lower.source, frontends(lower)) == (MetadataSource.PKG_INFO, "pixi uv")
    upper = read(info=pkg_info("pack", "1.0", ["numpy"], dynamic=["Requires-Dist"]))
    assert frontends(upper) == ""
    assert upper.dynamic_because == (Evidence("PKG-INFO", 5, "Dynamic: Requires-Dist"),)


def test_a_dynamic_field_that_is_no_requirement_does_not_matter() -> None:
    assert frontends(read(info=pkg_info("pack", "1.0", dynamic=["License", "Summary"]))) == "pixi uv"


def test_old_pkg_info_without_requirements_gives_way_to_complete_egg_info() -> None:
    """As axolotl 0.9.0 has it: metadata 2.1 without any Requires-Dist, and an egg-info that is complete."""
    egg = (
        "torch\nnumpy>=1\n\n[:sys_platform == 'linux']\ntriton\n\n[fast:python_version < '3.12']\nninja\n[fast]\ncupy\n"
    )
    found = read(info=pkg_info("pack", "1.0", metadata_version="2.1"), egg=egg)
    assert found.source is MetadataSource.EGG_INFO
    assert found.requires == (
        "torch",
        "numpy>=1",
        "triton ; (sys_platform == 'linux')",
        "ninja ; (python_version < '3.12') and extra == 'fast'",
        "cupy ; extra == 'fast'",
    )
    assert found.provides_extra == ("fast",)
    assert found.approximate
    assert frontends(found) == ""
    assert found.dynamic_because == (Evidence("PKG-INFO", 1, "Metadata-Version: 2.1"),)


def test_old_requires_dist_is_an_approximation() -> None:
    found = read(info=pkg_info("pack", "1.0", ["numpy"], metadata_version="2.1"))
    assert (found.source, found.requires, found.approximate) == (MetadataSource.OLD_PKG_INFO, ("numpy",), True)


def test_egg_info_without_requires_txt_means_that_nothing_is_required() -> None:
    files = {"info": pkg_info("pack", "1.0", metadata_version="1.2"), "pack.egg-info/SOURCES.txt": "setup.py\n"}
    found = read(**files)
    assert (found.source, found.requires, found.unknowns) == (MetadataSource.OLD_PKG_INFO, (), ())


def test_old_style_poetry_is_read_from_its_pkg_info() -> None:
    poetry = '[tool.poetry]\nname = "pack"\nversion = "1.0"\n[tool.poetry.dependencies]\nnumpy = "^2"\n'
    found = read(pyproject=poetry, info=pkg_info("pack", "1.0", ["numpy>=2,<3"], metadata_version="2.1"))
    assert (found.source, found.requires) == (MetadataSource.OLD_PKG_INFO, ("numpy>=2,<3",))


def test_nothing_to_read_is_unknown_with_its_reason() -> None:
    found = read(**{"setup.py": "from setuptools import setup\nsetup()\n"})
    assert (found.source, found.requires) == (MetadataSource.NONE, ())
    (unknown,) = found.unknowns
    assert "no PKG-INFO" in unknown.reason
    assert unknown.subject == "pack"


# --- directories ---


def test_a_folder_is_believed_by_its_project_table_alone() -> None:
    """A PKG-INFO lying in a folder may be stale, and uv 0.13.8 builds (seen); so does pixi."""
    assert frontends(read("directory", version="", pyproject=PROJECT_TABLE)) == "pixi uv"
    assert frontends(read("directory", version="", info=pkg_info("pack", "1.0", ["numpy"]))) == ""


def test_a_folder_says_its_own_version() -> None:
    assert read("directory", version="", pyproject=PROJECT_TABLE).version == "1.0"


# --- wheels ---


def test_a_wheel_is_static_for_all() -> None:
    found = wheel_metadata(pkg_info("Pack", "1.0", ["numpy"], metadata_version="2.1").encode(), "pack", "1.0")
    assert (found.source, found.requires, frontends(found)) == (MetadataSource.WHEEL, ("numpy",), "pixi uv pip")


def test_a_description_is_not_mistaken_for_headers() -> None:
    text = pkg_info("pack", "1.0", ["numpy"]) + "\nRequires-Dist: from-the-readme\n"
    assert wheel_metadata(text.encode(), "pack", "1.0").requires == ("numpy",)


def test_metadata_of_another_project_is_an_unknown() -> None:
    other = wheel_metadata(pkg_info("other", "1.0").encode(), "pack", "1.0")
    older = wheel_metadata(pkg_info("pack", "0.9").encode(), "pack", "1.0")
    assert [u.reason for u in other.unknowns] == ["METADATA is of other, not of pack"]
    assert [u.reason for u in older.unknowns] == ["METADATA is of version 0.9, not 1.0"]
    assert wheel_metadata(pkg_info("PACK", "1.0.0").encode(), "pack", "1.0").unknowns == ()


def test_metadata_that_could_not_be_had_requires_nothing_and_says_so() -> None:
    unknown = Unknown("the server hung up")
    found = unread_metadata("Pack", "1.0", unknown, built=True)
    assert (found.project, found.requires, found.source) == ("pack", (), MetadataSource.NONE)
    assert found.unknowns == (unknown,)


# --- every line is validated ---


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        "numpy>=1,<2",
        "numpy (>=1.0,!=1.5.*)",
        "zope.interface[test,docs]~=5.0; python_version >= '3.8' and extra == 'x'",
        "pack @ https://index.example/pack-1.0.tar.gz ; sys_platform == 'linux'",
        "pack===1.0.local",
    ],
)
def test_valid_requirements_stay_as_written(line: str) -> None:
    assert usable_requirement(line) == line


@pytest.mark.parametrize(
    ("line", "repaired"),
    [
        ("numpy>=1.0<2.0", "numpy>=1.0,<2.0"),
        ("numpy>=2.7.*", "numpy>=2.7"),
        ("numpy (>='1.0')", "numpy (>=1.0)"),
        ("numpy!=~1.5", "numpy!=1.5.*"),
    ],
)
def test_sloppy_requirements_are_repaired_as_uv_repairs_them(line: str, repaired: str) -> None:
    assert usable_requirement(line) == repaired


@pytest.mark.parametrize("line", ["", "-r requirements.txt", "numpy>=>1", "numpy; what is this", "numpy>=1 or 2"])
def test_what_no_resolver_reads_is_refused(line: str) -> None:
    assert usable_requirement(line) is None


def test_an_invalid_line_is_left_out_and_known_as_such() -> None:
    found = read(info=pkg_info("pack", "1.0", ["numpy", "numpy>=>1"], requires_python="at least 3"))
    assert (found.requires, found.requires_python) == (("numpy",), None)
    assert [u.reason for u in found.unknowns] == [
        "a requirement in PKG-INFO is not valid and was left out: numpy>=>1",
        "Requires-Python in PKG-INFO is not valid and was left out: at least 3",
    ]


def test_broken_files_never_raise() -> None:
    found = read(pyproject="[project\nname=", info="\x00\x01 garbage")
    assert found.source is MetadataSource.NONE
    assert found.unknowns


# --- when reading an archive may stop ---


def test_reading_stops_once_the_answer_is_sure() -> None:
    static = pkg_info("pack", "1.0").encode()
    old = pkg_info("pack", "1.0", metadata_version="2.1").encode()
    assert metadata_settled({"PKG-INFO": static})
    assert not metadata_settled({"PKG-INFO": old})
    assert not metadata_settled(
        {"PKG-INFO": old, "pack.egg-info/requires.txt": b"numpy\n"}
    )  # pyproject.toml may follow
    assert metadata_settled({"PKG-INFO": old, "pyproject.toml": PROJECT_TABLE.encode()})
    assert not metadata_settled({})

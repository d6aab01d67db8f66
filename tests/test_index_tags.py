"""Which wheels fit a declared platform and a Python version, and what is said of those that do not (pixi.md P8)."""

from __future__ import annotations

import pytest
from packaging.tags import compatible_tags, cpython_tags, mac_platforms

from pixi_diagnose.index.tags import Target, describe_misfits
from pixi_diagnose.manifest.model import Platform, VirtualPackage


def target(subdir: str = "linux-64", python: str = "3.12", **virtual: str) -> Target:
    packages = tuple(VirtualPackage(f"__{name}", version) for name, version in virtual.items())
    return Target.of(Platform(subdir, subdir, packages), python)


def fits(tag: str, subdir: str = "linux-64", python: str = "3.12", **virtual: str) -> bool:
    return target(subdir, python, **virtual).rank(tag) is not None


@pytest.mark.parametrize(
    "tag",
    [
        "cp312-cp312-manylinux_2_28_x86_64",
        "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "cp312-cp312-manylinux2010_x86_64",
        "cp312-cp312-manylinux1_x86_64",
        "cp312-cp312-linux_x86_64",
        "cp39-abi3-manylinux_2_17_x86_64",
        "cp312-abi3-manylinux_2_17_x86_64",
        "cp312-none-any",
        "py312-none-any",
        "py3-none-any",
        "py2.py3-none-any",
        "py310-none-manylinux1_x86_64",
    ],
)
def test_what_fits_glibc_2_28(tag: str) -> None:
    assert fits(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "cp312-cp312-manylinux_2_34_x86_64",
        "cp312-cp312-manylinux_2_17_aarch64",
        "cp312-cp312-musllinux_1_2_x86_64",
        "cp312-cp312t-manylinux_2_17_x86_64",
        "cp311-cp311-manylinux_2_17_x86_64",
        "cp313-abi3-manylinux_2_17_x86_64",
        "cp311-none-any",
        "py313-none-any",
        "py2-none-any",
        "py3-none-win_amd64",
        "nonsense",
    ],
)
def test_what_does_not(tag: str) -> None:
    assert not fits(tag)


def test_virtual_packages_decide() -> None:
    assert fits("cp312-cp312-manylinux_2_34_x86_64", glibc="2.35")
    assert not fits("cp312-cp312-manylinux_2_28_x86_64", glibc="2.17")
    assert fits("cp312-cp312-musllinux_1_2_x86_64", musl="1.2")
    assert not fits("cp312-cp312-manylinux_2_17_x86_64", musl="1.2")
    assert fits("cp312-cp312-macosx_14_0_arm64", "osx-arm64", osx="14.0")
    assert not fits("cp312-cp312-macosx_14_0_arm64", "osx-arm64", osx="13.0")


def test_cuda_never_changes_tags() -> None:
    assert target(cuda="12.4").ranks == target().ranks


@pytest.mark.parametrize(
    ("subdir", "platforms"),
    [
        ("osx-arm64", list(mac_platforms((13, 0), "arm64"))),
        ("osx-64", list(mac_platforms((13, 0), "x86_64"))),
        ("win-64", ["win_amd64"]),
        ("win-arm64", ["win_arm64"]),
    ],
)
def test_the_tag_set_is_complete(subdir: str, platforms: list[str]) -> None:
    """Compared with packaging's own generators, which know the grammar but not the declared platform."""
    wanted = {str(t) for t in cpython_tags((3, 12), platforms=platforms)}
    wanted |= {str(t) for t in compatible_tags((3, 12), "cp312", platforms)}
    assert wanted <= set(target(subdir).ranks)


def test_the_more_specific_wheel_ranks_first() -> None:
    order = [
        "cp312-cp312-manylinux_2_28_x86_64",
        "cp312-cp312-manylinux_2_17_x86_64",
        "cp312-abi3-manylinux_2_17_x86_64",
        "cp39-abi3-manylinux_2_17_x86_64",
        "py3-none-manylinux_2_17_x86_64",
        "py3-none-any",
    ]
    ranks = [target().rank(tag) for tag in order]
    assert ranks == sorted(ranks, key=lambda rank: -1 if rank is None else rank)
    assert len(set(ranks)) == len(order)


def test_markers_are_the_platforms_not_the_hosts() -> None:
    """platform_release and platform_version are empty: pixi 0.77, P8."""
    markers = target("win-64", "3.11.7").markers()
    assert (markers["sys_platform"], markers["os_name"], markers["platform_machine"]) == ("win32", "nt", "AMD64")
    assert (markers["python_version"], markers["python_full_version"]) == ("3.11", "3.11.7")
    assert (markers["platform_release"], markers["platform_version"]) == ("", "")
    assert target("osx-arm64").markers()["platform_machine"] == "arm64"


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ([], "no wheel on the index"),
        (
            ["cp38-cp38-manylinux1_x86_64", "cp39-cp39-win_amd64", "cp311-cp311-win32"],
            "its wheels are for cp38–cp311 only",
        ),
        (["cp311-cp311-manylinux1_x86_64"], "its wheels are for cp311 only"),
        (["py2-none-any"], "its wheels are for py2 only"),
        (
            ["py3-none-win_amd64", "cp312-cp312-macosx_11_0_arm64"],
            "its wheels are for Windows x86_64 and macOS arm64 only",
        ),
        (["cp312-cp312-manylinux_2_34_x86_64"], "its wheels need glibc 2.34, which this platform does not promise"),
        (
            ["cp312-cp312-macosx_11_0_arm64", "cp312-cp312-manylinux_2_34_x86_64", "py3-none-win32"],
            "its wheels need glibc 2.34, which this platform does not promise",
        ),
        (["cp313-abi3-manylinux_2_17_x86_64"], "its wheels are for cp313-abi3 only"),
    ],
)
def test_why_no_wheel_fits_is_said_in_words(tags: list[str], reason: str) -> None:
    assert describe_misfits([f"pack-1.0-{tag}.whl" for tag in tags], target()) == reason


def test_a_universal_wheel_for_a_newer_macos_says_so() -> None:
    wheel = "pack-1.0-cp312-cp312-macosx_14_0_universal2.whl"
    assert describe_misfits([wheel], target("osx-arm64")) == (
        "its wheels need macOS 14.0, which this platform does not promise"
    )

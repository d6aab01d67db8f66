"""Environments: what one environment gets on one platform (pixi.md P2, P3, P8)."""

from __future__ import annotations

import textwrap

import pytest
from packaging.markers import Marker

from pixi_diagnose.environment import Environment, environments, marker_environment, select
from pixi_diagnose.errors import UsageError
from pixi_diagnose.manifest import read_manifest
from pixi_diagnose.manifest.model import Platform

WORKSPACE = '[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64", "osx-arm64"]\n'


def read(text: str, header: str = WORKSPACE) -> dict[tuple[str, str], Environment]:
    manifest = read_manifest(header + textwrap.dedent(text), "pixi.toml")
    assert [problem for problem in manifest.problems if problem.kind in {"invalid", "unknown-key"}] == []
    return {(environment.name, environment.platform.name): environment for environment in environments(manifest)}


def conda(environment: Environment) -> list[str]:
    return [f"{spec.name} {spec.version}" for spec in environment.conda]


def isolation(environment: Environment) -> object:
    names = environment.options.no_build_isolation
    return [entry.name for entry in names] if isinstance(names, tuple) else names


def test_there_is_one_environment_per_name_and_platform() -> None:
    found = read('[feature.a]\n[environments]\nx = ["a"]\n')
    assert list(found) == [
        ("default", "linux-64"),
        ("default", "osx-arm64"),
        ("x", "linux-64"),
        ("x", "osx-arm64"),
    ]
    assert found["x", "linux-64"].features == ("a", "default")


def test_pixi_p2_features_accumulate_and_targets_overwrite() -> None:
    found = read("""
        [dependencies]
        numpy = ">=1"
        python = "*"
        [target.linux.dependencies]
        numpy = ">=2"
        [target.linux-64.dependencies]
        numpy = ">=3"
        [feature.a.dependencies]
        numpy = "<9"
        [environments]
        x = ["a"]
    """)
    assert conda(found["x", "linux-64"]) == ["numpy <9", "numpy >=3", "python *"]
    assert conda(found["x", "osx-arm64"]) == ["numpy <9", "numpy >=1", "python *"]


def test_pixi_p3_the_isolation_list_is_ordered_own_content_listed_features_default() -> None:
    found = read("""
        [pypi-options]
        no-build-isolation = ["d", "shared"]
        [feature.a.pypi-options]
        no-build-isolation = ["a", "shared"]
        [environments.x]
        features = ["a"]
        [environments.x.pypi-options]
        no-build-isolation = ["own"]
    """)
    assert isolation(found["x", "linux-64"]) == ["own", "a", "shared", "d"]
    assert isolation(found["default", "linux-64"]) == ["d", "shared"]


def test_pixi_p3_true_wins_over_names_and_the_workspace_is_the_base_of_lists() -> None:
    found = read("""
        [workspace.pypi-options]
        index-url = "https://base.example/simple"
        extra-index-urls = ["https://one.example/simple"]
        no-build-isolation = ["first"]
        [pypi-options]
        index-url = "https://own.example/simple"
        extra-index-urls = ["https://two.example/simple", "https://one.example/simple"]
        no-build-isolation = ["second"]
        [feature.a.pypi-options]
        no-build-isolation = true
        [environments]
        x = ["a"]
        bare = { features = ["b"], no-default-feature = true }
        [feature.b]
    """)
    default = found["default", "linux-64"].options
    assert default.index_url == "https://own.example/simple"
    assert default.extra_index_urls == ("https://one.example/simple", "https://two.example/simple")
    assert isolation(found["default", "linux-64"]) == ["first", "second"]
    assert isolation(found["x", "linux-64"]) is True
    assert isolation(found["bare", "linux-64"]) == ["first"]
    assert found["bare", "linux-64"].features == ("b",)


def test_pixi_p3_overrides_of_the_first_listed_feature_win() -> None:
    found = read("""
        [pypi-options]
        dependency-overrides = { numpy = "<2", scipy = "*" }
        [feature.a.pypi-options]
        dependency-overrides = { numpy = "<1" }
        [environments]
        x = ["a"]
    """)
    overrides = found["x", "linux-64"].options.dependency_overrides
    assert overrides is not None
    assert {spec.name: spec.specifier for spec in overrides} == {"numpy": "<1", "scipy": ""}


def test_channels_are_ordered_by_priority_and_then_by_feature() -> None:
    found = read("""
        [feature.a]
        channels = ["bioconda", { channel = "nvidia", priority = 1 }]
        [feature.b]
        channels = [{ channel = "last", priority = -1 }]
        [environments]
        x = ["b", "a"]
    """)
    assert found["x", "linux-64"].channels == ("nvidia", "bioconda", "conda-forge", "last")


def test_an_environment_supports_the_platforms_that_all_its_features_support() -> None:
    found = read("""
        [feature.linux]
        platforms = ["linux-64"]
        [feature.windows]
        platforms = ["win-64"]
        [environments]
        x = ["linux"]
        y = ["windows"]
        z = ["linux", "windows"]
    """)
    assert [key for key in found if key[0] != "default"] == [("x", "linux-64"), ("y", "win-64")]


def test_pixi_p2_system_requirements_of_features_are_combined_per_environment() -> None:
    found = read("""
        [feature.old.system-requirements]
        cuda = "11.8"
        [feature.new.system-requirements]
        cuda = "12"
        libc = "2.34"
        [environments]
        old = ["old"]
        both = ["old", "new"]
    """)
    assert [platform for name, platform in found if name == "old"] == ["linux-64-cuda-11-8", "osx-arm64"]
    assert [platform for name, platform in found if name == "both"] == ["linux-64-cuda-12-glibc-2-34", "osx-arm64"]
    platform = found["both", "linux-64-cuda-12-glibc-2-34"].platform
    assert (platform.virtual("__cuda"), platform.virtual("__glibc"), platform.virtual("__linux")) == (
        "12",
        "2.34",
        "4.18",
    )


def test_a_feature_that_names_a_platform_exactly_does_not_drag_in_its_siblings() -> None:
    header = """\
[workspace]
channels = []
platforms = ["linux-64", { name = "gpu", platform = "linux-64", cuda = "12" }]
"""
    found = read(
        """
        [target.gpu.dependencies]
        cuda-version = "12.*"
        [feature.plain]
        platforms = ["linux-64"]
        [feature.fast]
        platforms = ["gpu"]
        [environments]
        plain = ["plain"]
        fast = ["fast"]
        """,
        header,
    )
    assert [platform for name, platform in found if name == "plain"] == ["linux-64"]
    assert [platform for name, platform in found if name == "fast"] == ["gpu"]
    assert conda(found["default", "gpu"]) == ["cuda-version 12.*"]
    assert conda(found["default", "linux-64"]) == []


def test_activation_variables_of_the_first_feature_and_the_last_target_win() -> None:
    found = read("""
        [activation.env]
        A = "default"
        B = "default"
        C = "default"
        [target.linux.activation.env]
        B = "linux"
        C = "linux"
        [feature.a.activation.env]
        C = "a"
        [environments]
        x = ["a"]
    """)
    assert found["x", "linux-64"].variables == {"A": "default", "B": "linux", "C": "a"}


def test_old_tables_of_build_dependencies_overwrite_the_others() -> None:
    found = read("""
        [dependencies]
        cmake = "3.*"
        [host-dependencies]
        cmake = "4.*"
        zlib = "*"
    """)
    assert conda(found["default", "linux-64"]) == ["cmake 4.*", "zlib *"]


def test_environments_are_selected_by_name_and_by_platform_or_subdir() -> None:
    every = list(read('[system-requirements]\ncuda = "12"\n[environments]\nx = []\n').values())
    chosen = select(every, ["x"], ["linux-64"])
    assert [(environment.name, environment.platform.name) for environment in chosen] == [("x", "linux-64-cuda-12")]
    assert select(every) == tuple(every)
    assert len(select(every, ["x"], ["linux-64-cuda-12", "osx-arm64"])) == 2


def test_a_selection_of_what_is_not_there_says_what_is() -> None:
    every = list(read("[environments]\nx = []\n").values())
    with pytest.raises(UsageError) as error:
        select(every, ["y"])
    assert "default, x" in error.value.hint
    with pytest.raises(UsageError) as error:
        select(every, [], ["win-64"])
    assert "linux-64, osx-arm64" in error.value.hint


def test_an_environment_that_has_not_the_platform_is_an_error() -> None:
    every = list(read('[feature.a]\nplatforms = ["linux-64"]\n[environments]\nx = ["a"]\n').values())
    with pytest.raises(UsageError, match="none of x supports osx-arm64"):
        select(every, ["x"], ["osx-arm64"])


@pytest.mark.parametrize(
    ("subdir", "marker"),
    [
        ("linux-64", "sys_platform == 'linux' and platform_machine == 'x86_64' and os_name == 'posix'"),
        ("linux-aarch64", "platform_machine == 'aarch64' and platform_system == 'Linux'"),
        ("osx-arm64", "sys_platform == 'darwin' and platform_machine == 'arm64'"),
        ("win-64", "sys_platform == 'win32' and platform_machine == 'AMD64' and os_name == 'nt'"),
        ("linux-64", "python_version == '3.12' and python_full_version == '3.12.7'"),
        ("linux-64", "implementation_name == 'cpython' and platform_release == '' and platform_version == ''"),
    ],
)
def test_pixi_p8_markers_follow_the_declared_platform(subdir: str, marker: str) -> None:
    environment = marker_environment(Platform(subdir, subdir, ()), "3.12.7")
    assert Marker(marker).evaluate(dict(environment))


def test_a_python_without_a_patch_release_counts_as_its_first() -> None:
    assert marker_environment(Platform("linux-64", "linux-64", ()), "3.12")["python_full_version"] == "3.12.0"


def test_a_platform_without_python_has_no_markers() -> None:
    with pytest.raises(UsageError, match="noarch"):
        marker_environment(Platform("noarch", "noarch", ()), "3.12")

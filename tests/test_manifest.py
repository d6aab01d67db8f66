"""Reading a pixi manifest: what the model holds, where manifests are found, and that nothing trips the reader."""

from __future__ import annotations

import dataclasses
from pathlib import Path, PurePath
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
from rattler import VersionSpec

from pixi_diagnose.environment import environments
from pixi_diagnose.errors import ManifestError, UsageError
from pixi_diagnose.evidence import Place
from pixi_diagnose.manifest import find_manifest, frontend_for, read_manifest
from pixi_diagnose.manifest.model import (
    FindLinks,
    GitSource,
    IsolationEntry,
    Manifest,
    NameMap,
    PathSource,
    UrlSource,
    VirtualPackage,
)
from pixi_diagnose.manifest.version_spec import read_version_spec

RICH = """\
[workspace]
name = "rich"
channels = ["conda-forge", { channel = "nvidia", priority = 1 }]
platforms = ["linux-64", { name = "gpu", platform = "linux-64", cuda = "12.4" }]
exclude-newer = "2026-01-01"
requires-pixi = ">=0.60"

[workspace.conda-pypi-map.conda-forge]
mapping-mode = "replace"
mapping = { PyTorch = "torch", cuda-nvcc = false, opencv = ["opencv-python", "cv"] }

[workspace.pypi-options]
index-url = "https://index.example/simple"

[dependencies]
Python = "3.12"
cuda-toolkit = { version = "12.4.*", channel = "nvidia", build = "h*" }

[pypi-dependencies]
Flash_Attn = { version = "==2.7.4", extras = ["a"], env-markers = "sys_platform == 'linux'" }
local = { path = "./local", editable = true }
remote = { git = "https://index.example/r.git", rev = "abc", subdirectory = "py" }
archive = { url = "https://index.example/a-1.0.tar.gz" }

[pypi-options]
no-build-isolation = ["flash-attn", "Local"]
find-links = [{ path = "./wheels" }]
no-build = false

[activation.env]
MAX_JOBS = "2"

[target.gpu.pypi-dependencies]
torch = "==2.6.0"

[feature.test.dependencies]
pytest = "*"

[environments]
test = { features = ["test"], solve-group = "g", pypi-dependencies = { extra = "*" } }

[tool.uv.extra-build-dependencies]
flash-attn = ["torch"]

[tool.pixi.pypi-options]
no-build = true

[tool.pixi-diagnose]
ignore = ["ISO101"]
"""


def test_the_model_holds_what_the_manifest_says() -> None:
    manifest = read_manifest(RICH, "project/pixi.toml")
    assert [problem.kind for problem in manifest.problems] == ["warning"]  # python = "3.12"
    assert (manifest.dialect, manifest.name, manifest.path, manifest.root) == (
        "pixi",
        "rich",
        "project/pixi.toml",
        "project",
    )
    assert manifest.channels == ("conda-forge", "nvidia")
    assert [(platform.name, platform.subdir) for platform in manifest.platforms] == [
        ("linux-64", "linux-64"),
        ("gpu", "linux-64"),
    ]
    assert manifest.platforms[1].virtual("__cuda") == "12.4"
    assert manifest.options.index_url == "https://index.example/simple"
    assert manifest.requires == ">=0.60"
    default = manifest.features["default"]
    python, toolkit = default.targets[0].conda
    assert (python.name, python.spelled, python.version) == ("python", "Python", "==3.12")
    assert (toolkit.version, toolkit.channel, toolkit.build) == ("12.4.*", "nvidia", "h*")
    flash, local, remote, archive = default.targets[0].pypi
    assert (flash.name, flash.spelled, flash.specifier, flash.extras) == ("flash-attn", "Flash_Attn", "==2.7.4", ("a",))
    assert flash.marker == 'sys_platform == "linux"'
    assert flash.place == Place("project/pixi.toml", ("pypi-dependencies", "Flash_Attn"))
    assert local.source == PathSource("./local", editable=True)
    assert remote.source == GitSource("https://index.example/r.git", rev="abc", subdirectory="py")
    assert archive.source == UrlSource("https://index.example/a-1.0.tar.gz")
    assert default.targets[0].activation_variables == {"MAX_JOBS": "2"}
    assert default.targets[1].selector == "gpu"
    names = default.options.no_build_isolation
    assert isinstance(names, tuple)
    place = Place("project/pixi.toml", ("pypi-options", "no-build-isolation", 1))
    assert names[1] == IsolationEntry("local", "Local", place)
    assert default.options.find_links == (FindLinks(path="./wheels"),)
    assert default.options.no_build is False
    assert default.options.places["no-build"] == Place("project/pixi.toml", ("pypi-options", "no-build"))
    assert [environment.name for environment in manifest.environments] == ["default", "test"]
    assert manifest.environments[1].solve_group == "g"
    assert manifest.environments[1].inline is not None


def test_pixi_p7_the_name_mapping_is_read_in_all_its_forms() -> None:
    def maps(value: str) -> dict[str, NameMap]:
        text = f"[workspace]\nchannels = []\nconda-pypi-map = {value}\n"
        found = read_manifest(text, "pixi.toml").conda_pypi_map
        assert found is not None
        return {channel: dataclasses.replace(entry, place=None) for channel, entry in found.items()}

    assert read_manifest("[workspace]\nchannels = []\n", "pixi.toml").conda_pypi_map is None
    assert maps("false") == {"*": NameMap(disabled=True)}
    assert maps("{}") == {"conda-forge": NameMap(replace=True, same_name=True)}
    assert maps('{ c = "map.json", d = false }') == {"c": NameMap(location="map.json"), "d": NameMap(disabled=True)}
    assert maps('{ c = { location = "m.json", mapping-mode = "replace", same-name-heuristic = true } }') == {
        "c": NameMap(location="m.json", replace=True, same_name=True)
    }
    mapping = read_manifest(RICH, "pixi.toml").conda_pypi_map
    assert mapping is not None
    assert mapping["conda-forge"].mapping == {
        "pytorch": ("torch",),
        "cuda-nvcc": (),
        "opencv": ("opencv-python", "cv"),
    }


def test_pixi_p1_tables_that_pixi_never_reads_are_listed() -> None:
    unread = read_manifest(RICH, "pixi.toml").unread
    assert [table.name for table in unread] == ["tool.uv.extra-build-dependencies", "tool.pixi.pypi-options"]
    assert "no-build-isolation" in unread[0].reason


def test_pixi_p1_in_pyproject_only_the_settings_of_uv_are_unread() -> None:
    text = """\
[project]
name = "p"
[tool.uv]
no-build-isolation-package = ["x"]
package = false
[tool.hatch]
[tool.pixi.workspace]
channels = []
"""
    unread = read_manifest(text, "pyproject.toml").unread
    assert [table.name for table in unread] == ["tool.uv.no-build-isolation-package"]


def test_pixi_p2_system_requirements_make_platforms_of_their_own() -> None:
    text = """\
[workspace]
channels = []
platforms = ["linux-64", "osx-arm64"]
[system-requirements]
cuda = "12"
libc = { family = "musl", version = "1.2" }
"""
    manifest = read_manifest(text, "pixi.toml")
    assert [platform.name for platform in manifest.platforms] == ["linux-64-cuda-12-musl-1-2", "osx-arm64"]
    assert VirtualPackage("__cuda", "12") in manifest.platforms[0].virtual_packages
    assert manifest.platforms[1].virtual("__cuda") is None


def test_pixi_p8_the_default_virtual_packages_of_each_system() -> None:
    text = '[workspace]\nchannels = []\nplatforms = ["linux-64", "osx-arm64", "win-64"]\n'
    linux, macos, windows = read_manifest(text, "pixi.toml").platforms
    assert {package.name: package.version for package in linux.virtual_packages} == {
        "__unix": "0",
        "__linux": "4.18",
        "__glibc": "2.28",
        "__archspec": "0",
    }
    assert macos.virtual("__osx") == "13.0"
    assert VirtualPackage("__archspec", "0", "m1") in macos.virtual_packages
    assert windows.virtual("__win") == "10.0"
    assert windows.virtual("__unix") is None


def test_pixi_p2_pyproject_gives_python_and_dependencies() -> None:
    text = """\
[project]
name = "proj"
requires-python = "==3.12.*"
dependencies = ["Foo_Bar[x]>=1 ; python_version < '3.13'", "vcs @ git+https://index.example/v.git@v1#subdirectory=py"]
[project.optional-dependencies]
test = ["pytest"]
all = ["proj[test]", "x"]
[tool.pixi.workspace]
channels = []
platforms = ["linux-64"]
[tool.pixi.pypi-dependencies]
proj = { path = ".", editable = true }
[tool.pixi.environments]
all = ["all"]
"""
    manifest = read_manifest(text, "pyproject.toml")
    assert manifest.problems == ()
    everywhere = manifest.features["default"].targets[0]
    assert [(spec.name, spec.version, spec.place.key) for spec in everywhere.conda] == [
        ("python", "3.12.*", ("project", "requires-python"))
    ]
    own, foo, vcs = everywhere.pypi
    assert own.source == PathSource(".", editable=True)
    assert (foo.spelled, foo.specifier, foo.extras, foo.marker) == (
        "foo-bar",
        ">=1",
        ("x",),
        'python_version < "3.13"',
    )
    assert foo.place.key == ("project", "dependencies", 0)
    assert vcs.source == GitSource("https://index.example/v.git", rev="v1", subdirectory="py")
    assert [spec.name for spec in manifest.features["all"].targets[0].pypi] == ["pytest", "x"]


def test_text_that_is_no_toml_is_an_error_with_its_place() -> None:
    with pytest.raises(ManifestError) as error:
        read_manifest("[workspace\n", "pixi.toml")
    assert (error.value.path, error.value.line) == ("pixi.toml", 1)


def test_a_file_of_another_kind_is_no_manifest() -> None:
    with pytest.raises(UsageError, match="is not a manifest"):
        read_manifest("", "setup.cfg")


# Finding the manifest


def write(folder: Path, name: str, text: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def test_pixi_p1_the_nearest_folder_wins_and_pixi_toml_within_it(tmp_path: Path) -> None:
    write(tmp_path, "pixi.toml")
    write(tmp_path / "a", "mojoproject.toml")
    write(tmp_path / "a", "pyproject.toml", "[tool.pixi.workspace]\n")
    assert find_manifest(tmp_path / "a", {}) == tmp_path / "a" / "pyproject.toml"
    write(tmp_path / "a", "pixi.toml")
    (tmp_path / "a" / "b").mkdir()
    assert find_manifest(tmp_path / "a" / "b", {}) == tmp_path / "a" / "pixi.toml"


def test_pixi_p1_a_pyproject_without_tables_of_pixi_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "pixi.toml")
    write(tmp_path / "a", "pyproject.toml", "[project]\nname = 'x'\n")
    assert find_manifest(tmp_path / "a", {}) == tmp_path / "pixi.toml"


def test_pixi_p1_the_environment_variable_counts_only_where_nothing_was_found(tmp_path: Path) -> None:
    named = write(tmp_path / "named", "pixi.toml")
    empty = tmp_path / "empty"
    empty.mkdir()
    environ = {"PIXI_PROJECT_MANIFEST": str(named)}
    assert find_manifest(empty, environ) == named
    own = write(empty, "pixi.toml")
    assert find_manifest(empty, environ) == own


def test_without_a_frontend_the_nearest_manifest_of_pixi_or_uv_wins(tmp_path: Path) -> None:
    write(tmp_path, "pixi.toml")
    uv = write(tmp_path / "uv", "pyproject.toml", "[project]\nname = 'x'\n[tool.uv]\n")
    locked = write(tmp_path / "locked", "pyproject.toml", "[project]\nname = 'x'\n")
    write(tmp_path / "locked", "uv.lock")
    write(tmp_path / "docs", "requirements.txt")
    assert find_manifest(tmp_path / "uv", {}) == uv
    assert find_manifest(tmp_path / "locked", {}) == locked
    assert find_manifest(tmp_path / "docs", {}) == tmp_path / "pixi.toml"


@pytest.mark.parametrize(
    ("frontend", "order"),
    [
        ("", ["pyproject.toml", "environment.yml", "environment.yaml", "requirements.txt", "requirements.in"]),
        ("uv", ["pyproject.toml", "requirements.txt", "requirements.in"]),
        ("pip", ["pyproject.toml", "environment.yml", "requirements.txt", "requirements.in"]),
    ],
)
def test_what_no_tool_searches_upward_is_found_in_its_folder_in_this_order(
    frontend: str, order: list[str], tmp_path: Path
) -> None:
    for name in reversed(order):
        write(tmp_path, name)
        assert find_manifest(tmp_path, {}, frontend).name == name
    (tmp_path / "below").mkdir()
    if frontend != "pip":
        assert find_manifest(tmp_path / "below", {}, frontend) == tmp_path / "pyproject.toml"


def test_pixi_does_not_find_what_it_cannot_read(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "environment.yml", "requirements.txt"):
        write(tmp_path, name)
    with pytest.raises(UsageError, match="no manifest found"):
        find_manifest(tmp_path, {}, "pixi")


@pytest.mark.parametrize(
    ("name", "text", "frontend"),
    [
        ("pixi.toml", "", "pixi"),
        ("mojoproject.toml", "", "pixi"),
        ("pyproject.toml", "[tool.pixi.workspace]\n[tool.uv]\n", "pixi"),
        ("pyproject.toml", "[project]\n", "uv"),
        ("pyproject.toml", "[tool.uv]\n", "uv"),
        ("pyproject.toml", "[build-system]\n", "pip"),
        ("environment.yml", "name: x\n", "pip"),
        ("requirements.txt", "numpy\n", "pip"),
        ("requirements.txt", "# This file was autogenerated by uv via the following command:\nnumpy\n", "uv"),
        ("dev.in", "numpy\n", "pip"),
    ],
)
def test_a_file_suggests_its_frontend(name: str, text: str, frontend: str, tmp_path: Path) -> None:
    assert frontend_for(text, str(tmp_path / name)) == frontend


def test_uv_reads_a_requirements_file_beside_its_own_files(tmp_path: Path) -> None:
    write(tmp_path, "uv.toml")
    assert frontend_for("numpy\n", str(tmp_path / "requirements.txt")) == "uv"


@pytest.mark.parametrize(
    ("frontend", "name"),
    [
        *(("uv", "pixi.toml"), ("pip", "pixi.toml"), ("uv", "environment.yml")),
        *(("pixi", "requirements.txt"), ("pixi", "environment.yml")),
    ],
)
def test_a_frontend_does_not_read_the_files_of_others(frontend: str, name: str) -> None:
    with pytest.raises(UsageError, match=f"{frontend} does not read {name}"):
        frontend_for("", name, frontend)


def test_no_manifest_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no manifest found"):
        find_manifest(tmp_path, {})


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, "mojoproject.toml")
    write(tmp_path, "pixi.toml")
    assert find_manifest(path, {}) == path


# The reader never stumbles


def paths(value: Any, prefix: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path for key, inner in items for path in ((*prefix, key), *paths(inner, (*prefix, key)))]


ANYTHING = st.sampled_from([1, True, False, 1.5, "", "*", "a b", "default", [], [1], ["a"], [[]], {}, {"a": 1}, [{}]])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(paths(tomlkit.parse(RICH).unwrap())), ANYTHING)
def test_a_value_of_any_kind_anywhere_is_accepted_or_a_problem(path: tuple[str | int, ...], value: Any) -> None:
    data = tomlkit.parse(RICH).unwrap()
    holder: Any = data
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    manifest = read_manifest(tomlkit.dumps(data), "pixi.toml")
    environments(manifest)
    assert all(problem.message and problem.place.file == "pixi.toml" for problem in manifest.problems)


@pytest.mark.parametrize(
    "text",
    [
        *("*", "3.12", "3.12.*", "3.*", "1.2*", ">=3.10,<3.13", "~=3.12", "==3.12.3", "!=1.2.*", "=3.12", "1.0|2.0"),
        *("", "^3.12", ">=1 <2", "3.12 *_cpython", ">=3.8.*", "==3.12.*", ">=1,", ">= 1", "(>=1|<2),!=3", "1.*.*"),
        *(">=1 , <2", " >=1", "latest", ">=2.0.0a1", "1!2.0", ">=1.0+cu1", ".1", "1..2", "2.x", "=", "(>=1", "1_"),
    ],
)
def test_version_specs_are_read_as_the_conda_library_of_pixi_reads_them(text: str) -> None:
    def known(*, strict: bool) -> str:
        try:
            return str(VersionSpec(text, strict=strict))
        except Exception as error:  # noqa: BLE001 - whatever the library raises, its message decides
            return f"error: {error}"

    expected = known(strict=True)
    guessed = "missing range specifier" in expected
    expected = known(strict=False) if guessed else expected
    if expected.startswith("error"):
        with pytest.raises(ValueError, match=r"\S"):
            read_version_spec(text)
    else:
        spec, was_guessed = read_version_spec(text)
        assert (str(VersionSpec(spec, strict=True)), was_guessed) == (expected, guessed)


# --- [dev] ---

DEVELOPING = (
    '[workspace]\nchannels = ["conda-forge"]\nplatforms = ["linux-64", "win-64"]\npreview = ["pixi-build"]\n'
    '[dependencies]\npython = "3.12.*"\ncmake = "<4"\n'
)
PACKAGE = (
    '[package]\nname = "lib"\nversion = "1"\n[package.build-dependencies]\ncmake = ">=3"\n'
    '[package.host-dependencies]\nsetuptools = ">=60"\nme = { path = ".." }\n'
    '[package.run-dependencies]\npytorch = "2.*"\n'
    '[package.target.win.run-dependencies]\npywin32 = "*"\n'
)


def developed(tmp_path: Path, text: str, files: dict[str, str]) -> tuple[Manifest, dict[str, list[str]]]:
    """A manifest, and what conda packages its environment asks for on each platform."""
    for name, content in {"pixi.toml": text, **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    manifest = read_manifest(text, str(tmp_path / "pixi.toml"))
    assert manifest.problems == ()
    asked = {e.platform.name: sorted(f"{s.name} {s.version}" for s in e.conda) for e in environments(manifest)}
    return manifest, asked


def test_a_developed_package_brings_its_dependencies_and_not_itself(tmp_path: Path) -> None:
    manifest, asked = developed(
        tmp_path, f'{DEVELOPING}[dev]\nlib = {{ path = "lib" }}\nme = {{ path = "." }}\n', {"lib/pixi.toml": PACKAGE}
    )
    everywhere = ["cmake <4", "cmake >=3", "python 3.12.*", "pytorch 2.*", "setuptools >=60"]
    assert asked == {"linux-64": everywhere, "win-64": sorted([*everywhere, "pywin32 *"])}
    reasons = [unknown.reason for unknown in manifest.unknowns]
    assert "what the build backend of lib adds to [dev] is not known" in reasons
    assert "me in [dev] is not read: there is no [package] table in ." in reasons
    assert [PurePath(name).parent.name for name in manifest.files] == ["lib"]


def test_the_manifests_own_package_may_be_developed_and_a_far_one_is_named(tmp_path: Path) -> None:
    own = PACKAGE.replace('me = { path = ".." }\n', "")
    far = 'far = { git = "https://index.example/far.git" }\n'
    manifest, asked = developed(tmp_path, f'{DEVELOPING}[target.linux-64.dev]\nlib = {{ path = "." }}\n{far}{own}', {})
    assert "pytorch 2.*" in asked["linux-64"]
    assert asked["win-64"] == ["cmake <4", "python 3.12.*"]
    assert "far in [dev] is not read: only packages in folders are" in [u.reason for u in manifest.unknowns]


def test_a_broken_developed_package_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    manifest, asked = developed(tmp_path, f'{DEVELOPING}[dev]\nlib = {{ path = "lib" }}\n', {"lib/pixi.toml": "[pack"})
    assert asked["linux-64"] == ["cmake <4", "python 3.12.*"]
    assert any("this is not TOML" in unknown.reason for unknown in manifest.unknowns)

"""Names: module ↔ project ↔ conda package."""

import json

import pytest
from packaging.utils import canonicalize_name

from pixi_diagnose import names
from pixi_diagnose.manifest.model import NameMap
from pixi_diagnose.names import (
    candidates,
    conda_names,
    is_conda_forge,
    load_name_maps,
    pypi_names,
)


@pytest.mark.parametrize(
    ("import_name", "project"),
    [
        ("torch", "torch"),
        ("numpy.distutils.core", "numpy"),
        ("yaml", "pyyaml"),
        ("sklearn", "scikit-learn"),
        ("Cython.Build", "cython"),
        ("pkg_resources", "setuptools"),
        ("setuptools_scm", "setuptools-scm"),
        ("mesonpy", "meson-python"),
        ("poetry.core.masonry.api", "poetry-core"),
        ("google.protobuf.message", "protobuf"),
        ("google.cloud.storage.blob", "google-cloud-storage"),
        ("git", "gitpython"),
        ("some_unheard_of.part", "some-unheard-of"),
    ],
)
def test_a_module_leads_to_the_project_that_provides_it(import_name: str, project: str) -> None:
    assert candidates(import_name)[0] == project


def test_several_projects_may_provide_one_module_and_the_usual_one_comes_first() -> None:
    assert candidates("cv2")[:2] == ("opencv-python", "opencv-python-headless")


def test_every_listed_project_is_canonical_and_found_again_through_its_modules() -> None:
    for import_name, projects in names._import_table().items():
        for project in projects:
            assert project == canonicalize_name(project)
            assert project in candidates(import_name)


@pytest.mark.parametrize(
    ("conda_name", "projects"),
    [
        ("pytorch", ("torch",)),
        ("pytorch-gpu", ()),
        ("libtorch", ()),
        ("libcublas-dev", ()),
        ("libcst", ("libcst",)),
        ("cmake", ()),
        ("ninja", ()),
        ("ninja-python", ("ninja",)),
        ("cuda-nvcc", ()),
        ("nvidia-apex", ("apex",)),
        ("py-opencv", ("opencv-python", "opencv-python-headless")),
        ("flash-attn", ("flash-attn",)),
        ("Ruamel.YAML", ("ruamel-yaml",)),
        ("_libgcc_mutex", ()),
    ],
)
def test_pixi_p7_a_conda_forge_package_provides_these_projects(conda_name: str, projects: tuple[str, ...]) -> None:
    assert pypi_names(conda_name, "conda-forge") == projects


def test_pixi_p7_the_same_name_counts_for_conda_forge_only_wherever_it_is_mirrored() -> None:
    assert pypi_names("flash-attn", "https://mirror.example/conda-forge/") == ("flash-attn",)
    assert pypi_names("flash-attn", "https://mirror.example/meta-forge") == ()
    assert pypi_names("pytorch", "https://mirror.example/pytorch") == ("torch",)
    assert not is_conda_forge("https://mirror.example/forks/conda-forge")


def test_pixi_p7_the_purls_of_a_record_go_before_our_table() -> None:
    assert pypi_names("pytorch", "conda-forge", purls=["pkg:pypi/torch?source=hash-mapping"]) == ("torch",)
    assert pypi_names("pytorch", "conda-forge", purls=[]) == ()
    assert pypi_names("odd", "private", purls=["pkg:pypi/Odd.Name@1.0", "pkg:conda/x"]) == ("odd-name",)


def test_pixi_p7_an_entry_of_the_manifest_is_final_and_what_it_does_not_list_is_looked_up() -> None:
    maps = {"conda-forge": NameMap(mapping={"pytorch": ("my_torch",), "numpy": ()})}
    assert pypi_names("pytorch", "https://mirror.example/conda-forge", maps, purls=["pkg:pypi/torch"]) == ("my-torch",)
    assert pypi_names("numpy", "conda-forge", maps) == ()
    assert pypi_names("py-opencv", "conda-forge", maps) == ("opencv-python", "opencv-python-headless")
    assert pypi_names("scipy", "conda-forge", maps) == ("scipy",)


def test_pixi_p7_replace_leaves_the_default_mapping_out_but_keeps_the_same_name_for_conda_forge() -> None:
    maps = {
        "conda-forge": NameMap(replace=True),
        "file:///channel": NameMap(mapping={"pytorch": ("torch",)}, replace=True),
    }
    assert pypi_names("pytorch", "conda-forge", maps) == ("pytorch",)
    assert pypi_names("pytorch", "file:///channel", maps) == ("torch",)
    assert pypi_names("numpy", "file:///channel", maps, purls=["pkg:pypi/numpy"]) == ()


def test_pixi_p7_the_same_name_rule_can_be_switched_per_channel() -> None:
    assert pypi_names("odd", "private", {"private": NameMap(same_name=True)}) == ("odd",)
    assert pypi_names("odd", "conda-forge", {"conda-forge": NameMap(same_name=False)}) == ()


def test_pixi_p7_a_mapping_that_is_switched_off_provides_nothing() -> None:
    purls = ["pkg:pypi/numpy"]
    assert pypi_names("numpy", "conda-forge", {"conda-forge": NameMap(disabled=True)}, purls) == ()
    assert pypi_names("numpy", "anything", {"*": NameMap(disabled=True)}, purls) == ()


def test_a_project_leads_to_the_conda_packages_that_provide_it() -> None:
    assert conda_names("torch")[0] == "pytorch"
    assert conda_names("opencv-python") == ("py-opencv",)
    assert conda_names("matplotlib")[0] == "matplotlib"
    assert conda_names("Flash_Attn") == ("flash-attn",)


def test_a_project_whose_conda_namesake_is_another_thing_has_no_conda_package() -> None:
    assert conda_names("cmake") == ()
    assert conda_names("ninja") == ("ninja-python",)


def test_inverting_the_table_leads_back() -> None:
    for channel, table in names._conda_tables().items():
        for projects in table.values():
            for project in projects if channel == "conda-forge" else ():
                assert all(project in pypi_names(conda, "conda-forge") for conda in conda_names(project))


def test_documents_are_merged_below_the_inline_entries() -> None:
    document = json.dumps({"PyTorch": "torch", "numpy": None, "opencv": ["opencv-python", "cv"], "x": "from-file"})
    maps = {"c": NameMap(mapping={"x": ("inline",)}, location="maps/c.json")}
    asked: list[str] = []

    def read(location: str) -> str:
        asked.append(location)
        return document

    loaded, unknowns = load_name_maps(maps, read)
    assert asked == ["maps/c.json"]
    assert unknowns == ()
    expected = {"pytorch": ("torch",), "numpy": (), "opencv": ("opencv-python", "cv"), "x": ("inline",)}
    assert loaded == {"c": NameMap(mapping=expected)}


@pytest.mark.parametrize("text", ["<html>", "[]", '{"a": 1}', '{"a": [1]}'])
def test_a_document_that_is_no_mapping_is_an_unknown_and_the_inline_entries_stay(text: str) -> None:
    maps = {"c": NameMap(mapping={"x": ("y",)}, location="https://index.example/map.json")}
    loaded, (unknown,) = load_name_maps(maps, lambda _: text)
    assert pypi_names("x", "c", loaded) == ("y",)
    assert unknown.subject == "c"
    assert "https://index.example/map.json" in unknown.reason


def test_a_document_that_cannot_be_had_is_an_unknown() -> None:
    def absent(location: str) -> str:
        raise FileNotFoundError(location)

    loaded, unknowns = load_name_maps({"c": NameMap(location="gone.json")}, absent)
    assert len(unknowns) == 1
    assert pypi_names("x", "c", loaded) == ()

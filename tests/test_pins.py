"""Who wants which version: conflicts with what conda gives, and among PyPI projects, told as chains (pixi.md P7)."""

from __future__ import annotations

from pathlib import Path

from pixi_diagnose.finding import Finding
from pixi_diagnose.report import Report
from support.packages import pkg_info
from support.worlds import world

HEAD = """
[workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
"""


def sdist(name: str, version: str, *requires: str, extras: tuple[str, ...] = ()) -> dict[str, str]:
    """A source whose metadata is static, so that nothing is built to know it."""
    return {f"{name}-{version}/PKG-INFO": pkg_info(name, version, requires, extras=extras)}


FILES = {
    **sdist("trainer", "1.0", "kernels", "torch>=2.1"),
    **sdist("kernels", "0.3", "torch==2.6.0"),
    **sdist("older", "1.0", "torch<2.6"),
    **sdist("axo", "0.9.0", "packaging==23.2"),
    **sdist("wrapper", "2.0", "axo"),
    **sdist("optional", "1.0", "torch==2.6.0 ; extra == 'gpu'", extras=("gpu",)),
    **sdist("windows", "1.0", "torch==2.6.0 ; sys_platform == 'win32'"),
}


def diagnosed(tmp_path: Path, tables: str) -> Report:
    with world(tmp_path, FILES) as packages:
        return packages.diagnose({"pixi.toml": HEAD + tables}, plans=False)


def conflict(tmp_path: Path, tables: str) -> Finding:
    report = diagnosed(tmp_path, tables)
    assert [s.outcomes["lock"] for s in report.simulations] == ["fails"]
    (finding,) = report.findings
    return finding


def test_a_project_that_conda_pins_elsewhere_is_told_with_the_one_who_wants_it(tmp_path: Path) -> None:
    found = conflict(tmp_path, 'packaging = "*"\n[pypi-dependencies]\naxo = "*"\n')
    assert (found.rule.code, found.project) == ("IDX404", "packaging")
    assert found.message == "axo 0.9.0 wants packaging ==23.2, and conda gives 24.2"
    assert "conda's packaging 24.2 is asked for in [dependencies]." in found.explanation
    assert found.place is not None
    assert found.place.key == ("pypi-dependencies", "axo")


def test_the_chain_starts_at_the_manifests_key(tmp_path: Path) -> None:
    found = conflict(tmp_path, 'packaging = "*"\n[pypi-dependencies]\nwrapper = "*"\n')
    assert found.explanation[0] == "It is brought in by wrapper 2.0 → axo 0.9.0 → packaging ==23.2."
    assert found.place is not None
    assert found.place.key == ("pypi-dependencies", "wrapper")


def test_a_requirement_of_the_manifest_itself_is_told_as_such(tmp_path: Path) -> None:
    found = conflict(tmp_path, 'packaging = "*"\n[pypi-dependencies]\npackaging = "==23.2"\n')
    assert found.message == "packaging ==23.2 is asked for, and conda gives 24.2"


def test_who_wants_which_torch_is_a_rule_of_its_own(tmp_path: Path) -> None:
    found = conflict(tmp_path, 'pytorch = "2.5.*"\n[pypi-dependencies]\ntrainer = "*"\nolder = "*"\n')
    assert (found.rule.code, found.project) == ("PIN302", "torch")
    assert found.message == "kernels 0.3 wants torch ==2.6.0, and conda gives 2.5.0"
    assert found.explanation[0] == "It is brought in by trainer 1.0 → kernels 0.3 → torch ==2.6.0."
    assert "older 1.0 wants torch <2.6, which is met." in found.explanation


def test_what_conda_brings_along_is_traced_to_what_the_manifest_asks_of_it(tmp_path: Path) -> None:
    with world(tmp_path, FILES) as packages:
        from support.packages import conda_record, write_channel
        from support.worlds import CONDA

        suite = conda_record("suite", "3.0", depends=["pytorch ==2.5.0"], purls=[])
        write_channel(packages.root / "conda-forge", (*CONDA, suite), ("linux-64", "osx-arm64"))
        report = packages.diagnose(
            {"pixi.toml": HEAD + 'suite = "*"\n[pypi-dependencies]\ntrainer = "*"\n'}, plans=False
        )
    (found,) = report.findings
    assert "conda's suite 3.0, asked for in [dependencies], brings pytorch 2.5.0." in found.explanation


def test_projects_of_the_index_that_exclude_each_other_are_both_named(tmp_path: Path) -> None:
    found = conflict(tmp_path, '[pypi-dependencies]\ntrainer = "*"\nolder = "*"\n')
    assert found.rule.code == "PIN302"
    assert found.message == "older 1.0 wants torch <2.6, and kernels 0.3 wants ==2.6.0"
    assert "kernels 0.3 (brought in by trainer 1.0) wants torch ==2.6.0." in found.explanation


def test_an_extra_counts_where_it_is_asked_for(tmp_path: Path) -> None:
    tables = 'pytorch = "2.5.*"\n[pypi-dependencies]\noptional = { version = "*", extras = ["gpu"] }\n'
    assert conflict(tmp_path, tables).message == "optional 1.0 wants torch ==2.6.0, and conda gives 2.5.0"


def test_a_requirement_for_another_platform_disputes_nothing(tmp_path: Path) -> None:
    report = diagnosed(tmp_path, 'pytorch = "2.5.*"\n[pypi-dependencies]\nwindows = "*"\n')
    (simulation,) = report.simulations
    assert simulation.resolution.failure is None
    assert simulation.resolution.disputes == ()


def test_a_conflict_that_no_single_project_explains_keeps_the_resolvers_words(tmp_path: Path) -> None:
    tables = 'packaging = "*"\n[pypi-dependencies]\npackaging = "==23.2"\ntorch = "==2.6.0"\nolder = "*"\n'
    report = diagnosed(tmp_path, tables)
    (simulation,) = report.simulations
    assert simulation.resolution.disputes == ()
    assert [f.rule.code for f in report.findings] == ["IDX404"]


def test_an_unsolved_conda_pin_is_disputed_with_what_is_declared(tmp_path: Path) -> None:
    head = HEAD.replace('"conda-forge"', '"http://127.0.0.1:9/conda-forge"')
    with world(tmp_path, FILES) as packages:
        text = head + 'packaging = "24.2.*"\n[pypi-dependencies]\naxo = "*"\n'
        report = packages.diagnose({"pixi.toml": text}, plans=False)
    (found,) = report.findings
    assert found.message == "axo 0.9.0 wants packaging ==23.2, and conda gives 24.2"
    assert "The channels could not be read, so that this rests on the versions in the manifest." in found.explanation
    assert found.confidence == "medium"

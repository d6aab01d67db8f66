"""What holds of the pixi simulator whatever the workspace (hypothesis draws them from P6's parts)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixi_diagnose.frontends.model import Simulation
from pixi_diagnose.outcome import Outcome
from pixi_diagnose.renderers.json_report import render
from support.worlds import World, world
from test_frontends_pixi import P6_FILES, manifest

CONDA = ("pytorch", "setuptools", "wheel", "psutil", "packaging", "numpy")
PYPI = ("flash", "flash-dynamic", "declares-all", "torch", "setuptools")
RANK = {Outcome.OK: 0, Outcome.AT_RISK: 1, Outcome.FAILS: 2}
FEW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root: Path = tmp_path_factory.mktemp("world")
    with world(root, P6_FILES) as made:
        yield made


def subsets(of: Sequence[str], least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(of), unique=True, min_size=least)


isolation = st.one_of(st.just(True), subsets(PYPI))


def simulated(packages: World, conda: Sequence[str], pypi: Sequence[str], listed: object) -> Simulation:
    text = manifest({"conda": conda, "pypi": pypi, "isolation": listed})
    (simulation,) = packages.diagnose({"pixi.toml": text}, plans=False).simulations
    return simulation


@FEW
@given(conda=subsets(CONDA), more=st.sampled_from(CONDA), pypi=subsets(PYPI, 1), listed=isolation)
def test_another_conda_package_never_makes_a_build_worse(
    packages: World, conda: list[str], more: str, pypi: list[str], listed: object
) -> None:
    """P5, P6: conda's packages are there first, and only add to what builds see (none of these checks a version)."""
    before = simulated(packages, conda, pypi, listed)
    after = simulated(packages, sorted({*conda, more}), pypi, listed)
    for build in after.builds:
        same = before.build(build.project)
        for run in build.phases:
            earlier = same.phase(run.phase) if same else None
            if earlier is not None:
                assert RANK[run.outcome] <= RANK[earlier.outcome], (build.project, run)


@FEW
@given(conda=subsets(CONDA), pypi=subsets(PYPI, 2), listed=subsets(PYPI), data=st.data())
def test_the_order_of_the_list_only_decides_about_listed_names_at_install(
    packages: World, conda: list[str], pypi: list[str], listed: list[str], data: st.DataObject
) -> None:
    """P6: the merged list's order is the install order of what it names, and nothing else."""
    reordered = data.draw(st.permutations(listed))
    before, after = simulated(packages, conda, pypi, listed), simulated(packages, conda, pypi, reordered)
    assert before.outcomes["lock"] == after.outcomes["lock"]
    for build in before.builds:
        other = after.build(build.project)
        assert other is not None
        assert build.phase("lock") == other.phase("lock")
        if build.isolated:
            assert build == other


@FEW
@given(conda=subsets(CONDA), pypi=subsets(PYPI, 1), listed=isolation)
def test_equal_input_gives_equal_bytes(packages: World, conda: list[str], pypi: list[str], listed: object) -> None:
    files = {"pixi.toml": manifest({"conda": conda, "pypi": pypi, "isolation": listed})}
    one, other = (packages.diagnose(files) for _ in range(2))
    folders = [str(Path(report.path).parent) for report in (one, other)]
    first, second = (render(r).replace(f, "") for r, f in zip((one, other), folders, strict=True))
    assert first == second

"""Every case of uv and pip as the real tools of this environment end it: the cases say the truth."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from support.installers import Case, Ending, RealTools, cases, expected, projects, real_setuptools
from support.server import Server

ALL = [(tool, case) for tool in ("uv_project", "uv_pip", "pip") for case in cases(tool)]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="some cases name Linux in their markers")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealTools]:
    setuptools = real_setuptools()
    if setuptools is None:
        pytest.skip("this environment has no setuptools 82 or later to build with")
    with Server(projects(setuptools).routes()) as server:
        yield RealTools(tmp_path_factory.mktemp("real"), f"{server.url}/simple")


@pytest.fixture(scope="module")
def endings(tools: RealTools, request: pytest.FixtureRequest) -> Iterator[dict[int, Future[Ending]]]:
    """The runs of all selected cases by number, as many at once as there are processors."""
    selected = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    numbers = [spec.params["number"] for spec in selected if spec is not None]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield {number: pool.submit(tools.run, ALL[number][1], ALL[number][0]) for number in numbers}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("number", range(len(ALL)), ids=[f"{tool}: {case['name']}" for tool, case in ALL])
def test_the_real_tool_ends_so(number: int, endings: dict[int, Future[Ending]]) -> None:
    assert endings[number].result() == expected(ALL[number][1])


def test_a_warm_cache_of_uv_hides_what_a_fresh_machine_would_miss(tools: RealTools) -> None:
    case: Case = next(c for c in cases("uv_project") if c["name"].startswith("off for all"))
    assert tools.run(case, "uv_project", warm=True) == Ending("ok", "ok")

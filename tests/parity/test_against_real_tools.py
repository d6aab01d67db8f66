"""Every case of uv and pip as the real tools of this environment end it: the cases say the truth."""

from __future__ import annotations

import sys
from collections.abc import Iterator

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


@pytest.mark.parametrize(("tool", "case"), ALL, ids=[f"{tool}: {case['name']}" for tool, case in ALL])
def test_the_real_tool_ends_so(tool: str, case: Case, tools: RealTools) -> None:
    assert tools.run(case, tool) == expected(case)


def test_a_warm_cache_of_uv_hides_what_a_fresh_machine_would_miss(tools: RealTools) -> None:
    case = next(c for c in cases("uv_project") if c["name"].startswith("off for all"))
    assert tools.run(case, "uv_project", warm=True) == Ending("ok", "ok")

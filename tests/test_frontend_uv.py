"""uv and pip simulated: each case ends as the real tool ends it (tests/parity runs those); its fact is uv.md's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.installer_bench import Bench, ending, serving
from support.installers import Case, cases, expected

ALL = [(tool, case) for tool in ("uv_project", "uv_pip", "pip") for case in cases(tool)]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with serving(tmp_path_factory.mktemp("bench")) as made:
        yield made


@pytest.mark.parametrize(("tool", "case"), ALL, ids=[f"{c['fact']} {tool}: {c['name']}" for tool, c in ALL])
def test_a_case_ends_as_the_real_tool_ends_it(tool: str, case: Case, bench: Bench) -> None:
    assert ending(bench.report(tool, case)) == expected(case)

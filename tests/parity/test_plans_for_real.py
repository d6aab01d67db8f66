"""Plans for uv and pip are really run: the files that they write, and their commands, with this environment's tools."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from support.installer_bench import Bench
from support.installers import Case, Ending, RealTools, cases, planned, projects, real_setuptools
from support.server import Server


def distinct() -> list[tuple[str, Case]]:
    """The cases with a plan, but for those whose plan another one has, were it not for the projects' names."""
    found: dict[object, tuple[str, Case]] = {}
    for tool in ("uv_project", "uv_pip", "pip"):
        for case in cases(tool):
            plan = planned(tool).get(case["name"], {"none": ""})
            if "none" not in plan:
                shape = re.sub(r"kernels[\w-]*|trainer", "project", str(plan))
                found.setdefault((tool, shape), (tool, case))
    return list(found.values())


ALL = distinct()

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="some cases name Linux in their markers")


@pytest.fixture(scope="module")
def mended(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[int, Future[str]]]:
    """What the tools say of the selected cases after their plans, "" for those that pass."""
    setuptools = real_setuptools()
    if setuptools is None:
        pytest.skip("this environment has no setuptools 82 or later to build with")
    selected = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    numbers = [spec.params["number"] for spec in selected if spec is not None]
    root = tmp_path_factory.mktemp("plans")
    with Server(projects(setuptools).routes()) as server, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        bench = Bench(root, f"{server.url}/simple")
        tools = RealTools(tmp_path_factory.mktemp("tools"), bench.index)
        with bench.session:
            yield {number: pool.submit(run, tools, *written(bench, *ALL[number])) for number in numbers}
            pool.shutdown(cancel_futures=True)


def written(bench: Bench, tool: str, case: Case) -> tuple[Path, str, list[str], tuple[str, ...]]:
    """The folder of a case with its recommended plan in it, and how it is to be installed."""
    report = bench.report(tool, case, plans=True)
    plan = report.recommended
    assert plan is not None, [p.reason for p in report.plans]
    Path(report.path).write_text(plan.text)
    for change in plan.beside:
        Path(change.path).write_text(change.text)
    return Path(report.path).parent, tool, list(case.get("arguments", ())), plan.commands


def run(tools: RealTools, folder: Path, tool: str, arguments: list[str], commands: tuple[str, ...]) -> str:
    if commands:
        return tools.run_commands(folder, commands)
    isolated = "no-build-isolation" not in "".join(f.read_text() for f in folder.glob("*.toml"))
    ended = tools.run_in(folder, tool, arguments, warm=isolated)
    return "" if ended == Ending("ok", "ok") else f"{ended} in {folder}"


@pytest.mark.parametrize("number", range(len(ALL)), ids=[f"{tool}: {case['name']}" for tool, case in ALL])
def test_a_plan_really_mends(number: int, mended: dict[int, Future[str]]) -> None:
    assert mended[number].result() == ""

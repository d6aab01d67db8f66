"""Diagnoses of uv and pip inputs on one small index, with one cache for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from pixi_diagnose.diagnose import Question, diagnose
from pixi_diagnose.frontends.machine import Machine
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.report import Report

from .installers import PYTHON, Case, Ending, projects, stub_setuptools, write_case
from .packages import PackageFile
from .server import Server

__all__ = ["Bench", "ending", "serving"]

FRONTENDS = {"uv_project": "uv", "uv_pip": "uv", "pip": "pip"}


class Bench:
    """An index at an address, and one cache below `root`."""

    def __init__(self, root: Path, index: str) -> None:
        self.root = root
        self.index = index
        self.session = IndexSession(root / "cache")
        self.count = 0

    def report(self, tool: str, case: Case, **question: object) -> Report:
        """Diagnose a case with the arguments that it names."""
        self.count += 1
        manifest = write_case(case, tool, self.root / f"case{self.count}", self.index)
        asked = {
            "frontend": FRONTENDS[tool],
            "machine": Machine("linux-64", {}),
            "python": PYTHON,
            "plans": False,
            **_given(list(case.get("arguments", ()))),
            **question,
        }
        return diagnose(str(manifest), Question(**asked), self.session)  # type: ignore[arg-type]

    def files(self, files: Mapping[str, str], **question: object) -> Report:
        """Diagnose a user's files, the first of them the manifest; `@INDEX@` is the index."""
        self.count += 1
        folder = self.root / f"case{self.count}"
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text.replace("@INDEX@", self.index))
        asked = {"machine": Machine("linux-64", {}), "plans": False, **question}
        return diagnose(str(folder / next(iter(files))), Question(**asked), self.session)  # type: ignore[arg-type]


def _given(arguments: list[str]) -> dict[str, object]:
    options = dict(pairwise(arguments))
    found: dict[str, object] = {"no_build_isolation": "--no-build-isolation" in arguments}
    names = {"--extra": "extras", "--group": "groups", "--no-build-isolation-package": "no_build_isolation_packages"}
    return found | {field: (options[option],) for option, field in names.items() if option in options}


@contextmanager
def serving(root: Path, more: Iterable[PackageFile] = ()) -> Iterator[Bench]:
    """The index of all cases on loopback, with `more` files on it."""
    index = projects(stub_setuptools())
    for file in more:
        index.add(file)
    with Server(index.routes()) as server:
        made = Bench(root, f"{server.url}/simple")
        with made.session:
            yield made


def ending(report: Report) -> Ending:
    """How a report says that it ends: the phases up to the first failure, and the module that is missed first."""
    (simulation,) = report.simulations
    lock, install = (str(simulation.outcomes[phase]) for phase in ("lock", "install"))
    phase = "lock" if lock == "fails" else "install"
    runs = [run for build in simulation.builds if (run := build.phase(phase)) and run.missing]
    imports = [m.name for run in runs for m in run.missing if m.kind in {"import", "removed"}]
    return Ending(lock, "" if lock == "fails" else install, imports[0] if imports else "")

"""Against the live package index (`-m online`): what plain uv chooses, without executing what it executes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pixi_diagnose.index.model import PypiRequest
from pixi_diagnose.index.resolutions import resolve_projects
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.index.uv import uv_program
from pixi_diagnose.manifest.model import Platform, VirtualPackage

LINUX = Platform("linux-64", "linux-64", (VirtualPackage("__glibc", "2.28"),))


def plain_uv(requirements: tuple[str, ...], cache: Path) -> dict[str, str]:
    """name → version by `uv pip compile`, which builds what it cannot read."""
    target = ["--python-version", "3.12", "--python-platform", "x86_64-manylinux_2_28"]
    run = subprocess.run(
        [uv_program(), "pip", "compile", "-", "--no-header", "--no-annotate", "--python", sys.executable, *target],
        input="\n".join(requirements),
        capture_output=True,
        text=True,
        env={**os.environ, "UV_CACHE_DIR": str(cache)},
        check=True,
    )
    return dict(line.split("==") for line in run.stdout.splitlines() if "==" in line)


@pytest.mark.online
@pytest.mark.parametrize("version", ["0.9.0", "0.9.2"])
def test_axolotl_resolves_as_with_plain_uv(version: str, tmp_path: Path) -> None:
    requirements = (f"axolotl[flash-attn,deepspeed]=={version}", "torch==2.6.0")
    with IndexSession(tmp_path / "ours") as session:
        answer = resolve_projects(PypiRequest(requirements, "3.12", LINUX), session)
    assert answer.failure is None
    assert answer.unknowns == ()  # an index that fails shows here, and not as a difference below
    assert {d.project: d.version for d in answer.distributions} == plain_uv(requirements, tmp_path / "plain")
    built = {d.project for d in answer.distributions if d.built}
    assert {"axolotl", "deepspeed", "flash-attn"} <= built
    with IndexSession(tmp_path / "ours", offline=True) as session:
        assert resolve_projects(PypiRequest(requirements, "3.12", LINUX), session) == answer
        assert session.requests == 0

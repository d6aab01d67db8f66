"""No test reads the configuration of the machine that it runs on, but for those that use the live index."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CONFIGURATION = ("UV_", "PIP_", "PIXI_")
KEPT = {"PIXI_COLOR"}


@pytest.fixture(scope="session")
def nobodys_configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for configuration files in which there are none."""
    return tmp_path_factory.mktemp("configuration")


@pytest.fixture(autouse=True)
def away_from_the_machine(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, nobodys_configuration: Path
) -> None:
    """Take away the variables and files of uv, pip and pixi that the machine's user has."""
    if request.node.get_closest_marker("online") is not None:
        return
    for name in os.environ:
        if name.startswith(CONFIGURATION) and name not in KEPT:
            monkeypatch.delenv(name)
    for name in ("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "PIXI_HOME"):
        monkeypatch.setenv(name, str(nobodys_configuration))
    monkeypatch.setenv("UV_NO_SYSTEM_CONFIG", "1")
    monkeypatch.setenv("PIXI_NO_CONFIG", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)

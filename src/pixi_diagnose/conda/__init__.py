"""Conda packages: what a solve gives where the channels can be reached, else what the manifest declares.

The solver is py-rattler, which pixi is made of; it is imported only when a solve is really run (it costs 100 ms).
"""

from __future__ import annotations

from .channels import channel_url, shown_channel
from .model import CondaFailure, CondaPackage, CondaQuestion, CondaResolution, Expected, FactCache
from .packages import closure, reached_through, tools
from .session import CondaSession
from .versions import pypi_specifier, python_version

__all__ = [
    "CondaFailure",
    "CondaPackage",
    "CondaQuestion",
    "CondaResolution",
    "CondaSession",
    "Expected",
    "FactCache",
    "channel_url",
    "closure",
    "pypi_specifier",
    "python_version",
    "reached_through",
    "shown_channel",
    "tools",
]

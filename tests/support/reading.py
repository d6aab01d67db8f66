"""Reads a manifest that lies on disk, and resolves it there: the stages before a build, without a report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from pixi_diagnose.conda import CondaSession
from pixi_diagnose.environment import environments
from pixi_diagnose.index.session import IndexSession
from pixi_diagnose.manifest import Invocation, read_manifest
from pixi_diagnose.manifest.model import Manifest
from pixi_diagnose.manifest.surroundings import OnDisk
from pixi_diagnose.resolve import Resolution, Resolver

__all__ = ["first_resolution", "read_file"]

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def read_file(path: Path, frontend: str, variables: Mapping[str, str]) -> Manifest:
    """The manifest as this Python's frontend reads it, with these variables in its environment."""
    invocation = Invocation(frontend=frontend, python=PYTHON)
    return read_manifest(path.read_text(), str(path), invocation, OnDisk(path.parent, variables))


def first_resolution(manifest: Manifest, cache: Path) -> Resolution:
    """What the first environment of a manifest without problems comes to on Linux."""
    assert manifest.problems == ()
    every = environments(manifest)
    with IndexSession(cache_dir=cache) as session:
        channels = CondaSession(session.cache, manifest.root, max_age=session.max_age)
        return Resolver(every, session, channels, ("linux-64",)).resolve(every[0])

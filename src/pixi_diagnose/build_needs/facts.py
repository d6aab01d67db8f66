"""What an analysis depends on: a source tree's needs do not change, so they are kept between runs under that key."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from .model import BuildTarget

__all__ = ["key"]


def key(sha256: str, target: BuildTarget) -> str:
    """What an analysis depends on: the archive, the target, and the analyser itself."""
    python = ".".join(map(str, target.python))
    variables = sorted(target.variables.items())
    text = json.dumps([sha256, python, target.subdir, variables, _analyser()])
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _analyser() -> str:
    """The state of this package's files and of the tables: a change of the analyser is a change of its answers."""
    folder = Path(__file__).parent
    files = [*folder.rglob("*.py"), *folder.rglob("*.toml"), *folder.with_name("data").glob("*.toml")]
    stamps = [(str(p.relative_to(folder.parent)), p.stat().st_size, p.stat().st_mtime_ns) for p in files]
    return hashlib.sha256(json.dumps(sorted(stamps)).encode()).hexdigest()

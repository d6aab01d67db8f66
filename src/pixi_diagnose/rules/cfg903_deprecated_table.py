"""
# CFG903 deprecated-table

## What it finds
A table or key that pixi still reads but has announced to drop.

## Why it breaks
It does not break yet.

## Example
```toml pixi.toml
[project]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]
```

## Limits
What counts as deprecated is what pixi 0.77 warns about; what uv and pip have deprecated is not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule, Severity
from ..manifest.model import Manifest
from .reporting import about_problem

__all__ = ["RULE"]


def check_manifest(manifest: Manifest) -> Iterator[Finding]:
    """One finding for each deprecated table or key."""
    for problem in manifest.problems:
        if problem.kind == "deprecated":
            yield about_problem(RULE, problem, Severity.INFO)


RULE = Rule("CFG903", "deprecated-table", check_manifest=check_manifest)

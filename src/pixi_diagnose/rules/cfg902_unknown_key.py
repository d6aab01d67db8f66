"""
# CFG902 unknown-key

## What it finds
A key that the manifest's own tool does not know, in a table where it accepts no others.

## Why it breaks
pixi refuses the whole manifest, and uv a project whose sources have such a key. Of an unknown setting in `[tool.uv]`
uv only warns, and then ignores all settings of the table: that is ISO108.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[pypi-options]
no-build-isolatoin = ["flash-attn"]
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[pypi-options]
no-build-isolation = []
```

## Limits
The keys are those of pixi 0.77 and uv 0.13. Requirements files have options instead: see CFG901.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule, Severity
from ..manifest.model import Manifest
from .reporting import about_problem

__all__ = ["RULE"]


def check_manifest(manifest: Manifest) -> Iterator[Finding]:
    """One finding for each unknown key."""
    for problem in manifest.problems:
        if problem.kind == "unknown-key":
            yield about_problem(RULE, problem, Severity.ERROR)


RULE = Rule("CFG902", "unknown-key", check_manifest=check_manifest)

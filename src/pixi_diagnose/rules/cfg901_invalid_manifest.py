"""
# CFG901 invalid-manifest

## What it finds
An input that its own tool refuses: broken TOML, a missing table or a value of the wrong form in a `pixi.toml`, a
`[tool.uv]` setting that uv cannot read, a line of a requirements file that pip or `uv pip` does not take.

## Why it breaks
pixi, uv and pip stop at the first such place, before they look at anything else.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[pypi-dependencies]
torch = "2.6.0"
```

## Use instead
A PyPI version needs an operator.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
torch = "==2.6.0"
```

## Limits
The grammars are those of pixi 0.77, uv 0.13 and pip 26. For an older pixi (`--frontend-version`, or the installed one)
its version is held against `requires-pixi`, and keys that came later are named; other differences between versions are
not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Confidence, Finding, Rule, Severity
from ..manifest.model import Manifest
from .reporting import about_problem

__all__ = ["RULE"]


def check_manifest(manifest: Manifest) -> Iterator[Finding]:
    """One finding for each place that its tool would refuse."""
    for problem in manifest.problems:
        if problem.kind in {"invalid", "unsupported"}:
            # what older versions know was read in pixi's changelog, not seen
            confidence = Confidence.HIGH if problem.kind == "invalid" else Confidence.MEDIUM
            yield about_problem(RULE, problem, Severity.ERROR, confidence)


RULE = Rule("CFG901", "invalid-manifest", check_manifest=check_manifest)

"""
# CFG901 invalid-manifest

## What it finds
A manifest that pixi itself refuses: broken TOML, a missing table, a value of the wrong form.

## Why it breaks
pixi stops at the first such place, before it looks at anything else.

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
The grammar is that of pixi 0.77. For an older one (`--frontend-version`, or the installed pixi) its version is held
against `requires-pixi`, and keys that came later are named; other differences between versions are not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Confidence, Finding, Rule, Severity
from ..manifest.model import Manifest

__all__ = ["RULE"]


def check_manifest(manifest: Manifest) -> Iterator[Finding]:
    """One finding for each place that pixi would refuse."""
    for problem in manifest.problems:
        if problem.kind in {"invalid", "unsupported"}:
            yield Finding(
                rule=RULE,
                severity=Severity.ERROR,
                # what older versions know was read in pixi's changelog, not seen
                confidence=Confidence.HIGH if problem.kind == "invalid" else Confidence.MEDIUM,
                message=problem.message,
                explanation=(problem.hint,) if problem.hint else (),
                place=problem.place,
                position=problem.position,
            )


RULE = Rule("CFG901", "invalid-manifest", check_manifest=check_manifest)

"""
# ISO108 unread-build-setting

## What it finds
A table or key that looks as if it changed a build, in a file where the tool never reads it.

## Why it breaks
pixi has no `extra-build-dependencies`, `config-settings` or `dependency-metadata`, and in `pixi.toml` it ignores every
`[tool.*]` table without a word. uv's hint on a failed build, which pixi prints, recommends exactly such a table.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[tool.uv.extra-build-dependencies]
flash-attn = ["torch"]
```

## Use instead
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"
pytorch = "*"
setuptools = "*"

[pypi-options]
no-build-isolation = []
```

## Limits
Tables of other programs (`[tool.ruff]`, `[tool.pixi-diagnose]`) are nobody's mistake and are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Confidence, Finding, Rule, Severity
from ..manifest.model import Manifest

__all__ = ["RULE"]


def check_manifest(manifest: Manifest) -> Iterator[Finding]:
    """One finding for each unread table."""
    for table in manifest.unread:
        yield Finding(
            rule=RULE,
            severity=Severity.WARNING,
            confidence=Confidence.HIGH,
            message=f"{table.name} is never read here",
            explanation=(table.reason,),
            place=table.place,
        )


RULE = Rule("ISO108", "unread-build-setting", check_manifest=check_manifest)

"""
# ENV206 download-in-build

## What it finds
A build that passes, and fetches files from the network on its way: from where, when, and whether it compares a hash.

## Why it breaks
Without a network it fails, or makes something else. What comes is whatever lies there that day: no lock names it, and
without a hash nobody notices a change. It is also what makes a build of minutes out of one of seconds.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
fetcher = "==1.0"
```
```python fetcher-1.0/setup.py
from urllib.request import urlretrieve

from setuptools import setup
from setuptools.command.build_py import build_py


class WithModel(build_py):
    def run(self):
        urlretrieve("https://models.example/weights.bin", "weights.bin")
        super().run()


setup(name="fetcher", version="1.0", cmdclass={"build_py": WithModel})
```

## Use instead
A wheel or conda package of the same project, which was built once; or a release that carries what it needs.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
fetcher = "==2.0"
```
```python fetcher-2.0/setup.py
from setuptools import setup

setup(name="fetcher", version="2.0")
```

## Limits
Downloads of programs that a build starts (CMake's FetchContent, cargo) are not seen. Whether a download is reached can
hang on what the machine has. A build that fails anyway is not reported for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build_needs.model import Download, Phase
from ..finding import Finding, Rule, Severity
from ..frontends.model import Build, Outcome, Simulation
from ..prose import and_list
from .reporting import about_build
from .wording import title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each build that downloads: a warning where it compares no hash, else a note."""
    for build in simulation.builds:
        needs = build.subject.needs
        fails = any(p.outcome is Outcome.FAILS for p in build.phases)
        if needs is None or not needs.downloads or fails:
            continue
        unchecked = tuple(d for d in needs.downloads if not d.checked)
        yield about_build(
            RULE,
            simulation,
            build,
            f"{title(build)} downloads from {_sources(needs.downloads)} while it is built",
            (*(_sentence(d, build) for d in needs.downloads), _consequence(checked=not unchecked)),
            severity=Severity.WARNING if unchecked else Severity.INFO,
            evidence=[line for d in needs.downloads for line in d.evidence[:1]],
        )


def _sources(downloads: tuple[Download, ...]) -> str:
    return and_list(dict.fromkeys(d.host or "an address that it computes" for d in downloads))


def _sentence(download: Download, build: Build) -> str:
    """What is fetched, and when."""
    where = f" ({download.evidence[0]})" if download.evidence else ""
    locking = download.phase is Phase.METADATA and build.phase("lock") is not None
    when = "while locking and again while installing" if locking else "while installing"
    hashed = "compares a hash" if download.checked else "compares no hash"
    return f"It fetches {download.url or 'a computed address'}{where} {when}, and {hashed}."


def _consequence(*, checked: bool) -> str:
    return "Without a network it fails or makes something else" + ("." if checked else "; what comes is not verified.")


RULE = Rule("ENV206", "download-in-build", check=check)

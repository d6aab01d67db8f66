"""
# ISO112 removed-build-api

## What it finds
A build that uses something which the Python or the setuptools that it will run with no longer has: `pkg_resources`,
`numpy.distutils`, `imp`, `collections.Mapping`, … So does a build that compiles C which this Python's headers no longer
fit: a source that includes `longintrepr.h` or `pystrhex.h`, or one that an old Cython generated and that the sdist
brings along.

## Why it breaks
An old release was written for the Python and the setuptools of its time. An isolated build takes the newest setuptools
that the release allows, which mostly means the newest there is. CPython's C API changes with every version, and C that
Cython generated uses its innermost parts: what Cython 0.29.28 wrote does not compile with Python 3.11, what 3.0.4 wrote
not with 3.13.

## Example
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
old-habits = "==1.0"
```
```python old_habits-1.0/setup.py
from collections import Mapping

from setuptools import setup

setup(name="old-habits", version="1.0")
```

## Use instead
A newer release, a conda package of the same project, or a Python (and setuptools) of its time. Where the script
translates its `.pyx` files itself, Cython among the build requirements is enough.
```toml pixi.toml
[workspace]
name = "example"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
python = "3.11.*"

[pypi-dependencies]
old-habits = "==2.0"
```
```python old_habits-2.0/setup.py
from collections.abc import Mapping

from setuptools import setup

setup(name="old-habits", version="2.0")
```

## Limits
pixi cannot constrain what an isolated build installs: a bound on setuptools needs a build without isolation. C sources
are only looked at in the head, and only those that setup() is given; conditions of the preprocessor that hang on more
than the Python and the platform are not decided, nor are functions that a header no longer declares.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Finding, Rule
from ..frontends.model import Outcome, Simulation
from ..prose import and_list
from .reporting import about_build, first_lines
from .wording import because_built, names, title

__all__ = ["RULE"]


def check(simulation: Simulation) -> Iterator[Finding]:
    """One finding for each build that fails for something that is gone."""
    for build in simulation.decisive_builds:
        run = next((p for p in build.phases if p.outcome is Outcome.FAILS), None)
        gone = tuple(m for m in run.missing if m.kind == "removed") if run else ()
        if not gone:
            continue
        needs = build.subject.needs
        api = next((r for r in needs.removed if r.name == gone[0].name), None) if needs else None
        bounds = and_list(f"{p.requirement} ({p.reason})" for p in needs.pins) if needs else ""
        yield about_build(
            RULE,
            simulation,
            build,
            f"{title(build)} uses {gone[0].name}, which {gone[0].late} no longer has",
            (
                f"{because_built(build)[0]}.",
                f"Its build uses {names(gone)}.",
                *((f"It would need {bounds}.",) if bounds else ()),
                *(
                    (f"With {api.unless[0]} to be seen there it would be translated anew.",)
                    if api and api.unless
                    else ()
                ),
            ),
            evidence=first_lines(gone),
        )


RULE = Rule("ISO112", "removed-build-api", check=check)

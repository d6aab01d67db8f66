"""Names for what a requirements file asks for by its address alone, without which uv's settings for it have no effect.

uv begins to build such a project before it knows a name, unless its folder's own files say it (seen with 0.13.8): what
extra-build-dependencies, no-build-isolation-package and the like hold for that name does not reach this build.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..core_metadata import MetadataSource
from ..frontends.model import Build, Simulation
from ..manifest.model import PathSource
from .changes import Change, Enlist, Put
from .placing import pypi_specs
from .requirement_entries import lines_of
from .workbench import Workbench

__all__ = ["goes_by_name", "named_lines"]

_LINE = re.compile(
    r"(?P<editable>(?:-e|--editable)(?:\s+|\s*=\s*))?(?P<address>(?![\w.-]+@)[^\s;]+?)(?:\[[^\]\[]*\])?(?P<marker>\s*;.*)?"
)
_SAYS_ITS_NAME = {MetadataSource.PYPROJECT, MetadataSource.PKG_INFO, MetadataSource.OLD_PKG_INFO}


def goes_by_name(changes: Sequence[Change], project: str) -> bool:
    """Whether some of these are settings of uv for this one project."""
    return any(
        (isinstance(c, Enlist) and c.item == project) or (isinstance(c, Put | Enlist) and project in c.key)
        for c in changes
    )


def named_lines(bench: Workbench, simulation: Simulation, build: Build) -> Iterator[Put]:
    """The lines of a requirements file that ask for this build by its address, with the name before it."""
    metadata = build.subject.distribution.metadata
    if simulation.frontend != "uv" or lines_of(bench) is None:
        return
    written = {s.place for before in bench.before for s in pypi_specs(before, build.project) if s.source is not None}
    for spec in pypi_specs(simulation, build.project):
        if spec.place not in written:  # an edit gives it the address, and has a name for it
            continue
        file, key = spec.place.file, spec.place.key
        text = bench.document_of(file).value_at(key) if file in bench.documents and key else None
        line = _LINE.fullmatch(text) if isinstance(text, str) and spec.source is not None else None
        said = isinstance(spec.source, PathSource) and metadata is not None and metadata.source in _SAYS_ITS_NAME
        if line is None or said:
            continue
        extras = f"[{','.join(spec.extras)}]" if spec.extras else ""
        marker = f" {line['marker'].lstrip()}" if line["marker"] else ""
        named = f"{line['editable'] or ''}{spec.spelled}{extras} @ {line['address']}{marker}"
        note = f"{spec.spelled} is asked for by name: uv applies no setting to what it does not know the name of."
        yield Put(key, named, note, firm=True, file=file)

"""Names for what a requirements file asks for by its address alone, so that uv's settings for it reach its build.

Where uv learns a name only by a build, no setting by that name counts for it (`frontends.known_names`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ..frontends.known_names import known_name, unreached_settings
from ..frontends.model import Simulation
from ..pep508 import canonicalize_name
from .changes import AddTable, Change, Enlist, Put
from .placing import pypi_specs
from .requirement_entries import lines_of
from .workbench import Workbench

__all__ = ["named_lines", "settings_of"]

_LINE = re.compile(
    r"(?P<editable>(?:-e|--editable)(?:\s+|\s*=\s*))?(?P<address>(?![\w.-]+@)[^\s;]+?)(?:\[[^\]\[]*\])?(?P<marker>\s*;.*)?"
)


def settings_of(changes: Sequence[Change], project: str) -> Iterator[str]:
    """The settings of uv by project's name that these changes make for one project."""
    for change in changes:
        if not isinstance(change, Put | Enlist | AddTable):
            continue
        names = [canonicalize_name(str(part)) for part in change.key]
        listed = isinstance(change, Enlist) and change.item == project
        stated = isinstance(change, AddTable) and change.value.get("name") == project
        if project in names[1:]:
            yield str(change.key[names.index(project, 1) - 1])
        elif names and (listed or stated):
            yield str(change.key[-1])


def named_lines(bench: Workbench, simulation: Simulation, project: str, settings: Iterable[str]) -> Iterator[Put]:
    """The lines of a requirements file that ask for a project by its address, with the name before it.

    None where what `settings` hold for the project (and what the user's settings already do) reaches its build anyway.
    What forbids the build is better not heard sooner.
    """
    environment, resolution = simulation.environment, simulation.resolution
    if simulation.frontend != "uv" or lines_of(bench) is None:
        return
    known = known_name(environment, resolution, project)
    unreached = {s.name for s in unreached_settings(environment, resolution, project)} - {"no-build-package"}
    if not unreached and all(known.lets_reach(setting) for setting in settings):
        return
    for spec in pypi_specs(simulation, project):
        file, key = spec.place.file, spec.place.key
        text = bench.document_of(file).value_at(key) if file in bench.documents and key else None
        line = _LINE.fullmatch(text) if isinstance(text, str) and spec.nameless else None
        if line is None:
            continue
        extras = f"[{','.join(spec.extras)}]" if spec.extras else ""
        marker = f" {line['marker'].lstrip()}" if line["marker"] else ""
        named = f"{line['editable'] or ''}{spec.spelled}{extras} @ {line['address']}{marker}"
        note = f"{spec.spelled} is asked for by name: uv applies no setting to what it does not know the name of."
        yield Put(key, named, note, firm=True, file=file)

"""Which settings uv takes: variables, the nearest uv.toml or `[tool.uv]`, the user's, the system's (uv.md U1, U3).

As uv 0.13.8 looks: the project's are searched upward, UV_CONFIG_FILE takes the place of all files, and UV_NO_CONFIG
leaves only variables.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import field, replace

from ..document import Document
from ..errors import UsageError
from ..evidence import Place, Unknown
from ..lazy_dataclass import dataclass
from .fields import Node, Problems, refuse_dates
from .installer import NamedIndex
from .model import ManifestProblem, UnreadTable
from .problem_places import placed_problems
from .surroundings import Surroundings
from .uv_levels import combined, for_pip, placed
from .uv_options import ONLY_IN_PYPROJECT, PROJECT_KEYS, UvOptions, read_options
from .uv_variables import boolean, not_followed, options_from_variables

__all__ = ["FoundOptions", "find_options", "system_places", "user_place", "uv_table"]

# What changes how something is resolved or built: worth a word where uv does not read it.
_OF_CONSEQUENCE = {
    *("index", "index-url", "extra-index-url", "no-index", "find-links", "index-strategy", "resolution", "prerelease"),
    *("dependency-metadata", "config-settings", "config-settings-package", "no-build-isolation", "exclude-newer"),
    *("no-build-isolation-package", "extra-build-dependencies", "extra-build-variables", "exclude-newer-package"),
    *("no-build", "no-build-package", "no-binary", "no-binary-package", "torch-backend", "pip", "no-sources"),
}


@dataclass(frozen=True, slots=True)
class FoundOptions:
    """The settings in force, as one, and where they stand; their paths are relative to the manifest's folder.

    `given` are the indexes that variables name. `files` are the texts that were read on the way. `problems` are what
    stops uv, `unread` the settings without effect, `unknowns` those whose effect is not followed.
    """

    options: UvOptions = field(default_factory=UvOptions)
    given: tuple[NamedIndex, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    problems: tuple[ManifestProblem, ...] = ()
    unread: tuple[UnreadTable, ...] = ()
    unknowns: tuple[Unknown, ...] = ()


def uv_table(data: object) -> Node | None:
    """`[tool.uv]` of a parsed pyproject.toml, None without one."""
    tools = data.get("tool") if isinstance(data, dict) else None
    table = tools.get("uv") if isinstance(tools, dict) else None
    return None if table is None else Node(table, ("tool", "uv"))


def find_options(
    surroundings: Surroundings,
    start: str,
    text_of: Callable[[str], str | None],
    path_of: Callable[[str], str],
    *,
    pip: bool = False,
) -> FoundOptions:
    """All levels of settings for the folder `start` (of the workspace's root), those of `uv pip` where `pip` says so.

    `text_of` gives a file's text (an unsaved buffer included), `path_of` its path for people; both take paths relative
    to the manifest's folder. Raises ManifestError for a file that is no TOML, and UsageError for a variable that uv
    refuses or that names no file.
    """
    variable = surroundings.variable
    levels = _files(surroundings, start, text_of, path_of)
    options = options_from_variables(variable, pip=pip)
    given = options.index or ()
    for level in levels:
        options = combined(options, level.options)
    options = for_pip(options) if pip else options
    unknowns = [*not_followed(variable), *_torch_backend(options)] if pip else [*not_followed(variable)]
    return FoundOptions(
        options,
        given,
        tuple(file for level in levels for file in level.files),
        tuple(problem for level in levels for problem in level.problems),
        tuple(table for level in levels for table in level.unread),
        tuple(unknowns),
    )


def user_place(variable: Callable[[str], str | None]) -> str | None:
    """Where the user's settings are, whether or not there is such a file; None without a home."""
    if os.name == "nt":
        folder = variable("APPDATA")
    else:
        home, named = variable("HOME"), variable("XDG_CONFIG_HOME") or ""
        folder = named if posixpath.isabs(named) else home and posixpath.join(home, ".config")
    return posixpath.join(folder, "uv", "uv.toml") if folder else None


def system_places(variable: Callable[[str], str | None]) -> tuple[str, ...]:
    """Where the system's settings may be: the first file that is there counts."""
    if os.name == "nt":
        folders = [variable("PROGRAMDATA") or "", variable("SYSTEMDRIVE") or ""]
    else:
        folders = [*(variable("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"), "/etc"]
    return tuple(posixpath.join(folder, "uv", "uv.toml") for folder in folders if folder)


def _files(
    surroundings: Surroundings, start: str, text_of: Callable[[str], str | None], path_of: Callable[[str], str]
) -> tuple[FoundOptions, ...]:
    """The levels that are files, the nearest first."""
    variable = surroundings.variable
    if named := variable("UV_CONFIG_FILE"):
        path = os.path.abspath(named)  # noqa: PTH100 -- as text, from the working directory as uv takes it
        text = surroundings.text(path)
        if text is None:
            raise UsageError(f"UV_CONFIG_FILE names {named}, and there is no such file")
        return (_of_uv_toml(text, path, posixpath.dirname(path)),)
    if boolean(variable, "UV_NO_CONFIG"):
        return ()
    levels = [_of_project(surroundings, start, text_of, path_of)]
    elsewhere = [user_place(variable)]
    if not boolean(variable, "UV_NO_SYSTEM_CONFIG"):
        elsewhere.append(next((p for p in system_places(variable) if surroundings.text(p) is not None), None))
    for place in filter(None, elsewhere):
        text = surroundings.text(place)
        if text is not None:
            levels.append(_of_uv_toml(text, place, posixpath.dirname(place)))
    return tuple(levels)


def _of_project(
    surroundings: Surroundings, start: str, text_of: Callable[[str], str | None], path_of: Callable[[str], str]
) -> FoundOptions:
    """The nearest settings in the folder and above, uv.toml before pyproject.toml.

    A pyproject.toml whose settings uv refuses is passed over, as uv does after a warning.
    """
    unread: list[UnreadTable] = []
    below = [start, *(f for f in surroundings.ancestors() if _is_above(f, start))]
    for folder in below:
        uv_toml, pyproject = posixpath.join(folder, "uv.toml"), posixpath.join(folder, "pyproject.toml")
        standard = Document(text_of(pyproject) or "", path_of(pyproject))
        text = text_of(uv_toml)
        if text is not None:
            found = _of_uv_toml(text, path_of(uv_toml), folder)
            return replace(found, unread=(*unread, *_masked(standard)))
        table = uv_table(standard.data)
        if table is None:
            continue
        problems = Problems(standard.path)
        options = _read(problems, table, uv_toml=False)
        if not problems.found:
            return FoundOptions(placed(options, folder), unread=tuple(unread))
        unread += _ignored(standard, table, problems.found)
    return FoundOptions(unread=tuple(unread))


def _torch_backend(options: UvOptions) -> Iterator[Unknown]:
    """`torch-backend` sends torch and what goes with it to an index of PyTorch's own (uv.md U1)."""
    backend, place = options.torch_backend, options.places.get("torch-backend")
    if backend:
        where = f"{place.file}" if place is not None else "UV_TORCH_BACKEND"
        reason = f"torch-backend = '{backend}' ({where}) is not followed: uv would take torch from PyTorch's own index"
        yield Unknown(f"{reason} for it, and perhaps in another version or build", subject="torch-backend")


def _is_above(folder: str, start: str) -> bool:
    return len(folder.split("/")) > (len(start.split("/")) if start.startswith("..") else 0)


def _read(problems: Problems, table: Node, *, uv_toml: bool) -> UvOptions:
    refuse_dates(problems, table, "a date is no value that uv takes")
    return read_options(problems, table, uv_toml=uv_toml)


def _of_uv_toml(text: str, path: str, folder: str) -> FoundOptions:
    document = Document(text, path)
    problems = Problems(path)
    options = placed(_read(problems, Node(document.data, ()), uv_toml=True), folder)
    return FoundOptions(options, files=((path, text),), problems=placed_problems(document, problems.found))


def _masked(document: Document) -> Iterator[UnreadTable]:
    """Settings of `[tool.uv]` that a uv.toml beside it replaces; project keys hold in spite of uv's warning (seen)."""
    table = uv_table(document.data)
    for key, value in table.items() if table is not None else ():
        if key in _OF_CONSEQUENCE and key not in PROJECT_KEYS:
            reason = "uv reads the settings of uv.toml beside this file instead of those in [tool.uv]"
            yield UnreadTable(Place(document.path, value.key), f"tool.uv.{key}", reason)


def _ignored(document: Document, table: Node, problems: list[ManifestProblem]) -> Iterator[UnreadTable]:
    """What a setting that uv refuses takes with it: all the settings of the table (seen with uv 0.13.8)."""
    first, *_ = sorted(placed_problems(document, problems), key=lambda p: p.position or (0, 0))
    spelled = ".".join(str(part) for part in first.place.key)
    keys = dict(table.items())
    broken = str(first.place.key[2]) if len(first.place.key) > 2 else ""
    if broken not in (*PROJECT_KEYS, *ONLY_IN_PYPROJECT):
        reason = f"uv 0.13 refuses it ({first.message.partition(', expected only')[0]}), and with it every setting here"
        yield UnreadTable(first.place, spelled, reason)
    for key, value in keys.items():
        if key in _OF_CONSEQUENCE and key not in PROJECT_KEYS and key != broken:
            reason = f"uv 0.13 ignores all settings of [tool.uv] as long as {spelled} is there, which it refuses"
            yield UnreadTable(Place(document.path, value.key), f"tool.uv.{key}", reason)

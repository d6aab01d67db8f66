"""Which settings uv takes: the nearest uv.toml or `[tool.uv]`, searched upward (uv.md U1, U3; uv 0.13.8)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..document import Document
from ..evidence import Place
from .fields import Node, Problems, refuse_dates
from .model import ManifestProblem, UnreadTable
from .problem_places import placed_problems
from .surroundings import Surroundings
from .uv_options import ONLY_IN_PYPROJECT, PROJECT_KEYS, UvOptions, read_options

__all__ = ["FoundOptions", "find_options", "uv_table"]

# What changes how something is resolved or built: worth a word where uv does not read it.
_OF_CONSEQUENCE = {
    *("index", "index-url", "extra-index-url", "no-index", "find-links", "index-strategy", "resolution", "prerelease"),
    *("dependency-metadata", "config-settings", "config-settings-package", "no-build-isolation", "exclude-newer"),
    *("no-build-isolation-package", "extra-build-dependencies", "extra-build-variables", "exclude-newer-package"),
    *("no-build", "no-build-package", "no-binary", "no-binary-package", "torch-backend", "pip", "no-sources"),
}


@dataclass(frozen=True, slots=True)
class FoundOptions:
    """The settings in force, and where they stand.

    `folder` is where they were found, relative to the manifest's ("" for the same): their paths are relative to it.
    `files` are the texts that were read on the way. `problems` are what stops uv, `unread` the settings without effect.
    """

    options: UvOptions = field(default_factory=UvOptions)
    folder: str = ""
    files: tuple[tuple[str, str], ...] = ()
    problems: tuple[ManifestProblem, ...] = ()
    unread: tuple[UnreadTable, ...] = ()


def uv_table(data: object) -> Node | None:
    """`[tool.uv]` of a parsed pyproject.toml, None without one."""
    tools = data.get("tool") if isinstance(data, dict) else None
    table = tools.get("uv") if isinstance(tools, dict) else None
    return None if table is None else Node(table, ("tool", "uv"))


def find_options(
    surroundings: Surroundings, start: str, text_of: Callable[[str], str | None], path_of: Callable[[str], str]
) -> FoundOptions:
    """Look for settings in the folder `start` (of the workspace's root) and above, uv.toml before pyproject.toml.

    `text_of` gives a file's text (an unsaved buffer included), `path_of` its path for people; both take paths relative
    to the manifest's folder. A pyproject.toml whose settings uv refuses is passed over, as uv does after a warning.
    """
    unread: list[UnreadTable] = []
    files: dict[str, str] = {}
    below = [start, *(f for f in surroundings.ancestors() if _is_above(f, start))]
    for folder in below:
        uv_toml, pyproject = posixpath.join(folder, "uv.toml"), posixpath.join(folder, "pyproject.toml")
        standard = Document(text_of(pyproject) or "", path_of(pyproject))
        text = text_of(uv_toml)
        if text is not None:
            files[path_of(uv_toml)] = text
            unread += _masked(standard)
            return _of_uv_toml(text, path_of(uv_toml), folder, tuple(files.items()), tuple(unread))
        table = uv_table(standard.data)
        if table is None:
            continue
        problems = Problems(standard.path)
        options = _read(problems, table, uv_toml=False)
        if not problems.found:
            return FoundOptions(options, folder, tuple(files.items()), (), tuple(unread))
        unread += _ignored(standard, table, problems.found)
    return FoundOptions(files=tuple(files.items()), unread=tuple(unread))


def _is_above(folder: str, start: str) -> bool:
    return len(folder.split("/")) > (len(start.split("/")) if start.startswith("..") else 0)


def _read(problems: Problems, table: Node, *, uv_toml: bool) -> UvOptions:
    refuse_dates(problems, table, "a date is no value that uv takes")
    return read_options(problems, table, uv_toml=uv_toml)


def _of_uv_toml(
    text: str, path: str, folder: str, files: tuple[tuple[str, str], ...], unread: tuple[UnreadTable, ...]
) -> FoundOptions:
    document = Document(text, path)
    problems = Problems(path)
    options = _read(problems, Node(document.data, ()), uv_toml=True)
    return FoundOptions(options, folder, files, placed_problems(document, problems.found), unread)


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

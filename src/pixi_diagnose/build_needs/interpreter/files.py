"""The tree as the file system that a build script sees: rooted at a made-up absolute folder, and read-only."""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from fnmatch import translate
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from ...source_tree import SourceTree

__all__ = ["PYTHON_2", "ROOT", "TreeFiles", "TreeIndex", "parse_script"]

PYTHON_2 = "is written for Python 2"
ROOT = "/source"
"""Where the tree seems to lie. Nothing outside of it exists or does not exist: it is unknown."""


class TreeIndex:
    """What is worked out once per tree, however often its scripts are interpreted."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self.parsed: dict[str, ast.Module | None] = {}
        self.problems: dict[str, tuple[str, int]] = {}
        """Files that cannot be parsed: why, and the line."""
        self.generators: dict[ast.AST, bool] = {}
        self.steps = 0
        """Steps that earlier interpretations took."""
        self._lines: dict[str, list[str]] = {}

    def syntax(self, file: str) -> ast.Module | None:
        """The syntax tree of a file of the tree, None where it is absent or cannot be parsed."""
        if file not in self.parsed:
            text = self.tree.text(file)
            tree, problem, line = parse_script(text) if text is not None else (None, "", 0)
            self.parsed[file] = tree
            if problem:
                self.problems[file] = (problem, line)
        return self.parsed[file]

    def line(self, file: str, number: int) -> str:
        """One line of a file, stripped; empty where there is none."""
        if file not in self._lines:
            self._lines[file] = (self.tree.text(file) or "").splitlines()
        lines = self._lines[file]
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    @cached_property
    def folders(self) -> dict[str, dict[str, None]]:
        """Every folder of the tree ("" is its root) with the names in it, in order."""
        found: dict[str, dict[str, None]] = {"": {}}
        for name in sorted(self.tree.names):
            child, parent = name, posixpath.dirname(name)
            while True:
                entries = found.setdefault(parent, {})
                base = posixpath.basename(child)
                known = base in entries
                entries[base] = None
                if known or not parent:
                    break
                child, parent = parent, posixpath.dirname(parent)
        return found


class TreeFiles:
    """Questions about paths, answered from the tree's list of names; what a script writes is kept beside it."""

    def __init__(self, index: TreeIndex) -> None:
        self.index = index
        self.tree = index.tree
        self.folder = ROOT
        self.written: dict[str, str | None] = {}
        """Files that the script itself wrote: their text, None where it is not known."""
        self.complete = index.tree.complete
        """Whether what is not known to be there is absent: no longer once another program has run."""

    @property
    def folders(self) -> dict[str, dict[str, None]]:
        """Every folder of the tree with the names in it."""
        return self.index.folders

    def inside(self, path: Any) -> str | None:
        """The path relative to the tree's root, None for one outside (or for what is no path)."""
        if isinstance(path, PurePosixPath):
            path = str(path)
        if not isinstance(path, str) or "\0" in path:
            return None
        full = posixpath.normpath(posixpath.join(self.folder, path))
        if full == ROOT:
            return ""
        return full[len(ROOT) + 1 :] if full.startswith(ROOT + "/") else None

    def is_file(self, path: Any) -> bool | None:
        """Whether it is a file of the tree; None where that cannot be known."""
        relative = self.inside(path)
        if relative is None:
            return None
        if relative in self.tree.names or relative in self.written:
            return True
        return False if self.complete else None

    def is_folder(self, path: Any) -> bool | None:
        """Whether it is a folder of the tree; None where that cannot be known."""
        relative = self.inside(path)
        if relative is None:
            return None
        if relative in self.folders:
            return True
        return False if self.complete else None

    def exists(self, path: Any) -> bool | None:
        """Whether the tree has a file or a folder there; None where that cannot be known."""
        answers = {self.is_file(path), self.is_folder(path)}
        return True if True in answers else None if None in answers else False

    def text(self, path: Any) -> str | None:
        """The text of a file, None where it is outside, absent or was not kept."""
        relative = self.inside(path)
        if relative is None:
            return None
        if relative in self.written:
            return self.written[relative]
        return self.tree.text(relative)

    def children(self, path: Any) -> list[str] | None:
        """The names in a folder, None where it is none of the tree's."""
        relative = self.inside(path)
        return None if relative is None or relative not in self.folders else list(self.folders[relative])

    def matching(self, pattern: str, *, recursive: bool) -> list[str] | None:
        """What a glob pattern finds, spelled as the pattern is; None for a pattern outside of the tree."""
        full = posixpath.normpath(posixpath.join(self.folder, pattern))
        if full != ROOT and not full.startswith(ROOT + "/"):
            return None
        test = _glob_regex(full[len(ROOT) + 1 :], recursive=recursive)
        absolute = pattern.startswith("/")
        found = [name for name in [*self.tree.names, *self.folders] if name and test.fullmatch(name)]
        base = "" if absolute else posixpath.relpath(self.folder, ROOT)
        spelled = [f"{ROOT}/{n}" if absolute else posixpath.relpath(n, base) if base != "." else n for n in found]
        if pattern.startswith("./"):
            spelled = ["./" + n for n in spelled]
        return sorted(spelled)

    def below(self, path: Any) -> list[tuple[str, list[str], list[str]]] | None:
        """What `os.walk` yields: (folder, its folders, its files), spelled from `path`; None outside of the tree."""
        start = self.inside(path)
        if start is None or start not in self.folders:
            return None if start is None else []
        rows: list[tuple[str, list[str], list[str]]] = []
        pending = [start]
        while pending and len(rows) < 2000:
            folder = pending.pop(0)
            names = [posixpath.join(folder, n) for n in self.folders[folder]]
            folders = [n for n in names if n in self.folders]
            spelled = posixpath.join(str(path), posixpath.relpath(folder, start)) if folder != start else str(path)
            rows.append(
                (
                    spelled,
                    [posixpath.basename(n) for n in folders],
                    [posixpath.basename(n) for n in names if n not in self.folders],
                )
            )
            pending[:0] = folders
        return rows


def _glob_regex(pattern: str, *, recursive: bool) -> re.Pattern[str]:
    """A regular expression for a whole relative path. Stars stay within one folder, except `**` of a recursive glob."""
    parts: list[str] = []
    pieces = pattern.split("/")
    for position, piece in enumerate(pieces):
        last = position == len(pieces) - 1
        if piece == "**" and recursive:
            parts.append(".*" if last else "(?:.*/)?")
            continue
        # A translated piece reads `(?s:…)\Z`; neither of its wildcards may cross a folder.
        body = translate(piece)[4:].rpartition(")")[0].replace(".*", "[^/]*")
        parts.append(re.sub(r"(?<!\\)\.(?![*])", "[^/]", body) + ("" if last else "/"))
    return re.compile("".join(parts))


def parse_script(text: str) -> tuple[ast.Module | None, str, int]:
    """The syntax tree of a script, or None with what is wrong and the line. Syntax of Python 2 is told as such."""
    if len(text) > 2_000_000:
        return None, "is too long to be read", 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text), "", 0
    except SyntaxError as error:
        message = str(error.msg)
        python2 = (
            "Missing parentheses" in message or "multiple exception types" in message or "leading zeros" in message
        )
        return None, f"{PYTHON_2 if python2 else 'cannot be parsed'}: {message}", error.lineno or 1
    except (ValueError, RecursionError, MemoryError) as error:
        return None, f"cannot be parsed: {error}", 1
